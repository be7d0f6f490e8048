package io.chatrelay.cluster;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.UUID;
import java.util.function.Supplier;

import javax.sql.DataSource;

import io.chatrelay.database.SqlErrors;

/**
 * A connection that one thread of the journal keeps. No answer of the database is waited for longer than a bound: then the connection is
 * given up, and the next use opens another. Belongs to that thread.
 */
public final class DedicatedConnection {

    private final DataSource source;
    private final Duration bound;
    private final Supplier<UUID> incarnation;
    private final Presence presence;
    private Connection connection;
    private UUID shown;

    /**
     * @param source   opens connections, each within the bound
     * @param presence in which each connection shows the incarnation of this process
     */
    public DedicatedConnection(DataSource source, Duration bound, Supplier<UUID> incarnation, Presence presence) {
        this.source = source;
        this.bound = bound;
        this.incarnation = incarnation;
        this.presence = presence;
    }

    public Connection get() throws SQLException {
        if (connection == null) {
            connection = source.getConnection();
            shown = null;
            // The driver ignores the executor: it sets the time-out of its socket.
            connection.setNetworkTimeout(Runnable::run, Math.toIntExact(bound.toMillis()));
        }
        UUID current = incarnation.get();
        if (!current.equals(shown)) {
            presence.show(connection, current);
            shown = current;
        }
        return connection;
    }

    public boolean isOpen() {
        return connection != null;
    }

    /** Gives the connection up, whatever state it is in. */
    public void discard() {
        if (connection != null) {
            SqlErrors.giveBack(connection);
            connection = null;
        }
    }
}
