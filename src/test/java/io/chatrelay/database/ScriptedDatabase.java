package io.chatrelay.database;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.sql.Array;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import javax.sql.DataSource;

/**
 * A database that a test scripts. Each statement has a readable name and an answer ({@link #knows}). The test says what goes wrong, or happens
 * meanwhile, at the next call of a name ({@link #on}) or at each ({@link #always}), and reads which calls were made ({@link #said}). Beside the
 * statements, a name is {@code connect}, {@code commit}, {@code rollback} or {@code close}.
 *
 * <p>A connection has transactions as PostgreSQL has them: an answer's changes are seen after the commit, a failed statement aborts the
 * transaction, and switching to auto-commit commits.
 */
public final class ScriptedDatabase {

    public static final String CONNECT = "connect";
    public static final String COMMIT = "commit";
    public static final String ROLLBACK = "rollback";
    public static final String CLOSE = "close";

    /** Stands for any text within a statement's, or at its end. */
    private static final String ANY = "…";
    private static final String CONNECTION_FAILURE = "08006";

    /** Answers the calls of one statement. */
    public interface Answer {
        Result to(Call call) throws SQLException;
    }

    /** What a statement returns: the number of rows that it changed, or the rows that it found. */
    public record Result(int changed, List<List<Object>> rows) {

        public static Result changed(int rows) {
            return new Result(rows, List.of());
        }

        public static Result rows(List<List<Object>> rows) {
            return new Result(0, rows);
        }

        public static Result row(Object... columns) {
            return rows(List.of(Arrays.asList(columns)));
        }
    }

    /**
     * One call: its name, and a statement's parameters by their index.
     *
     * @param changes takes what the call changes: at once with auto-commit, else at the commit
     */
    public record Call(String name, Map<Integer, Object> parameters, Consumer<Runnable> changes) {

        public UUID uuid(int index) {
            return (UUID) parameters.get(index);
        }

        public long number(int index) {
            return (long) parameters.get(index);
        }

        public List<Object> array(int index) {
            try {
                return Arrays.asList((Object[]) ((Array) parameters.get(index)).getArray());
            } catch (SQLException e) {
                throw new IllegalStateException(e);
            }
        }

        public void change(Runnable change) {
            changes.accept(change);
        }
    }

    /** Something that happens while a call is under way. */
    public interface Happening {
        void happens() throws SQLException;
    }

    /** Holds up a call until the test lets it go on. */
    public static final class Gate {

        private final CountDownLatch reached = new CountDownLatch(1);
        private final CountDownLatch released = new CountDownLatch(1);

        public void awaitReached() throws InterruptedException {
            assertThat(reached.await(20, TimeUnit.SECONDS)).as("the call is made").isTrue();
        }

        public void release() {
            released.countDown();
        }

        private void hold() throws SQLException {
            reached.countDown();
            try {
                released.await();
            } catch (InterruptedException e) {
                throw new SQLException("interrupted", CONNECTION_FAILURE, e);
            }
        }
    }

    /** What becomes of the scripted calls. Each method scripts one call, in this order, or with {@link #always} all of them. */
    public final class Script {

        private final String name;
        private final Predicate<Call> which;
        private final boolean always;

        private Script(String name, Predicate<Call> which, boolean always) {
            this.name = name;
            this.which = which;
            this.always = always;
        }

        private Script then(Step step) {
            rules.add(new Rule(name, which, step, always));
            return this;
        }

        public Script succeeds() {
            return then((_, work) -> work.happens());
        }

        /** The database refuses it with this SQLSTATE; the connection stays usable. */
        public Script fails(String state) {
            return then((connection, _) -> connection.fail(state));
        }

        /** The connection breaks before the database has done anything. */
        public Script breaks() {
            return then((connection, _) -> connection.breaks(CONNECTION_FAILURE));
        }

        /** The database does it, and the connection breaks before it says so. The caller does not know the result. */
        public Script losesTheAnswer() {
            return then((connection, work) -> {
                work.happens();
                connection.breaks(CONNECTION_FAILURE);
            });
        }

        /** No answer comes. The connection's network time-out passes on the test's clock, and then the driver gives up. */
        public Script timesOut() {
            return then((connection, _) -> {
                assertThat(connection.networkTimeout()).as("a network time-out, without which this hangs forever").isPositive();
                wait.accept(Duration.ofMillis(connection.networkTimeout()));
                connection.breaks(CONNECTION_FAILURE);
            });
        }

        public Script waitsAt(Gate gate) {
            return meanwhile(gate::hold);
        }

        /** This happens before the database does it. */
        public Script meanwhile(Happening happening) {
            return then((_, work) -> {
                happening.happens();
                work.happens();
            });
        }
    }

    /** What becomes of one call whose work the database would do. */
    private interface Step {
        void take(ScriptedConnection connection, Happening work) throws SQLException;
    }

    private record Rule(String name, Predicate<Call> which, Step step, boolean always) {}

    private record Statement(String name, String text, Answer answer) {

        boolean is(String sql) {
            return Pattern.matches(Stream.of(text.split(ANY, -1)).map(Pattern::quote).collect(Collectors.joining(".*")), sql);
        }
    }

    private final Consumer<Duration> wait;
    private final List<Statement> statements = new CopyOnWriteArrayList<>();
    private final List<Rule> rules = new CopyOnWriteArrayList<>();
    private final List<Call> calls = new CopyOnWriteArrayList<>();

    /** @param wait moves the clock of the test on, where a call waits for an answer that does not come */
    public ScriptedDatabase(Consumer<Duration> wait) {
        this.wait = wait;
    }

    /**
     * A statement that may be executed.
     *
     * @param text its SQL without comments, and with one blank for each run of white space. An ellipsis stands for what does not matter. The first
     *         text that fits has the answer
     */
    public ScriptedDatabase knows(String name, String text, Answer answer) {
        statements.add(new Statement(name, text, answer));
        return this;
    }

    /** Scripts the next calls of that name. */
    public Script on(String name) {
        return new Script(name, _ -> true, false);
    }

    /** Scripts all calls of that name. */
    public Script always(String name) {
        return always(name, _ -> true);
    }

    /** Scripts all calls of that name that are like this. */
    public Script always(String name, Predicate<Call> which) {
        return new Script(name, which, true);
    }

    /** The names of all calls so far, whatever became of them. */
    public List<String> said() {
        return calls.stream().map(Call::name).toList();
    }

    /** The calls of that name so far. */
    public List<Call> calls(String name) {
        return calls.stream().filter(call -> call.name().equals(name)).toList();
    }

    public DataSource source() {
        return proxy(DataSource.class, (_, method, _) -> {
            if (!method.getName().equals("getConnection")) {
                throw new UnsupportedOperationException(method.toString());
            }
            ScriptedConnection connection = new ScriptedConnection(this);
            perform(new Call(CONNECT, Map.of(), Runnable::run), connection, () -> {});
            return connection.connection();
        });
    }

    void perform(Call call, ScriptedConnection connection, Happening work) throws SQLException {
        calls.add(call);
        take(call).take(connection, work);
    }

    private synchronized Step take(Call call) {
        for (Rule rule : rules) {
            if (rule.name().equals(call.name()) && rule.which().test(call)) {
                if (!rule.always()) {
                    rules.remove(rule);
                }
                return rule.step();
            }
        }
        return (_, work) -> work.happens();
    }

    String name(String sql) {
        return statements.stream().filter(statement -> statement.is(sql)).map(Statement::name).findFirst().orElse(sql);
    }

    Answer answer(String sql) {
        return statements.stream().filter(statement -> statement.is(sql)).map(Statement::answer).findFirst()
                .orElseThrow(() -> new IllegalStateException("no answer is scripted for: " + sql));
    }

    static <T> T proxy(Class<T> type, InvocationHandler handler) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[]{ type },
                (self, method, arguments) -> switch (method.getName()) {
                    case "equals" -> self == arguments[0];
                    case "hashCode" -> System.identityHashCode(self);
                    case "toString" -> "scripted " + type.getSimpleName();
                    default -> handler.invoke(self, method, arguments);
                }));
    }
}
