package io.chatrelay.approval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.LongStream;

import jakarta.inject.Inject;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.postgresql.PGConnection;

import io.chatrelay.ServiceTest;
import io.chatrelay.event.ApprovalState;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEventCodec;
import io.chatrelay.event.ChatException;
import io.chatrelay.event.Ids;
import io.chatrelay.event.Scope;
import io.chatrelay.event.Turn;
import io.chatrelay.turn.TurnFixtures;
import io.quarkus.test.junit.QuarkusTest;

/**
 * Many deciders at the same moment, in the real ledger, against time, the calls' outcomes and the turn's end. What is random follows
 * from a seed, which is in the name of each try; what the threads make of it does not.
 */
@QuarkusTest
class LedgerRacesTest extends ServiceTest {

    private static final Duration WINDOW = Duration.ofMinutes(4);
    private static final Duration LONG = Duration.ofMinutes(3);

    @Inject
    Approvals approvals;

    /** What a decider was told. */
    private record Told(String caller, List<DecideCommand.Answer> answers, List<RecordedDecision> decided,
            ApprovalException refused) {}

    /** A row, as far as a decision is written into it. */
    private record Recorded(String state, String at, String by, String reason) {}

    /** A turn of a replica that does nothing, and lives for as long as the test. */
    private Turn waiting(int calls, Duration expiry) throws SQLException {
        UUID replica = UUID.randomUUID();
        execute("insert into replica (incarnation, lease_end) values (?, clock_timestamp() + interval '1 hour')", replica);
        Turn turn = new Turn(Ids.next(), "dev", "dev", Ids.next(), newId(), 0, "agents", "agents", Ids.next(), Instant.now());
        execute("""
                insert into conversation (id, tenant, external_id, caller, upstream, created_at, updated_at)
                values (?, 'dev', ?, 'dev', 'agents', now(), now())""", turn.conversation(), turn.conversationId());
        execute("""
                insert into turn (id, tenant, conversation_id, state, owner, upstream, model, message_id, message_position, caller,
                                  started_at)
                values (?, 'dev', ?, 'running', ?, 'agents', 'agents', ?, 2, 'dev', now())""",
                turn.id(), turn.conversation(),
                replica, turn.messageId());
        execute("insert into turn_event (turn_id, first, last, events) values (?, 1, 1, ?)", turn.id(),
                new ChatEventCodec().encode(new ChatEvent.StepStarted()));
        for (int i = 0; i < calls; i++) {
            ask(turn, i, expiry);
        }
        return turn;
    }

    private void ask(Turn turn, int call, Duration expiry) throws SQLException {
        try (Connection connection = database.getConnection()) {
            new ApprovalInsert(Ids.next(), turn.id(), new ChatEvent.Call(call, call(call), call(call)), "ask-" + call,
                    "ask-" + call,
                    "delete_file", "{}", new byte[32], expiry, WINDOW,
                    System.nanoTime()).apply(connection);
            TurnFixtures.updateWaiting(connection, turn.id());
        }
    }

    private static String call(int index) {
        return "call-" + index;
    }

    private Map<String, Recorded> recorded(Turn turn) {
        Map<String, Recorded> recorded = new LinkedHashMap<>();
        for (String row : query("""
                select concat_ws('|', call_id, state, coalesce(decided_at::text, '-'), coalesce(decided_by, '-'),
                                 coalesce(reason, '-'))
                from tool_approval where turn_id = ? order by id""", turn.id())) {
            String[] columns = row.split("\\|");
            recorded.put(columns[0], new Recorded(columns[1], columns[2], columns[3], columns[4]));
        }
        return recorded;
    }

    private Told decide(Turn turn, String caller, List<DecideCommand.Answer> answers) {
        try {
            return new Told(caller, answers,
                    approvals.decide(new DecideCommand(Scope.of("dev"), caller, true, turn.conversationId(), null,
                            new DecideCommand.OfTurn("turnId", null, false), answers)),
                    null);
        } catch (ApprovalException e) {
            return new Told(caller, answers, List.of(), e);
        }
    }

    private static DecideCommand.Answer answer(int call, boolean yes, String by) {
        return new DecideCommand.Answer("answer", "call", "digest", call(call), yes, by + " says so", null, null);
    }

    /** Some of the calls, in any order, each with any answer. */
    private static List<DecideCommand.Answer> answers(Random random, int calls, String by) {
        List<Integer> order = new ArrayList<>(LongStream.range(0, calls).mapToObj(i -> (int) i).toList());
        Collections.shuffle(order, random);
        return order.subList(0, 1 + random.nextInt(calls)).stream().map(call -> answer(call, random.nextInt(3) > 0, by))
                .toList();
    }

    private static <T> List<T> together(List<Callable<T>> tasks) throws Exception {
        CyclicBarrier start = new CyclicBarrier(tasks.size());
        try (ExecutorService threads = Executors.newFixedThreadPool(tasks.size())) {
            List<Future<T>> begun = new ArrayList<>();
            for (Callable<T> task : tasks) {
                begun.add(threads.submit(() -> {
                    start.await();
                    return task.call();
                }));
            }
            List<T> results = new ArrayList<>();
            for (Future<T> result : begun) {
                try {
                    results.add(result.get());
                } catch (ExecutionException e) {
                    throw new AssertionError("a participant failed", e.getCause());
                }
            }
            return results;
        }
    }

    /** Lets the others go first, a little and never the same. */
    private static void dawdle(int steps) {
        for (int i = 0; i < steps; i++) {
            Thread.yield();
        }
    }

    private interface Statement {
        void on(Connection connection) throws SQLException;
    }

    private void inTransaction(Statement statement) throws SQLException {
        try (Connection connection = database.getConnection()) {
            connection.setAutoCommit(false);
            try {
                statement.on(connection);
                connection.commit();
            } finally {
                connection.rollback();
                connection.setAutoCommit(true);
            }
        }
    }

    /** What the turn's own replica writes: it has one writer, so this is one thread. */
    private void replica(Turn turn, int calls, Random random) throws SQLException {
        for (int i = 0; i < calls; i++) {
            dawdle(random.nextInt(400));
            int call = i;
            if (random.nextInt(4) == 0) {
                inTransaction(connection -> {
                    new CallOutcome(turn.id(), call(call), "executed").apply(connection);
                    TurnFixtures.updateWaiting(connection, turn.id());
                });
            }
        }
        if (random.nextInt(3) == 0) {
            dawdle(random.nextInt(400));
            inTransaction(connection -> TurnFixtures.completed(turn).apply(connection));
        }
    }

    private void time(Turn turn, Random random) throws SQLException {
        for (int i = 0; i < 4; i++) {
            dawdle(random.nextInt(200));
            try (Connection connection = database.getConnection()) {
                Ledger.expire(connection, List.of(turn.id()));
            }
        }
    }

    static LongStream seeds() {
        return new Random().longs(40);
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void oneDecisionIsRecordedAndEveryoneIsToldIt(long seed) throws Exception {
        try {
            race(seed);
        } catch (AssertionError | SQLException e) {
            throw new AssertionError("seed " + seed + ": " + e.getMessage(), e);
        }
    }

    private void race(long seed) throws Exception {
        Random random = new Random(seed);
        int calls = 1 + random.nextInt(3);
        Turn turn = waiting(calls, random.nextBoolean() ? LONG : Duration.ofMillis(1 + random.nextInt(12)));
        List<Map<String, Recorded>> seen = Collections.synchronizedList(new ArrayList<>());

        List<Callable<Told>> participants = new ArrayList<>();
        for (int i = 0; i < 2 + random.nextInt(7); i++) {
            String caller = "decider-" + i;
            List<DecideCommand.Answer> answers = answers(random, calls, caller);
            int patience = random.nextInt(300);
            participants.add(() -> {
                dawdle(patience);
                Told told = decide(turn, caller, answers);
                seen.add(recorded(turn));
                return told;
            });
        }
        participants.add(() -> {
            replica(turn, calls, random);
            return null;
        });
        Random clock = new Random(seed);
        participants.add(() -> {
            time(turn, clock);
            return null;
        });
        List<Told> told = together(participants).stream().filter(one -> one != null).toList();

        Map<String, Recorded> recorded = recorded(turn);
        for (Map<String, Recorded> earlier : seen) {
            earlier.forEach((call, row) -> {
                if (!row.state().equals("pending")) {
                    assertThat(recorded.get(call)).as("%s stays as it was first seen", call).isEqualTo(row);
                }
            });
        }
        told.forEach(one -> assertTold(one, recorded));
        recorded.forEach((call, row) -> {
            long first = told.stream().flatMap(one -> one.decided().stream())
                    .filter(one -> one.toolCallId().equals(call) && !one.alreadyDecided()).count();
            boolean byACaller = row.state().equals("approved") || row.state().equals("denied");
            assertThat(first).as("who decided %s, which is %s", call, row).isEqualTo(byACaller ? 1 : 0);
        });

        assertAskedAgain(turn, recorded);
        inTransaction(connection -> TurnFixtures.completed(turn).apply(connection));
        assertThat(recorded(turn).values()).as("no approval outlives its turn").noneMatch(row -> row.state().equals("pending"));
        recorded.forEach((call, row) -> assertThat(recorded(turn).get(call))
                .isEqualTo(row.state().equals("pending") ? recorded(turn).get(call) : row));
    }

    private static void assertTold(Told told, Map<String, Recorded> recorded) {
        if (told.refused() == null) {
            assertThat(told.decided()).hasSameSizeAs(told.answers());
            for (int i = 0; i < told.answers().size(); i++) {
                DecideCommand.Answer answer = told.answers().get(i);
                RecordedDecision decided = told.decided().get(i);
                Recorded row = recorded.get(answer.toolCallId());
                assertThat(decided.toolCallId()).isEqualTo(answer.toolCallId());
                assertThat(decided.approved()).isEqualTo(answer.approved());
                assertThat(row.state()).as("%s of %s", answer, told.caller())
                        .isEqualTo(answer.approved() ? "approved" : "denied");
                assertThat(row.by().equals(told.caller())).as("%s is the first: %s", told.caller(), row)
                        .isEqualTo(!decided.alreadyDecided());
                assertThat(row.reason()).isEqualTo(row.by() + " says so");
            }
            return;
        }
        // All or none: whoever was refused has decided nothing.
        assertThat(recorded.values()).extracting(Recorded::by).doesNotContain(told.caller());
        ApprovalView shown = told.refused().recorded();
        Recorded row = recorded.get(shown.toolCallId());
        switch (told.refused().kind()) {
            case APPROVAL_DECIDED -> assertThat(shown.state()).isEqualTo(row.state()).isIn("approved", "denied", "superseded");
            // Its time had passed: nobody decides it any more, whether or not that is written yet.
            case APPROVAL_EXPIRED -> assertThat(row.state()).isIn("expired", "pending", "superseded");
            case INVALID, NOT_FOUND, TURN_RUNNING, INPUT_CHANGED, KEY_REUSED, UNAVAILABLE ->
                    throw new AssertionError("not what happened", told.refused());
        }
        if (!row.state().equals("superseded") && !row.state().equals("pending")) {
            assertThat(told.answers()).as("refused for a reason")
                    .anyMatch(answer -> answer.toolCallId().equals(shown.toolCallId())
                            && !row.state().equals(answer.approved() ? "approved" : "denied"));
        }
    }

    /** Later, nothing changes: the same is answered the same, the contrary is refused with what is recorded. */
    private void assertAskedAgain(Turn turn, Map<String, Recorded> recorded) {
        int index = 0;
        for (Recorded row : recorded.values()) {
            int call = index++;
            if (row.state().equals("pending")) {
                continue;
            }
            for (boolean yes : List.of(true, false)) {
                Told told = decide(turn, "late", List.of(answer(call, yes, "late")));
                if (row.state().equals(yes ? "approved" : "denied")) {
                    assertThat(told.decided()).singleElement().satisfies(one -> assertThat(one.alreadyDecided()).isTrue());
                } else {
                    assertThat(told.refused().kind())
                            .isEqualTo(row.state().equals("expired") ? ChatException.Kind.APPROVAL_EXPIRED
                                    : ChatException.Kind.APPROVAL_DECIDED);
                    assertThat(told.refused().recorded().state()).isEqualTo(row.state());
                }
            }
        }
        recorded.forEach((call, row) -> {
            if (!row.state().equals("pending")) {
                assertThat(recorded(turn).get(call)).isEqualTo(row);
            }
        });
    }

    @Test
    void twoWhoDecideTheSameCallsInOppositeOrdersNeverBlockEachOther() throws Exception {
        for (int i = 0; i < 20; i++) {
            Turn turn = waiting(2, LONG);

            List<Told> told = together(List.of(
                    () -> decide(turn, "ann", List.of(answer(0, true, "ann"), answer(1, true, "ann"))),
                    () -> decide(turn, "bob", List.of(answer(1, false, "bob"), answer(0, false, "bob")))));

            Map<String, Recorded> recorded = recorded(turn);
            assertThat(recorded.values()).extracting(Recorded::by).as("all from one").containsOnly(
                    told.getFirst().refused() == null ? "ann" : "bob");
            assertThat(told).filteredOn(one -> one.refused() != null).hasSize(1);
            told.forEach(one -> assertTold(one, recorded));
            inTransaction(connection -> TurnFixtures.completed(turn).apply(connection));
        }
    }

    /**
     * Whoever wanted to decide a call, and waited for a faster one, holds it still while he waits for his next one; meanwhile the
     * stream tells its outcome. What keeps him waiting is an approval of another turn, which no caller can name in the same request:
     * it makes certain what otherwise is a matter of microseconds.
     */
    @Test
    void whoDecidesTooLateAndTheJournalNeverBlockEachOther() throws Exception {
        Turn turn = waiting(1, LONG);
        Turn other = waiting(1, LONG);
        ask(turn, 1, LONG);
        Ledger.Wanted first = wanted(turn, 0);
        Ledger.Wanted between = wanted(other, 0);
        Ledger.Wanted last = wanted(turn, 1);
        try (Connection fast = database.getConnection();
                Connection holder = database.getConnection();
                Connection late = database.getConnection();
                Connection journal = database.getConnection();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (Connection connection : List.of(fast, holder, late, journal)) {
                connection.setAutoCommit(false);
                // They wait for as long as the test looks who waits for whom.
                connection.createStatement().execute(
                        "set local lock_timeout = '60s'; set local idle_in_transaction_session_timeout = '60s'");
            }
            assertThat(Ledger.decide(fast, List.of(first), "fast", null)).isTrue();
            assertThat(Ledger.decide(holder, List.of(between), "holder", null)).isTrue();

            Future<Boolean> decision = threads.submit(() -> {
                boolean decided = Ledger.decide(late, List.of(first, between, last), "late", null);
                late.commit();
                return decided;
            });
            untilItWaitsFor(fast, late);
            fast.commit();
            untilItWaitsFor(holder, late);
            Future<?> outcome = threads.submit(() -> {
                Ledger.settle(journal, turn.id(), call(0), "executed");
                journal.commit();
                return null;
            });
            untilItWaitsFor(late, journal);
            holder.rollback();

            assertThat(decision.get()).isFalse();
            outcome.get();
        }
        assertThat(recorded(turn).values()).extracting(Recorded::state).containsExactly("approved", "pending");
        assertThat(query("select outcome from tool_approval where id = ?", first.id())).containsExactly("executed");
        inTransaction(connection -> TurnFixtures.completed(turn).apply(connection));
        inTransaction(connection -> TurnFixtures.completed(other).apply(connection));
    }

    private Ledger.Wanted wanted(Turn turn, int call) {
        UUID id = UUID.fromString(query("select id::text from tool_approval where turn_id = ? and call_id = ?", turn.id(),
                call(call)).getFirst());
        return new Ledger.Wanted(id, ApprovalState.APPROVED, null);
    }

    private void untilItWaitsFor(Connection blocking, Connection waiting) throws SQLException {
        int blocker = process(blocking);
        int waiter = process(waiting);
        await().until(() -> query("select b::text from unnest(pg_blocking_pids(?)) b", waiter)
                .contains(String.valueOf(blocker)));
    }

    private static int process(Connection connection) throws SQLException {
        return connection.unwrap(PGConnection.class).getBackendPID();
    }
}
