package io.chatrelay.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.UUID;

import io.chatrelay.devmode.EmbeddedDatabase;

/** One embedded PostgreSQL for the JVM, with fsync and synchronous_commit on, and in it as many databases as are asked for. */
public final class TestPostgres {

    public static final String USER = "postgres";
    public static final String PASSWORD = "postgres";

    private static String server;

    private final String name = "it_" + UUID.randomUUID().toString().replace("-", "");

    private TestPostgres() {}

    /** A database with nothing in it. */
    public static TestPostgres fresh() {
        TestPostgres database = new TestPostgres();
        try (Connection connection = connect(server()); Statement statement = connection.createStatement()) {
            statement.execute("create database " + database.name);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
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

    private static Connection connect(String url) throws SQLException {
        return DriverManager.getConnection(url, USER, PASSWORD);
    }

    public String url() {
        // Without the user that the server's own URL names.
        return server().replaceFirst("/postgres\\b.*", "/" + name);
    }

    public Connection connect() throws SQLException {
        return connect(url());
    }

    public void execute(String... statements) {
        try (Connection connection = connect(); Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    public long number(String sql) {
        return number(url(), sql);
    }

    /** Connections to this database. Asked from another one, so that the question does not count. */
    public long connections() {
        return number(server(), "select count(*) from pg_stat_activity where datname = '%s'".formatted(name));
    }

    /** Transactions that this database has committed. */
    public long commits() {
        return number(server(), "select xact_commit from pg_stat_database where datname = '%s'".formatted(name));
    }

    /** One value of one row. */
    public String text(String sql) {
        return one(url(), sql, row -> row.getString(1));
    }

    private static long number(String url, String sql) {
        return one(url, sql, row -> row.getLong(1));
    }

    private interface Reading<T> {
        T read(ResultSet row) throws SQLException;
    }

    private static <T> T one(String url, String sql, Reading<T> reading) {
        try (Connection connection = connect(url);
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return reading.read(row);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
