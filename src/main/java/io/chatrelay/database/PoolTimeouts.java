package io.chatrelay.database;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;

import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

import io.agroal.api.AgroalPoolInterceptor;
import io.quarkus.runtime.StartupEvent;

/**
 * Bounds what a connection of the pool waits for from the moment on at which callers are served. Not before: a migration's statement may
 * take long, and it borrows its connection from the same pool.
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
                // It is broken, and its first statement says so.
                return;
            }
        }
    }
}
