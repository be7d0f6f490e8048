package io.chatrelay.approval;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

import javax.sql.DataSource;

import io.chatrelay.event.ApprovalState;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatException;
import io.chatrelay.event.Ids;
import io.chatrelay.event.InputDigest;
import io.chatrelay.event.RawJson;
import io.chatrelay.event.Scope;
import io.chatrelay.turn.TurnFixtures;

/**
 * One turn's approvals in the database, and everyone who writes them at the same moment: deciders, the clock, the outbox, and the
 * journal with what the stream tells. Everyone looks at the rows again afterwards; all must have been told the same.
 */
final class LedgerRace {

    /** A row of the ledger, as far as it says what was decided. */
    record Recorded(String state, Instant at, String by, String reason) {

        boolean decided() {
            return !state.equals("pending");
        }
    }

    /** What a decider was told: all are recorded, or none because of one. */
    record Told(DecideCommand command, List<RecordedDecision> decided, ApprovalException refusal) {}

    private static final String ROWS = "select call_id, state, decided_at, decided_by, reason from tool_approval where turn_id = ?";

    /** Microseconds in which everyone begins: some after others have ended, or all at the same moment. */
    private static final int LOOSE = 20_000;
    private static final int TIGHT = 1_000;

    private final Approvals approvals;
    private final DataSource database;
    private final Random random;
    private final UUID replica;
    private final String tenant;
    private final UUID turn = Ids.next();
    private final UUID conversation = Ids.next();
    private final List<String> calls = new ArrayList<>();
    private final ConcurrentLinkedQueue<Map<String, Recorded>> seen = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedQueue<Ledger.Due> sent = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedQueue<Told> told = new ConcurrentLinkedQueue<>();
    private final int spread;
    private int callers;

    LedgerRace(Approvals approvals, DataSource database, Random random, UUID replica, String tenant) throws SQLException {
        this.approvals = approvals;
        this.database = database;
        this.random = random;
        this.replica = replica;
        this.tenant = tenant;
        this.spread = random.nextBoolean() ? LOOSE : TIGHT;
        ask();
    }

    private void ask() throws SQLException {
        try (Connection connection = database.getConnection()) {
            update(connection, """
                    insert into conversation (id, tenant, external_id, caller, upstream, created_at, updated_at)
                    values (?, ?, ?, 'test', 'agents', now(), now())""", conversation, tenant, conversation.toString());
            update(connection, """
                    insert into turn (id, tenant, conversation_id, state, owner, upstream, model, message_id, message_position,
                                      caller, started_at)
                    values (?, ?, ?, 'running', ?, 'agents', 'agents', ?, 1, 'test', now())""", turn, tenant, conversation,
                    replica, Ids.next());
            for (int i = random.nextInt(3); i >= 0; i--) {
                String call = "call-" + i;
                calls.add(call);
                // Some expire in the middle of it.
                Duration expiry = random.nextInt(3) == 0 ? Duration.ofMillis(random.nextInt(30)) : Duration.ofMinutes(3);
                new ApprovalInsert(Ids.next(), turn, new ChatEvent.Call(i, call, call), "ask-" + call, "ask-" + call,
                        "delete_file", "{}",
                        InputDigest.of(new RawJson("{}")), expiry, Duration.ofMinutes(4), System.nanoTime()).apply(connection);
            }
        }
    }

    /** All of them at once, each after a moment of its own. */
    void run(ScheduledExecutorService clock, int deciders) throws InterruptedException, ExecutionException {
        List<Callable<Void>> all = new ArrayList<>();
        for (int i = 0; i < deciders; i++) {
            all.add(decider());
        }
        all.add(journal(random.nextInt(3) == 0));
        all.add(this::clock);
        all.add(this::clock);
        all.add(this::outbox);
        all.add(this::outbox);
        race(clock, all);
        race(clock, List.of(this::clock, journal(true)));
        // Late ones of every kind change nothing, and are told the same as those before.
        race(clock, List.of(decider(), decider(), decider(), this::clock, this::outbox, journal(true)));
    }

    private void race(ScheduledExecutorService clock, List<Callable<Void>> all)
            throws InterruptedException, ExecutionException {
        List<Future<Void>> running = new ArrayList<>();
        for (Callable<Void> one : all) {
            running.add(clock.schedule(one, random.nextInt(spread), TimeUnit.MICROSECONDS));
        }
        for (Future<Void> one : running) {
            one.get();
        }
    }

    private List<String> someCalls() {
        List<String> some = new ArrayList<>(calls);
        Collections.shuffle(some, random);
        return some.subList(0, 1 + random.nextInt(some.size()));
    }

    private Callable<Void> decider() {
        String caller = "caller-" + callers++;
        DecideCommand command = new DecideCommand(Scope.of(tenant), caller, true, conversation.toString(), null,
                new DecideCommand.OfTurn("turnId", null, false), someCalls().stream()
                        .map(call -> new DecideCommand.Answer("field", "call", "digest", call, random.nextBoolean(),
                                "as " + caller + " says", null, null))
                        .toList());
        return () -> {
            try {
                told.add(new Told(command, approvals.decide(command), null));
            } catch (ApprovalException refusal) {
                told.add(new Told(command, List.of(), refusal));
            }
            return look();
        };
    }

    private Void clock() throws SQLException {
        try (Connection connection = database.getConnection()) {
            Ledger.expire(connection, Set.of(turn));
        }
        return look();
    }

    /** One transaction of the journal: outcomes in the order in which the stream has them, and perhaps the turn's end. */
    private Callable<Void> journal(boolean end) {
        List<String> settled = random.nextBoolean() ? someCalls() : List.of();
        return () -> {
            try (Connection connection = database.getConnection()) {
                connection.setAutoCommit(false);
                for (String call : settled) {
                    Ledger.settle(connection, turn, call, "executed");
                    TurnFixtures.updateWaiting(connection, turn);
                }
                if (end) {
                    Ledger.supersede(connection, List.of(turn));
                }
                connection.commit();
            }
            return look();
        };
    }

    private Void outbox() throws SQLException {
        try (Connection connection = database.getConnection()) {
            for (Ledger.Due due : Ledger.due(connection, Set.of(turn))) {
                if (Ledger.send(connection, due.id(), replica, due.attempts())) {
                    sent.add(due);
                }
            }
        }
        return look();
    }

    private Void look() throws SQLException {
        seen.add(recorded());
        return null;
    }

    private Map<String, Recorded> recorded() throws SQLException {
        Map<String, Recorded> rows = new LinkedHashMap<>();
        try (Connection connection = database.getConnection(); PreparedStatement select = connection.prepareStatement(ROWS)) {
            select.setObject(1, turn);
            try (ResultSet found = select.executeQuery()) {
                while (found.next()) {
                    rows.put(found.getString(1), new Recorded(found.getString(2),
                            found.getTimestamp(3) == null ? null : found.getTimestamp(3).toInstant(), found.getString(4),
                            found.getString(5)));
                }
            }
        }
        return rows;
    }

    // --- what is promised ---------------------------------------------------------------------------------------------------

    void everyoneWasToldTheSame() throws SQLException {
        Map<String, Recorded> recorded = recorded();
        assertThat(recorded.keySet()).containsExactlyInAnyOrderElementsOf(calls);
        seen.forEach(earlier -> earlier.forEach((call, row) -> {
            if (row.decided()) {
                assertThat(row).as("%s, once decided", call).isEqualTo(recorded.get(call));
            }
        }));
        sent.forEach(due -> {
            Recorded row = recorded.get(due.callId());
            assertThat(due.state().wireName()).as("what is sent of %s", due.callId()).isEqualTo(row.state());
            assertThat(due.reason()).isEqualTo(row.reason());
        });
        recorded.forEach(this::isDecidedOnce);
        told.forEach(one -> {
            if (one.refusal() == null) {
                isRecorded(one, recorded);
            } else {
                isRefusedRightly(one, recorded);
            }
        });
    }

    private void isDecidedOnce(String call, Recorded row) {
        List<String> first = told.stream().filter(one -> one.decided().stream()
                .anyMatch(decided -> decided.toolCallId().equals(call) && !decided.alreadyDecided()))
                .map(one -> one.command().caller()).toList();
        switch (ApprovalState.of(row.state()).orElseThrow()) {
            case APPROVED, DENIED -> {
                assertThat(first).as("who was told to be the first at %s", call).containsExactly(row.by());
                assertThat(row.reason()).isEqualTo("as " + row.by() + " says");
            }
            case EXPIRED -> {
                assertThat(first).isEmpty();
                assertThat(row.by()).isNull();
                assertThat(row.reason()).isEqualTo(Ledger.EXPIRED);
            }
            case SUPERSEDED -> {
                assertThat(first).isEmpty();
                assertThat(row.by()).isNull();
                assertThat(row.reason()).isNull();
            }
            case PENDING -> throw new AssertionError(call + " outlived its turn");
        }
    }

    private void isRecorded(Told one, Map<String, Recorded> recorded) {
        assertThat(one.decided()).extracting(RecordedDecision::toolCallId)
                .isEqualTo(one.command().answers().stream().map(DecideCommand.Answer::toolCallId).toList());
        for (int i = 0; i < one.decided().size(); i++) {
            RecordedDecision decided = one.decided().get(i);
            Recorded row = recorded.get(decided.toolCallId());
            assertThat(decided.approved()).isEqualTo(one.command().answers().get(i).approved());
            assertThat(row.state()).as("of %s, which %s was told to be recorded", decided.toolCallId(), one.command().caller())
                    .isEqualTo(decided.approved() ? "approved" : "denied");
            assertThat(!decided.alreadyDecided()).isEqualTo(row.by().equals(one.command().caller()));
        }
    }

    private static void isRefusedRightly(Told one, Map<String, Recorded> recorded) {
        assertThat(recorded.values()).as("nothing of a refused request is recorded").extracting(Recorded::by)
                .doesNotContain(one.command().caller());
        assertThat(one.refusal().kind())
                .as("what %s was told of %s: %s", one.command().caller(), recorded, one.refusal().getMessage())
                .isIn(ChatException.Kind.APPROVAL_DECIDED, ChatException.Kind.APPROVAL_EXPIRED);
        ApprovalView view = one.refusal().recorded();
        Recorded row = recorded.get(view.toolCallId());
        DecideCommand.Answer answer = one.command().answers().stream()
                .filter(asked -> asked.toolCallId().equals(view.toolCallId())).findFirst().orElseThrow();
        if (one.refusal().kind() == ChatException.Kind.APPROVAL_EXPIRED) {
            assertThat(row.state()).as("of %s, of which %s was told that it has expired", view.toolCallId(),
                    one.command().caller()).isEqualTo("expired");
        } else {
            assertThat(row.state()).isEqualTo(view.state()).isNotEqualTo(answer.approved() ? "approved" : "denied");
            assertThat(row.by()).isEqualTo(view.decidedBy());
            assertThat(row.reason()).isEqualTo(view.reason());
            assertThat(row.at()).isEqualTo(view.decidedAt());
            assertThat(row.state()).isIn("approved", "denied", "superseded");
        }
    }

    /** How it came out, for the test's figures. */
    List<String> states() throws SQLException {
        return recorded().values().stream().map(Recorded::state).toList();
    }

    static void update(Connection connection, String sql, Object... parameters) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                update.setObject(i + 1, parameters[i]);
            }
            update.executeUpdate();
        }
    }
}
