package io.chatrelay.journal;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.UUID;

import javax.sql.DataSource;

import org.jboss.logging.Logger;

import io.chatrelay.database.SqlErrors;
import io.chatrelay.logging.LogIds;

/**
 * Merges the many rows of an ended turn into few; event numbers do not change. At 50 events a second and commits of 3 ms a row holds one event.
 * Neither the writer nor the clock runs it, and it borrows its connection, because a slow disk must not cost the lease.
 */
final class EventCompactor {

    private static final Logger LOG = Logger.getLogger(EventCompactor.class);
    private static final Duration COMPACTING = Duration.ofSeconds(1);

    private final DataSource database;
    private final TurnOwnership turns;
    private final JournalConfig config;

    EventCompactor(DataSource database, TurnOwnership turns, JournalConfig config) {
        this.database = database;
        this.turns = turns;
        this.config = config;
    }

    /**
     * Merges the rows of turns that have ended since the last run, for a bounded time. Locks the turn's row, so that a deleted turn stays
     * deleted. A turn that cannot be rewritten stays unchanged.
     */
    void compact() {
        long until = System.nanoTime() + COMPACTING.toNanos();
        try (Connection connection = database.getConnection()) {
            UUID turn;
            do {
                turn = SqlErrors.inTransaction(connection, () -> {
                    unhurried(connection);
                    return turns.nextToCompact(connection);
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
                if (turns.lock(connection, turn)) {
                    EventTable.compact(connection, turn, config.maxRow().asLongValue());
                }
                return null;
            });
        } catch (SQLException e) {
            if (!SqlErrors.refuses(e)) {
                throw e;
            }
            LogIds.ofTurn(turn).run(() -> LOG.warnf("The rows of turn %s stay many: %s", turn, SqlErrors.reason(e)));
        }
    }

    /**
     * If a crash undoes this work, it is repeated or left undone; in both cases every event is stored. So the commit does not wait for the disk
     * and does not delay the journal's commits.
     */
    private static void unhurried(Connection connection) throws SQLException {
        try (Statement setting = connection.createStatement()) {
            setting.execute("set local synchronous_commit = off");
        }
    }
}
