package io.chatrelay.journal;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

import javax.sql.DataSource;

import org.jboss.logging.Logger;

import io.chatrelay.database.SqlErrors;
import io.chatrelay.defect.RepeatedTask;

/**
 * Rewrites the many rows of a turn that has ended into few, numbers unchanged: at 50 events a second and commits of 3 ms a row
 * holds one event. It has a thread of its own and borrows its connection, for a slow disk must not cost the lease.
 */
final class Compactor {

    private static final Logger LOG = Logger.getLogger(Compactor.class);
    private static final Duration COMPACTING = Duration.ofSeconds(1);

    private final DataSource database;
    private final JournalConfig config;
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("chat-relay-journal-compactor").factory());

    Compactor(DataSource database, JournalConfig config) {
        this.database = database;
        this.config = config;
    }

    void start() {
        long interval = config.compactEvery().toNanos();
        thread.scheduleWithFixedDelay(new RepeatedTask("Compaction", this::compact), interval, interval, TimeUnit.NANOSECONDS);
    }

    void stop() {
        thread.shutdownNow();
    }

    /**
     * Rewrites the rows of turns that have ended since, for a bounded time. The turn's row is locked, so that a deleted one stays
     * deleted. One that cannot be rewritten stays as it is.
     */
    private void compact() {
        long until = System.nanoTime() + COMPACTING.toNanos();
        try (Connection connection = database.getConnection()) {
            UUID turn;
            do {
                turn = SqlErrors.inTransaction(connection, () -> {
                    unhurried(connection);
                    return nextToCompact(connection);
                });
                if (turn != null) {
                    compact(connection, turn);
                }
            } while (turn != null && System.nanoTime() < until);
        } catch (SQLException e) {
            LOG.debugf("Compaction waits for the database: %s", SqlErrors.reason(e));
        }
    }

    private void compact(Connection connection, UUID turn) throws SQLException {
        try {
            SqlErrors.inTransaction(connection, () -> {
                unhurried(connection);
                try (PreparedStatement lock = connection.prepareStatement("select 1 from turn where id = ? for update")) {
                    lock.setObject(1, turn);
                    try (ResultSet there = lock.executeQuery()) {
                        if (there.next()) {
                            EventTable.compact(connection, turn, config.maxRow().asLongValue());
                        }
                    }
                }
                return null;
            });
        } catch (SQLException e) {
            if (!SqlErrors.refuses(e)) {
                throw e;
            }
            LOG.warnf("The rows of turn %s stay many: %s", turn, SqlErrors.reason(e));
        }
    }

    /**
     * What a crash takes back here is only done again, or left undone: either way every event is there. So it does not make the
     * journal's commits wait for the disk.
     */
    private static void unhurried(Connection connection) throws SQLException {
        try (Statement setting = connection.createStatement()) {
            setting.execute("set local synchronous_commit = off");
        }
    }

    /**
     * Marks before it rewrites, so that a turn that fails is not tried for ever. Not right after its end: a writer whose commit's answer was
     * lost tries its rows again, and has to find them as they were.
     */
    private static UUID nextToCompact(Connection connection) throws SQLException {
        try (PreparedStatement next = connection.prepareStatement("""
                update turn set compacted = true where id in (
                    select id from turn where ended_at < clock_timestamp() - interval '1 minute' and not compacted
                    order by ended_at limit 1 for update skip locked)
                returning id"""); ResultSet row = next.executeQuery()) {
            return row.next() ? row.getObject(1, UUID.class) : null;
        }
    }
}
