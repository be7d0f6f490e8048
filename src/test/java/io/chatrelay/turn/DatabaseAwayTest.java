package io.chatrelay.turn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.concurrent.CompletableFuture;

import jakarta.inject.Inject;
import jakarta.persistence.EntityManager;

import org.hibernate.exception.GenericJDBCException;
import org.junit.jupiter.api.Test;

import io.chatrelay.ServiceTest;
import io.chatrelay.database.SqlErrors;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.test.junit.QuarkusTest;

/** What a failure says about the database. */
@QuarkusTest
class DatabaseAwayTest extends ServiceTest {

    @Inject
    EntityManager entities;

    private int process() {
        return (Integer) entities.createNativeQuery("select pg_backend_pid()").getSingleResult();
    }

    @Test
    void itIsAwayWhereItsConnectionEndsBeforeTheCommit() {
        Throwable failure = catchThrowable(() -> QuarkusTransaction.requiringNew().run(() -> {
            int process = process();
            // On another thread, which has no part in this transaction and its connection.
            CompletableFuture.runAsync(() -> query("select pg_terminate_backend(?, 5000)::text", process)).join();
        }));

        assertThat(failure).isNotNull();
        assertThat(SqlErrors.isAway(failure)).isTrue();
    }

    /** As the pool does whose caller waits no longer, while a silent database keeps it connecting. */
    @Test
    void itIsAwayWhereTheDriverIsInterruptedWhileItConnects() throws Exception {
        try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            Thread.currentThread().interrupt();

            Throwable failure = catchThrowable(() -> DriverManager
                    .getConnection("jdbc:postgresql://127.0.0.1:%d/it?loginTimeout=20".formatted(silent.getLocalPort())));

            assertThat(Thread.interrupted()).isTrue();
            assertThat(failure).isInstanceOf(SQLException.class);
            assertThat(SqlErrors.isAway(new GenericJDBCException("as Hibernate says it", (SQLException) failure))).isTrue();
        }
    }

    @Test
    void itIsThereWhereAStatementIsWrong() {
        Throwable failure = catchThrowable(() -> QuarkusTransaction.requiringNew()
                .run(() -> entities.createNativeQuery("select no_such_column from turn").getResultList()));

        assertThat(failure).isNotNull();
        assertThat(SqlErrors.isAway(failure)).isFalse();
    }
}
