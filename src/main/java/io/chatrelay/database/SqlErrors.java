package io.chatrelay.database;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** Classifies an error of PostgreSQL for the writer: a retry may succeed, or the statement will always be rejected. */
public final class SqlErrors {

    /**
     * Classes of SQLSTATE after which the same statement may succeed: connection, rollback by the server, resources,
     * operator intervention, system error, object in use or locked, invalid transaction state (a time-out ended it).
     * Source: PostgreSQL, appendix A.
     */
    private static final Set<String> PASSING = Set.of("08", "40", "53", "57", "58", "55", "25", "XX");

    /**
     * The driver's own state, for example if the pool gives up a connection that is being opened. Only callers may retry it: an event on which the
     * driver always fails would block the journal forever.
     */
    private static final String DRIVER_FAILED = "99999";

    private static final String DUPLICATE = "23505";

    /** Deadlock, lock time-out, statement time-out. */
    private static final Set<String> ENDED_STATEMENT = Set.of("40P01", "55P03", "57014");

    private static final int DEEPEST = 20;
    private static final String TRANSACTIONS = "jakarta.transaction";

    private SqlErrors() {}

    /** Whether the database will always reject this. An error without an SQLSTATE comes from the driver or the pool, and is temporary. */
    public static boolean refuses(SQLException e) {
        return e.getSQLState() != null && e.getSQLState().length() == 5
                && !PASSING.contains(e.getSQLState().substring(0, 2));
    }

    /** Whether a row is there already that only one may be like: a unique violation. */
    public static boolean isDuplicate(SQLException e) {
        return DUPLICATE.equals(e.getSQLState());
    }

    /** Whether the connection is lost: it broke, timed out, or was ended by the server. */
    public static boolean endsConnection(SQLException e) {
        String state = String.valueOf(e.getSQLState());
        return state.startsWith("08") || state.startsWith("57P");
    }

    /** Whether the database answered with an error: a statement that is its own transaction has changed nothing, and the connection is usable. */
    public static boolean isRolledBack(SQLException e) {
        return e.getSQLState() != null && e.getSQLState().length() == 5 && !DRIVER_FAILED.equals(e.getSQLState())
                && !endsConnection(e);
    }

    /** Whether it is the statement's own end, and not the session's state, so that the next statement on the connection may succeed. */
    public static boolean isOfStatement(SQLException e) {
        return refuses(e) || ENDED_STATEMENT.contains(e.getSQLState());
    }

    /** Whether something failed because of the database's or the pool's state, and may succeed later. */
    public static boolean isAway(Throwable failure) {
        return first(failure, DEEPEST).filter(sql -> !refuses(sql) || DRIVER_FAILED.equals(sql.getSQLState())).isPresent();
    }

    /** A transaction manager whose commit fails keeps the database's error among the suppressed exceptions. */
    private static Optional<SQLException> first(Throwable failure, int depth) {
        if (failure == null || depth == 0) {
            return Optional.empty();
        }
        if (failure instanceof SQLException sql) {
            return Optional.of(sql);
        }
        Stream<Throwable> reasons = Stream.ofNullable(failure.getCause());
        if (failure.getClass().getPackageName().equals(TRANSACTIONS)) {
            reasons = Stream.concat(reasons, Stream.of(failure.getSuppressed()));
        }
        return reasons.flatMap(further -> first(further, depth - 1).stream()).findFirst();
    }

    /** The loggable part of the error: PostgreSQL's message can quote the row, and a row contains user content. */
    public static String reason(SQLException e) {
        return e.getClass().getSimpleName() + " " + e.getSQLState();
    }

    /** Work in one transaction. */
    public interface Work<T> {
        T run() throws SQLException;
    }

    /** Commits all of the work or nothing, whatever is thrown: switching to auto-commit would commit a half-done transaction. */
    public static <T> T inTransaction(Connection connection, Work<T> work) throws SQLException {
        connection.setAutoCommit(false);
        boolean done = false;
        try {
            T result = work.run();
            connection.commit();
            done = true;
            return result;
        } finally {
            if (!done) {
                rollback(connection);
            }
            autoCommit(connection);
        }
    }

    private static void rollback(Connection connection) {
        try {
            connection.rollback();
        } catch (SQLException e) {
            // The connection is broken, and uncommitted changes are lost with it.
            return;
        }
    }

    private static void autoCommit(Connection connection) {
        try {
            connection.setAutoCommit(true);
        } catch (SQLException e) {
            // The connection is broken; its next user detects this and takes another one.
            return;
        }
    }

    /** Returns a connection to the pool without an open transaction. */
    public static void giveBack(Connection connection) {
        try (connection) {
            if (!connection.getAutoCommit()) {
                connection.rollback();
            }
        } catch (SQLException e) {
            // The connection is broken; this is why it is returned.
            return;
        }
    }
}
