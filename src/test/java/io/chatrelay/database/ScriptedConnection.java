package io.chatrelay.database;

import java.lang.reflect.Method;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

import io.chatrelay.database.ScriptedDatabase.Call;
import io.chatrelay.database.ScriptedDatabase.Happening;
import io.chatrelay.database.ScriptedDatabase.Result;

/** One connection to a {@link ScriptedDatabase}, with its transaction. Has the methods of JDBC that the service uses. */
final class ScriptedConnection {

    private static final String NO_CONNECTION = "08003";
    private static final String TRANSACTION_ABORTED = "25P02";

    private final ScriptedDatabase database;
    private final List<Runnable> uncommitted = new ArrayList<>();
    private boolean autoCommit = true;
    private boolean aborted;
    private boolean broken;
    private int networkTimeout;

    ScriptedConnection(ScriptedDatabase database) {
        this.database = database;
    }

    Connection connection() {
        return ScriptedDatabase.proxy(Connection.class, (_, method, arguments) -> of(method, arguments));
    }

    int networkTimeout() {
        return networkTimeout;
    }

    void fail(String state) throws SQLException {
        aborted = !autoCommit;
        throw new SQLException("as scripted", state);
    }

    void breaks(String state) throws SQLException {
        broken = true;
        uncommitted.clear();
        throw new SQLException("as scripted", state);
    }

    private Object of(Method method, Object[] arguments) throws SQLException {
        switch (method.getName()) {
            case "close" -> close();
            case "isValid" -> {
                return !broken;
            }
            default -> {
                usable();
                return ofUsable(method, arguments);
            }
        }
        return null;
    }

    private Object ofUsable(Method method, Object[] arguments) throws SQLException {
        switch (method.getName()) {
            case "prepareStatement" -> {
                return statement((String) arguments[0]);
            }
            case "createStatement" -> {
                return statement(null);
            }
            case "createArrayOf" -> {
                Object[] values = (Object[]) arguments[1];
                return ScriptedDatabase.proxy(Array.class, (_, _, _) -> values);
            }
            case "getAutoCommit" -> {
                return autoCommit;
            }
            case "setAutoCommit" -> autoCommit((boolean) arguments[0]);
            case "setNetworkTimeout" -> networkTimeout = (int) arguments[1];
            case "commit" -> said(ScriptedDatabase.COMMIT, this::commit);
            case "rollback" -> said(ScriptedDatabase.ROLLBACK, this::rollback);
            default -> throw new UnsupportedOperationException(method.toString());
        }
        return null;
    }

    private void usable() throws SQLException {
        if (broken) {
            throw new SQLException("the connection is broken or closed", NO_CONNECTION);
        }
    }

    private void said(String name, Happening work) throws SQLException {
        database.perform(new Call(name, Map.of(), Runnable::run), this, work);
    }

    private void close() throws SQLException {
        said(ScriptedDatabase.CLOSE, () -> {
            broken = true;
            uncommitted.clear();
        });
    }

    private void autoCommit(boolean on) throws SQLException {
        if (on && !autoCommit) {
            commit();
        }
        autoCommit = on;
    }

    private void commit() throws SQLException {
        boolean nothing = aborted;
        if (!nothing) {
            uncommitted.forEach(Runnable::run);
        }
        rollback();
        if (nothing) {
            throw new SQLException("the transaction is aborted", TRANSACTION_ABORTED);
        }
    }

    private void rollback() {
        uncommitted.clear();
        aborted = false;
    }

    private void change(Runnable change) {
        if (autoCommit) {
            change.run();
        } else {
            uncommitted.add(change);
        }
    }

    private PreparedStatement statement(String prepared) {
        Map<Integer, Object> parameters = new HashMap<>();
        return ScriptedDatabase.proxy(PreparedStatement.class, (_, method, arguments) -> {
            switch (method.getName()) {
                case "executeUpdate" -> {
                    return execute(prepared, parameters).changed();
                }
                case "executeQuery" -> {
                    return rows(execute(prepared, parameters).rows());
                }
                case "execute" -> {
                    execute(prepared == null ? (String) arguments[0] : prepared, parameters);
                    return true;
                }
                case "close" -> {
                    return null;
                }
                default -> {
                    if (!method.getName().startsWith("set") || arguments.length < 2) {
                        throw new UnsupportedOperationException(method.toString());
                    }
                    parameters.put((Integer) arguments[0], arguments[1]);
                    return null;
                }
            }
        });
    }

    private Result execute(String text, Map<Integer, Object> parameters) throws SQLException {
        usable();
        String sql = text.replaceAll("--.*", "").replaceAll("\\s+", " ").strip();
        Call call = new Call(database.name(sql), new HashMap<>(parameters), this::change);
        Result[] result = new Result[1];
        database.perform(call, this, () -> {
            if (aborted) {
                throw new SQLException("the transaction is aborted", TRANSACTION_ABORTED);
            }
            try {
                result[0] = database.answer(sql).to(call);
            } catch (SQLException e) {
                aborted = !autoCommit;
                throw e;
            }
        });
        return result[0];
    }

    private static ResultSet rows(List<List<Object>> found) {
        Iterator<List<Object>> rows = found.iterator();
        List<Object> row = new ArrayList<>();
        return ScriptedDatabase.proxy(ResultSet.class, (_, method, arguments) -> switch (method.getName()) {
            case "next" -> {
                boolean more = rows.hasNext();
                row.clear();
                row.addAll(more ? rows.next() : List.of());
                yield more;
            }
            case "getLong", "getBoolean", "getBytes", "getObject", "getString" ->
                    value(method, row.get((int) arguments[0] - 1));
            case "close" -> null;
            default -> throw new UnsupportedOperationException(method.toString());
        });
    }

    /** SQL's null is a primitive's zero. */
    private static Object value(Method method, Object column) {
        if (column != null) {
            return column;
        }
        return method.getReturnType() == long.class ? (Object) 0L : method.getReturnType() == boolean.class ? false : null;
    }
}
