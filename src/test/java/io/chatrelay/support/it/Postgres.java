package io.chatrelay.support.it;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** A database that the service is given, and that a test looks into beside it. */
public abstract sealed class Postgres permits TestPostgres, OwnPostgres {

    public static final String USER = "postgres";
    public static final String PASSWORD = "postgres";

    /** Without a user. */
    public abstract String url();

    public Connection connect() throws SQLException {
        return connect(url());
    }

    public void execute(String... statements) {
        executeOn(url(), statements);
    }

    /** One number of one row. */
    public long number(String sql) {
        return numberOf(url(), sql);
    }

    /** One value of one row. */
    public String text(String sql) {
        return one(url(), sql, row -> row.getString(1));
    }

    /** The server's process, whose children do the work. Source: line 1 of {@code postmaster.pid}. */
    public long serverPid() {
        return number("select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::bigint");
    }

    static void executeOn(String url, String... statements) {
        try (Connection connection = connect(url); Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    static long numberOf(String url, String sql) {
        return one(url, sql, row -> row.getLong(1));
    }

    private static Connection connect(String url) throws SQLException {
        return DriverManager.getConnection(url, USER, PASSWORD);
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
