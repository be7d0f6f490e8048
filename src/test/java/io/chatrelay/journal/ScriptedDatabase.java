package io.chatrelay.journal;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

import javax.sql.DataSource;

/**
 * A database that takes everything: a lease is always held, rows are always stored, and nothing else is found. What happens before a
 * statement is executed can be said.
 */
final class ScriptedDatabase {

    interface Happening {
        void happens() throws SQLException;
    }

    private final Map<String, Happening> script = new ConcurrentHashMap<>();
    private final List<String> said = new CopyOnWriteArrayList<>();

    /** Before each statement with that text in it. */
    ScriptedDatabase before(String text, Happening happening) {
        script.put(text, happening);
        return this;
    }

    /** The statements that were executed, and {@code commit}, {@code rollback} and {@code close} of connections. */
    List<String> said() {
        return said;
    }

    DataSource source() {
        return of(DataSource.class, (_, _, _) -> connection());
    }

    private Connection connection() {
        boolean[] autoCommit = { true };
        long[] rows = { 0 };
        return of(Connection.class, (_, method, arguments) -> switch (method.getName()) {
            case "prepareStatement" -> statement((String) arguments[0], rows);
            case "createArrayOf" -> {
                rows[0] = ((Object[]) arguments[1]).length;
                yield null;
            }
            case "isValid" -> true;
            case "getAutoCommit" -> autoCommit[0];
            case "setAutoCommit" -> {
                autoCommit[0] = (boolean) arguments[0];
                yield null;
            }
            case "commit", "rollback", "close" -> {
                said.add(method.getName());
                yield null;
            }
            default -> null;
        });
    }

    private PreparedStatement statement(String sql, long[] rows) {
        return of(PreparedStatement.class, (_, method, _) -> switch (method.getName()) {
            case "executeUpdate", "executeQuery", "execute" -> {
                for (Map.Entry<String, Happening> scripted : script.entrySet()) {
                    if (sql.contains(scripted.getKey())) {
                        scripted.getValue().happens();
                    }
                }
                said.add(sql);
                yield method.getName().equals("executeQuery") ? counts(sql.contains("turn_event") ? rows[0] : 0)
                        : method.getName().equals("execute") ? (Object) true : 1;
            }
            default -> null;
        });
    }

    /** One row for what is stored: that the lease is held, and how many rows there are. None for other questions. */
    private static ResultSet counts(long stored) {
        boolean[] read = { stored == 0 };
        return of(ResultSet.class, (_, method, arguments) -> switch (method.getName()) {
            case "next" -> {
                boolean more = !read[0];
                read[0] = true;
                yield more;
            }
            case "getLong" -> arguments[0].equals(1) ? 1L : stored;
            default -> null;
        });
    }

    private static <T> T of(Class<T> type, InvocationHandler handler) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[]{ type }, handler));
    }
}
