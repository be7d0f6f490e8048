package io.chatrelay.crash;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.OptionalLong;
import java.util.UUID;

import io.chatrelay.support.it.OwnPostgres;

/** Asks the database, at the moment at which a reader was told an event, how far that turn is stored. */
final class Stored {

    private final OwnPostgres database;
    private Connection connection;

    Stored(OwnPostgres database) {
        this.database = database;
    }

    /** The last stored number; empty while the database cannot be asked. */
    synchronized OptionalLong last(UUID turn) {
        try {
            if (connection == null) {
                connection = database.connect();
            }
            try (PreparedStatement select = connection
                    .prepareStatement("select coalesce(max(last), 0) from turn_event where turn_id = ?")) {
                select.setObject(1, turn);
                try (ResultSet row = select.executeQuery()) {
                    row.next();
                    return OptionalLong.of(row.getLong(1));
                }
            }
        } catch (SQLException e) {
            close();
            return OptionalLong.empty();
        }
    }

    synchronized void close() {
        try {
            if (connection != null) {
                connection.close();
            }
        } catch (SQLException e) {
            // It is broken, which is why it goes.
            return;
        } finally {
            connection = null;
        }
    }
}
