package io.chatrelay.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.UUID;

import io.chatrelay.support.it.TestPostgres;

/**
 * Keeps a process between a decision that is stored and the call that tells it: the statement that records the call before it is made
 * waits in the database, in a trigger that the service knows nothing of.
 */
final class SendGate implements AutoCloseable {

    private final TestPostgres database;
    private final Connection holder;

    /** On a database that the service has set up. */
    SendGate(TestPostgres database) {
        this.database = database;
        database.execute("""
                create function hold_send() returns trigger language plpgsql as $$
                begin
                    perform set_config('lock_timeout', '0', true);
                    perform pg_advisory_xact_lock(hashtext(new.id::text), new.attempts);
                    return new;
                end $$""", """
                create trigger hold_send before update of attempts on tool_approval
                for each row execute function hold_send()""");
        try {
            holder = database.connect();
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** From now on the decision is not sent for this time. @param attempt from 1 */
    void hold(UUID approval, int attempt) {
        try (Statement statement = holder.createStatement()) {
            statement.execute("select pg_advisory_lock(hashtext('%s'), %d)".formatted(approval, attempt));
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Whether somebody waits to send it for this time. */
    boolean holds(UUID approval, int attempt) {
        return database.number("""
                select count(*) from pg_locks
                where locktype = 'advisory' and not granted and classid = hashtext('%s')::oid and objid = %d
                """.formatted(approval, attempt)) > 0;
    }

    /**
     * Ends the connection that waits to send it: the database, too, has found out that its process is gone. Without this the call may
     * be recorded when the gate lets go, for a statement can outlive its process.
     */
    void cut(UUID approval, int attempt) {
        assertThat(database.number("""
                select count(*) from (select pg_terminate_backend(pid, 10000) as gone from pg_locks
                where locktype = 'advisory' and not granted and classid = hashtext('%s')::oid and objid = %d) ended where gone
                """.formatted(approval, attempt))).isEqualTo(1);
    }

    /** Lets go of all. */
    @Override
    public void close() {
        try {
            holder.close();
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
