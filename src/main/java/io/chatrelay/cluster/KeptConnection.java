package io.chatrelay.cluster;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.UUID;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

import javax.sql.DataSource;

import org.jspecify.annotations.Nullable;

import io.chatrelay.database.SqlErrors;

/**
 * A database connection that one thread of the journal owns and reuses. If the database does not answer within the bound, the thread discards
 * the connection; the next use opens a new one. Only that thread may use it.
 */
public final class KeptConnection {

    /** A table grows by some thousand rows in this time. */
    private static final Duration PLANNED_EVERY = Duration.ofSeconds(2);

    private final DataSource source;
    private final Duration bound;
    private final Supplier<UUID> incarnation;
    private final Presence presence;
    private final LongSupplier nanoTime;
    private @Nullable Connection connection;
    private @Nullable UUID shown;
    private long plannedAt;

    /**
     * @param source   opens connections, each within the bound
     * @param presence records the incarnation of this process on each connection
     * @param nanoTime by which plans get old
     */
    public KeptConnection(DataSource source, Duration bound, Supplier<UUID> incarnation, Presence presence,
            LongSupplier nanoTime) {
        this.source = source;
        this.bound = bound;
        this.incarnation = incarnation;
        this.presence = presence;
        this.nanoTime = nanoTime;
    }

    public Connection get() throws SQLException {
        Connection open = connection;
        if (open == null) {
            open = source.getConnection();
            connection = open;
            shown = null;
            plannedAt = nanoTime.getAsLong();
            // The driver ignores the executor: it sets its socket time-out.
            open.setNetworkTimeout(Runnable::run, Math.toIntExact(bound.toMillis()));
        }
        UUID current = incarnation.get();
        if (!current.equals(shown)) {
            presence.show(open, current);
            shown = current;
        }
        return open;
    }

    /**
     * The connection outside of a transaction. From time to time its statements are planned anew, by the sizes that the tables have then: a plan that
     * is made once reads all of a table that was small. Where nothing may come before a statement, such as the renewal of the lease, use {@link #get}.
     */
    public Connection idle() throws SQLException {
        Connection open = get();
        if (nanoTime.getAsLong() - plannedAt > PLANNED_EVERY.toNanos()) {
            plannedAt = nanoTime.getAsLong();
            try (PreparedStatement discard = open.prepareStatement("discard plans")) {
                discard.execute();
            }
        }
        return open;
    }

    public boolean isOpen() {
        return connection != null;
    }

    /** Closes the connection, whatever its state. */
    public void discard() {
        if (connection != null) {
            SqlErrors.giveBack(connection);
            connection = null;
        }
    }
}
