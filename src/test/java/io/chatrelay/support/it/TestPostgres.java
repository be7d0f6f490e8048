package io.chatrelay.support.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.UUID;

import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.configuration.FluentConfiguration;
import org.flywaydb.database.postgresql.PostgreSQLConfigurationExtension;

import io.chatrelay.dev.EmbeddedDatabase;

/** One embedded PostgreSQL for the JVM, with fsync and synchronous_commit on, and in it as many databases as are asked for. */
public final class TestPostgres extends Postgres {

    private static String server;

    private final String name = "it_" + UUID.randomUUID().toString().replace("-", "");

    private TestPostgres() {}

    /** A database with nothing in it. */
    public static TestPostgres fresh() {
        TestPostgres database = new TestPostgres();
        executeOn(server(), "create database " + database.name);
        return database;
    }

    /** A database with the newest schema. */
    public static TestPostgres migrated() {
        TestPostgres database = fresh();
        FluentConfiguration flyway = Flyway.configure().dataSource(database.url(), USER, PASSWORD);
        flyway.getConfigurationExtension(PostgreSQLConfigurationExtension.class).setTransactionalLock(false);
        flyway.load().migrate();
        return database;
    }

    private static synchronized String server() {
        if (server == null) {
            try {
                server = EmbeddedDatabase.start(true);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return server;
    }

    @Override
    public String url() {
        // Without the user that the server's own URL names.
        return server().replaceFirst("/postgres\\b.*", "/" + name);
    }

    /** Connections to this database. Asked from another one, so that the question does not count. */
    public long connections() {
        return numberOf(server(), "select count(*) from pg_stat_activity where datname = '%s'".formatted(name));
    }

    /** Transactions that this database has committed. */
    public long commits() {
        return numberOf(server(), "select xact_commit from pg_stat_database where datname = '%s'".formatted(name));
    }
}
