package io.chatrelay.database;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;

import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

import io.agroal.api.AgroalPoolInterceptor;
import io.quarkus.runtime.StartupEvent;

/**
 * Limits every wait of a pool connection as soon as callers are served. Not before: a migration's statement may take long, and it uses a connection
 * of the same pool.
 */
@Singleton
class PoolTimeouts implements AgroalPoolInterceptor {

    private final Duration bound;
    private volatile boolean serves;

    PoolTimeouts(DatabaseConfig config) {
        this.bound = config.answerWithin();
    }

    void start(@Observes StartupEvent event) {
        serves = true;
    }

    @Override
    public void onConnectionAcquire(Connection connection) {
        if (serves) {
            try {
                // The driver ignores the executor: it sets the time-out of its socket.
                connection.setNetworkTimeout(Runnable::run, Math.toIntExact(bound.toMillis()));
            } catch (SQLException e) {
                // The connection is broken; its first statement will fail.
                return;
            }
        }
    }
}
