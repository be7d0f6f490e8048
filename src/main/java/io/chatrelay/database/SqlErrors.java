package io.chatrelay.database;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** What an error of PostgreSQL means for whoever wrote: try again, or it will never be taken. */
public final class SqlErrors {

    /**
     * Classes of SQLSTATE after which the same statement may succeed: connection, rollback by the server, resources,
     * operator intervention, system error, object in use or locked, invalid transaction state (a time-out ended it).
     * Source: PostgreSQL, appendix A.
     */
    private static final Set<String> PASSING = Set.of("08", "40", "53", "57", "58", "55", "25", "XX");

    /**
     * The driver's own: among others where the pool gives up a connection that is being made. Passing for a caller alone: an event of which the driver
     * always fails would keep the journal for ever.
     */
    private static final String DRIVER_FAILED = "99999";

    private static final int DEEPEST = 20;
    private static final String TRANSACTIONS = "jakarta.transaction";

    private SqlErrors() {}

    /** Whether the database will refuse this for ever. What has no SQLSTATE came from the driver or the pool, and passes. */
    public static boolean refuses(SQLException e) {
        return e.getSQLState() != null && e.getSQLState().length() == 5
                && !PASSING.contains(e.getSQLState().substring(0, 2));
    }

    /** Whether the connection is gone with it: it broke, was waited for too long, or was ended by the server. */
    public static boolean endsConnection(SQLException e) {
        String state = String.valueOf(e.getSQLState());
        return state.startsWith("08") || state.startsWith("57P");
    }

    /** Whether something failed because of the database's or the pool's state, and may succeed later. */
    public static boolean isAway(Throwable failure) {
        return first(failure, DEEPEST).filter(sql -> !refuses(sql) || DRIVER_FAILED.equals(sql.getSQLState())).isPresent();
    }

    /** A transaction manager whose commit fails keeps the database's reason among what was suppressed. */
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

    /** What may be logged of it: the message of PostgreSQL can quote the row, and a row holds what a user wrote. */
    public static String reason(SQLException e) {
        return e.getClass().getSimpleName() + " " + e.getSQLState();
    }

    /** What is done in one transaction. */
    public interface Work<T> {
        T run() throws SQLException;
    }

    /** All of it or nothing, whatever is thrown: closing a half-done transaction by auto-commit would keep its half. */
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
            // It is broken, and what was not committed is gone with it.
            return;
        }
    }

    private static void autoCommit(Connection connection) {
        try {
            connection.setAutoCommit(true);
        } catch (SQLException e) {
            // It is broken; whoever uses it next finds out, and takes another.
            return;
        }
    }

    /** Gives a connection back in a state in which the pool will not lend it on half used. */
    public static void giveBack(Connection connection) {
        try (connection) {
            if (!connection.getAutoCommit()) {
                connection.rollback();
            }
        } catch (SQLException e) {
            // It is broken, which is why it goes.
            return;
        }
    }
}
