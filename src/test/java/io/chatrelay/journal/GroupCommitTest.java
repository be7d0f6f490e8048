package io.chatrelay.journal;

import static io.chatrelay.database.ScriptedDatabase.CLOSE;
import static io.chatrelay.database.ScriptedDatabase.CONNECT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import io.chatrelay.cluster.KeptConnection;
import io.chatrelay.cluster.Presence;
import io.chatrelay.database.ScriptedDatabase;
import io.chatrelay.database.ScriptedDatabase.Gate;
import io.chatrelay.database.ScriptedDatabase.Result;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

/** What callers get of a statement that they share. A command is a word; its key is the word's first letter, and the result its length. */
class GroupCommitTest {

    private static final String RUN = "run";
    private static final String BOUND = "bound";
    private static final UUID INCARNATION = UUID.randomUUID();
    private static final Duration LONG = Duration.ofSeconds(60);

    private final ScriptedDatabase database = new ScriptedDatabase(_ -> {}).knows(RUN, "run words", _ -> Result.changed(1))
            .knows(BOUND, "set …", _ -> Result.changed(0));
    private final List<List<String>> statements = new CopyOnWriteArrayList<>();
    private final AtomicBoolean closed = new AtomicBoolean();
    private final ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor();
    private GroupCommit<String, Integer> commands = groupCommit(LONG, 100);

    /** Words that begin with a blank are left out. */
    private final class Words implements GroupCommit.SharedStatement<String, Integer> {
        @Override
        public Map<String, Integer> run(Connection connection, UUID as, List<String> words) throws SQLException {
            assertThat(as).isEqualTo(INCARNATION);
            statements.add(words);
            try (PreparedStatement run = connection.prepareStatement("run words")) {
                run.executeUpdate();
            }
            Map<String, Integer> lengths = new HashMap<>();
            words.stream().filter(word -> !word.startsWith(" ")).forEach(word -> lengths.put(word, word.length()));
            return lengths;
        }

        @Override
        public long size(String word) {
            return word.length();
        }

        @Override
        public Object key(String word) {
            return word.charAt(0);
        }
    }

    private GroupCommit<String, Integer> groupCommit(Duration patience, int waiting) {
        return new GroupCommit<>("words", new SimpleMeterRegistry(),
                new KeptConnection(database.source(), Duration.ofSeconds(5), () -> INCARNATION, new Presence(Duration.ZERO),
                        System::nanoTime),
                () -> INCARNATION, closed::get, new Words(), patience,
                new GroupCommit.Bounds(3, 10, waiting));
    }

    private Future<Optional<Integer>> ask(String word) {
        return callers.submit(() -> commands.run(word));
    }

    /** Asks for one after the other, so that their order is known. */
    private List<Future<Optional<Integer>>> queue(String... words) {
        List<Future<Optional<Integer>>> asked = new ArrayList<>();
        for (String word : words) {
            int before = commands.waiting();
            asked.add(ask(word));
            await().until(() -> commands.waiting() == before + 1);
        }
        return asked;
    }

    private static Optional<Integer> result(Future<Optional<Integer>> asked) throws Exception {
        return asked.get(20, TimeUnit.SECONDS);
    }

    @AfterEach
    void stop() {
        commands.stop();
        callers.shutdownNow();
    }

    @Test
    void whatArrivesDuringAStatementRunsTogetherInTheNextOne() throws Exception {
        Gate gate = new Gate();
        database.on(RUN).waitsAt(gate);
        commands.start();
        Future<Optional<Integer>> first = ask("one");
        gate.awaitReached();
        List<Future<Optional<Integer>>> others = queue("two", "four", "six");
        gate.release();

        assertThat(result(first)).contains(3);
        assertThat(result(others.get(1))).contains(4);
        assertThat(result(others.get(2))).contains(3);
        assertThat(statements).containsExactly(List.of("one"), List.of("two", "four", "six"));
    }

    /** While a statement is under way, these commands arrive in this order. */
    private List<Optional<Integer>> resultsOf(String... words) throws Exception {
        Gate gate = new Gate();
        database.on(RUN).waitsAt(gate);
        commands.start();
        ask("one");
        gate.awaitReached();
        List<Future<Optional<Integer>>> asked = queue(words);
        gate.release();
        List<Optional<Integer>> results = new ArrayList<>();
        for (Future<Optional<Integer>> one : asked) {
            results.add(result(one));
        }
        return results;
    }

    @Test
    void ofEqualKeysInOneStatementTheFirstIsRun() throws Exception {
        assertThat(resultsOf("two", "three", "four", "five")).containsExactly(Optional.of(3), Optional.empty(), Optional.of(4),
                Optional.empty());
        assertThat(statements).containsExactly(List.of("one"), List.of("two", "four"));
    }

    @Test
    void aStatementIsBoundedInNumberAndInBytes() throws Exception {
        assertThat(resultsOf("a", "b", "c", "d", "eeeeee", "ffffff")).allMatch(Optional::isPresent);

        assertThat(statements).containsExactly(List.of("one"), List.of("a", "b", "c"), List.of("d", "eeeeee"),
                List.of("ffffff"));
    }

    @Test
    void aCommandThatIsLargerThanAStatementHasNoResult() throws Exception {
        commands.start();

        assertThat(result(ask("eleven bytes"))).isEmpty();
        assertThat(database.calls(RUN)).isEmpty();
    }

    @Test
    void whoWaitsForEarlierCommandsGoesOnAfterTheirStatement() throws Exception {
        Gate gate = new Gate();
        database.on(RUN).waitsAt(gate);
        commands.start();
        ask("one");
        gate.awaitReached();
        queue("two");
        Future<?> waits = callers.submit(() -> {
            commands.awaitEarlier();
            return null;
        });
        await().until(() -> commands.waiting() == 2);
        assertThat(waits.isDone()).isFalse();
        gate.release();

        waits.get(20, TimeUnit.SECONDS);
        assertThat(statements).containsExactly(List.of("one"), List.of("two"));
    }

    @Test
    void aConnectionThatCannotBeHadIsAnErrorOnlyIfTheDatabaseIsAway() throws Exception {
        database.on(CONNECT).fails("53300").breaks();
        commands.start();

        assertThat(result(ask("one"))).as("the pool may have one").isEmpty();
        assertThatThrownBy(() -> result(ask("one"))).hasCauseInstanceOf(SQLException.class);
        assertThat(result(ask("one"))).contains(3);
    }

    @Test
    void aCommandWhoseCallerHasLeftWhileTheConnectionOpensIsNotRun() throws Exception {
        commands = groupCommit(Duration.ofMillis(200), 100);
        Gate gate = new Gate();
        database.on(CONNECT).waitsAt(gate);
        commands.start();

        assertThatThrownBy(() -> result(ask("one"))).hasCauseInstanceOf(SQLException.class);
        gate.release();
        await().untilAsserted(() -> assertThat(result(ask("six"))).contains(3));
        assertThat(statements).doesNotContain(List.of("one"));
    }

    @Test
    void aCommandThatIsLeftOutHasNoResultAndTheOthersHave() throws Exception {
        commands.start();

        assertThat(result(ask(" out"))).isEmpty();
        assertThat(result(ask("in"))).contains(2);
    }

    @Test
    void aStatementThatTheDatabaseRejectsHasNoResultsAndItsConnectionIsKept() throws Exception {
        database.on(RUN).fails("22P05").fails("40P01");
        commands.start();

        assertThat(result(ask("one"))).isEmpty();
        assertThat(result(ask("one"))).isEmpty();
        assertThat(result(ask("one"))).contains(3);
        assertThat(database.calls(CONNECT)).hasSize(1);
    }

    @Test
    void aLostConnectionIsAnErrorBecauseTheResultIsUnknownAndTheNextStatementHasANewOne() throws Exception {
        database.on(RUN).losesTheAnswer();
        commands.start();

        assertThatThrownBy(() -> result(ask("one"))).isInstanceOf(ExecutionException.class)
                .cause().isInstanceOfSatisfying(SQLException.class, e -> assertThat(e.getSQLState()).startsWith("08"));
        assertThat(result(ask("one"))).contains(3);
        assertThat(statements).as("nothing is tried again by itself").hasSize(2);
        assertThat(database.said()).containsSubsequence(CONNECT, RUN, CLOSE, CONNECT, RUN);
    }

    @Test
    void aCommandThatItsCallerHasGivenUpIsNotRun() throws Exception {
        commands = groupCommit(Duration.ofMillis(200), 100);
        Gate gate = new Gate();
        database.on(RUN).waitsAt(gate);
        commands.start();
        Future<Optional<Integer>> first = ask("one");
        gate.awaitReached();

        assertThatThrownBy(() -> result(ask("two"))).cause()
                .isInstanceOfSatisfying(SQLException.class, e -> assertThat(e.getSQLState()).startsWith("08"));
        assertThatThrownBy(() -> result(first)).as("its statement has no answer either").hasCauseInstanceOf(SQLException.class);
        gate.release();
        await().untilAsserted(() -> assertThat(result(ask("six"))).contains(3));
        assertThat(statements).doesNotContain(List.of("two")).last().isEqualTo(List.of("six"));
    }

    @Test
    void moreThanMayWaitIsAnErrorAtOnce() throws Exception {
        commands = groupCommit(LONG, 1);
        queue("one");

        assertThatThrownBy(() -> result(ask("two"))).hasCauseInstanceOf(SQLException.class);
        commands.start();
    }

    @Test
    void nothingIsRunWhileTheReplicaLeavesOrAfterTheStop() throws Exception {
        List<Future<Optional<Integer>>> waiting = queue("one");
        closed.set(true);
        assertThat(result(ask("two"))).isEmpty();
        closed.set(false);

        commands.stop();
        commands.start();

        assertThat(result(waiting.getFirst())).isEmpty();
        assertThat(result(ask("three"))).isEmpty();
        assertThat(statements).isEmpty();
    }

    @Test
    void aDefectInAStatementIsAnErrorOfItsCallersAlone() throws Exception {
        CompletableFuture<Void> failed = new CompletableFuture<>();
        database.on(RUN).meanwhile(() -> {
            failed.complete(null);
            throw new IllegalStateException("as scripted");
        });
        commands.start();

        assertThatThrownBy(() -> result(ask("one"))).hasCauseInstanceOf(SQLException.class);
        assertThat(failed).isCompleted();
        assertThat(result(ask("two"))).contains(3);
    }
}
