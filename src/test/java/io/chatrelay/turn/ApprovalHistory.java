package io.chatrelay.turn;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

import io.chatrelay.approval.CallOutcome;
import io.chatrelay.approval.DecisionDelivery;
import io.chatrelay.approval.Ledger;
import io.chatrelay.event.ApprovalState;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.ApprovalDecided;
import io.chatrelay.event.ChatEvent.ApprovalRequested;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.ChatEvent.Started;
import io.chatrelay.event.ChatEvent.ToolDenied;
import io.chatrelay.event.ChatEvent.ToolFailed;
import io.chatrelay.event.ChatEvent.ToolSucceeded;
import io.chatrelay.event.Ids;
import io.chatrelay.event.Outcome;
import io.chatrelay.event.RawJson;
import io.chatrelay.event.Turn;
import io.chatrelay.support.CallEvents;
import io.chatrelay.support.Events;
import io.chatrelay.upstream.Decision;
import io.chatrelay.upstream.DeliveryResult;
import io.chatrelay.upstream.Upstream;

/**
 * One turn's approvals as a random history drives them: the real turn, outbox and sending, in processes that come and go, between a
 * ledger that is only as good as the statements of {@link Ledger} and an Inkeep of which nobody knows what it has heard. Every step
 * looks at what is promised.
 */
final class ApprovalHistory {

    static final int CALLS = 3;

    /** A row of the ledger. */
    static final class Row {
        final UUID id = Ids.next();
        final String callId;
        ApprovalState state = ApprovalState.PENDING;
        String reason;
        int attempts;
        boolean acknowledged;
        String outcome;

        Row(String callId) {
            this.callId = callId;
        }

        boolean decided() {
            return state != ApprovalState.PENDING && state != ApprovalState.SUPERSEDED;
        }

        Ledger.Due due(UUID turn) {
            return new Ledger.Due(id, turn, callId, "ask-" + callId,
                    new Ledger.Asker(0, callId, "ask-" + callId, "delete_file"), state, reason, attempts, acknowledged,
                    Instant.EPOCH, Instant.EPOCH);
        }
    }

    final Turn turn = new Turn(Ids.next(), "t", "c", Ids.next(), "c-1", 1, "agents", "agents", Ids.next(),
            Instant.EPOCH);
    final Upstream.Approvals terms;
    final Map<String, Row> rows = new LinkedHashMap<>();
    final List<ChatEvent> stored = new ArrayList<>();
    /** What Inkeep has said, read or not, and the decisions that it has heard. */
    final List<ChatEvent> said = new ArrayList<>(List.of(new Started("run")));
    final Map<String, Decision> heard = new LinkedHashMap<>();
    final List<ReplicaUnderTest.Tell> told = new ArrayList<>();
    final List<ReplicaUnderTest> gone = new ArrayList<>();
    private List<Ledger.Due> stale = List.of();
    ReplicaUnderTest replica;
    boolean late;
    boolean databaseIsAway;
    /** What happens while the ledger is asked whether a decision may be sent. */
    Runnable meanwhile;
    boolean disturbed;

    ApprovalHistory(boolean durable) {
        terms = new Upstream.Approvals(Duration.ofMinutes(4), durable);
        replica = new ReplicaUnderTest(this, false);
    }

    // --- Inkeep ---------------------------------------------------------------------------------------------------------

    private Set<String> askedOfInkeep(boolean open) {
        Set<String> asked = new HashSet<>();
        said.forEach(event -> {
            if (event instanceof ApprovalRequested(_, var callId, _)) {
                asked.add(callId);
            } else if (open && outcomeOf(event) != null) {
                asked.remove(outcomeOf(event));
            }
        });
        return asked;
    }

    private boolean finished() {
        return said.getLast() instanceof Ended;
    }

    void inkeepAsks(int call) {
        String id = "call-" + call;
        // An answer that ends at its approvals asks no more until it goes on.
        if (!finished() && !askedOfInkeep(false).contains(id) && !(terms.ends() && replica.answerIsComplete())) {
            said.add(CallEvents.called(id, "delete_file", new RawJson("{}"), call));
            said.add(CallEvents.asked("ask-" + id, id));
        }
    }

    /** The call runs, or does not, as Inkeep was told; or Inkeep goes on by itself. */
    void inkeepSettles(int call, boolean unasked) {
        String id = "call-" + call;
        if (finished() || !askedOfInkeep(true).contains(id)) {
            return;
        }
        Decision decision = heard.get(id);
        if (decision != null) {
            said.add(decision.approved() ? new ToolSucceeded(id, new RawJson("1")) : new ToolDenied(id));
        } else if (unasked && !terms.ends()) {
            disturbed = true;
            said.add(new ToolFailed(id, "timed out"));
        }
    }

    void inkeepFinishes() {
        if (!finished() && askedOfInkeep(true).isEmpty()) {
            said.add(Events.COMPLETED);
        }
    }

    // --- the ledger, by the conditions of its statements ------------------------------------------------------------------

    /** Somebody decides: the first one, in time. */
    void decide(int call, ApprovalState state) {
        Row row = rows.get("call-" + call);
        if (row != null && row.state == ApprovalState.PENDING) {
            row.state = state;
            row.reason = state == ApprovalState.EXPIRED ? Ledger.EXPIRED : state == ApprovalState.DENIED ? "no " + call : null;
        }
    }

    /** {@link DecisionDelivery.Environment#permission}, by any replica. */
    DecisionDelivery.SendPermission permission(UUID id, UUID owner, int attempts) {
        Row row = row(id);
        if (row.attempts == attempts && owner.equals(replica.owner) && !ended() && row.decided() && row.outcome == null
                && !row.acknowledged && !late) {
            row.attempts++;
            return DecisionDelivery.SendPermission.SEND;
        }
        if (late(id)) {
            return DecisionDelivery.SendPermission.LATE;
        }
        return row.attempts == attempts ? DecisionDelivery.SendPermission.NEVER : DecisionDelivery.SendPermission.TRIED;
    }

    boolean late(UUID id) {
        return late && row(id).outcome == null && !row(id).acknowledged;
    }

    Row row(UUID id) {
        return rows.values().stream().filter(row -> row.id.equals(id)).findFirst().orElseThrow();
    }

    boolean ended() {
        return !stored.isEmpty() && stored.getLast() instanceof Ended;
    }

    /** A commit of the first events that the replica has appended. */
    void commit(int count) {
        for (int i = 0; i < count && !replica.appended.isEmpty(); i++) {
            ChatEvent event = replica.appended.removeFirst();
            stored.add(event);
            if (event instanceof ApprovalRequested(_, var callId, _)) {
                rows.computeIfAbsent(callId, Row::new);
            } else if (outcomeOf(event) != null && rows.containsKey(outcomeOf(event))) {
                Row row = rows.get(outcomeOf(event));
                row.state = row.state == ApprovalState.PENDING ? ApprovalState.SUPERSEDED : row.state;
                row.outcome = CallOutcome.of(turn.id(), event).outcome();
            } else if (event instanceof Ended) {
                rows.values().stream().filter(row -> row.state == ApprovalState.PENDING)
                        .forEach(row -> row.state = ApprovalState.SUPERSEDED);
            }
        }
        streamIsSound();
    }

    // --- the replicas -----------------------------------------------------------------------------------------------------

    /** The replica looks into the ledger. What it finds may reach the turn later, and in any order. */
    void find(boolean later, boolean backwards) {
        List<Ledger.Due> found = new ArrayList<>(rows.values().stream().filter(row -> row.decided() && row.outcome == null)
                .map(row -> row.due(turn.id())).toList());
        List<Ledger.Due> now = later ? stale : found;
        stale = found;
        (backwards ? now.reversed() : now).forEach(due -> {
            replica.turn.decided(due);
            gone.forEach(old -> old.turn.decided(due));
        });
        streamIsSound();
    }

    /** Another replica takes the turn over; the old one may not know it yet. */
    void takeOver(boolean oldOneLives) {
        if (ended()) {
            return;
        }
        disturbed = disturbed || terms.ends();
        if (oldOneLives) {
            gone.add(replica);
        } else {
            replica.tasks.clear();
            replica.dead = true;
        }
        replica = new ReplicaUnderTest(this, true);
    }

    // --- what is promised ---------------------------------------------------------------------------------------------------

    void isToldRightly(ReplicaUnderTest by, Decision decision) {
        String callId = decision.callId();
        Row row = rows.get(callId);
        assertThat(by).as("only the turn's own replica tells").isSameAs(replica);
        assertThat(by.over()).as("a decision is told after the turn's end").isFalse();
        assertThat(decision).as("what is told is what is recorded").isEqualTo(new Decision(0, callId, "ask-" + callId,
                "delete_file", row.state == ApprovalState.APPROVED, row.reason));
        assertThat(by.outcomes).as("calls whose outcome is on the stream, at a decision on %s", callId).doesNotContain(callId);
        assertThat(row.acknowledged).as("%s is acknowledged already", callId).isFalse();
        waitsForIt(by, callId);
        for (ReplicaUnderTest.Tell before : told) {
            if (before.decision().callId().equals(callId)) {
                assertThat(before.decision()).as("never two different ones").isEqualTo(decision);
                if (before.by() == by) {
                    assertThat(before.result).as("of the earlier try on %s", callId).isInstanceOf(DeliveryResult.Unknown.class);
                }
            }
        }
    }

    /** What Inkeep refused outright ends the turn; what it took is remembered, unless the ledger cannot be reached. */
    void hasItsConsequence(ReplicaUnderTest.Tell tell) {
        if (tell.tooLate()) {
            return;
        }
        Row row = rows.get(tell.decision().callId());
        ReplicaUnderTest by = tell.by();
        switch (tell.result) {
            case DeliveryResult.Refused(_) ->
                    assertThat(by.over() || row.attempts > 1).as("the turn is over at a refusal").isTrue();
            case DeliveryResult.Unsent() -> throw new AssertionError("was sent");
            case DeliveryResult.Unknown(_) -> assertThat(by.over()).as("the turn goes on while nobody knows").isFalse();
            case DeliveryResult.Acknowledged _,DeliveryResult.Continued _ -> {
                by.runTasks();
                assertThat(row.acknowledged || databaseIsAway).as("the ledger knows that it was acknowledged").isTrue();
            }
        }
    }

    /** Each is handed over once, and only what waits. */
    void isHandedOverRightly(ReplicaUnderTest by, Ledger.Due decision) {
        assertThat(by.asked).contains(decision.callId());
        assertThat(decision.acknowledged()).as("%s is acknowledged already", decision.callId()).isFalse();
        assertThat(by.outcomes).as("calls whose outcome is on the stream, at a decision on %s", decision.callId())
                .doesNotContain(decision.callId());
        waitsForIt(by, decision.callId());
        assertThat(by.handed.add(decision.callId())).as("%s is handed over once", decision.callId()).isTrue();
    }

    /** Where the answer to a decision is the rest of the turn, it is told when the run waits and no other one is on its way. */
    private void waitsForIt(ReplicaUnderTest by, String callId) {
        if (terms.ends()) {
            assertThat(by.answerIsComplete()).as("the run waits when the decision on %s is told", callId).isTrue();
            assertThat(by.handed).as("those before the decision on %s have their outcome", callId)
                    .allMatch(earlier -> earlier.equals(callId) || by.outcomes.contains(earlier));
        }
    }

    void streamIsSound() {
        List<ChatEvent> stream = new ArrayList<>(stored);
        stream.addAll(replica.appended);
        Set<String> asked = new HashSet<>();
        Set<String> decided = new HashSet<>();
        Set<String> settled = new HashSet<>();
        for (int i = 0; i < stream.size(); i++) {
            ChatEvent event = stream.get(i);
            if (event instanceof ApprovalRequested(_, var callId, _)) {
                assertThat(asked.add(callId)).as("%s asks once", callId).isTrue();
            } else if (event instanceof ApprovalDecided(_, var callId, var state, var reason)) {
                assertThat(asked).contains(callId);
                assertThat(settled).as("outcomes before the decision is told").doesNotContain(callId);
                assertThat(decided.add(callId)).as("the decision on %s is told once", callId).isTrue();
                assertThat(state).isEqualTo(rows.get(callId).state.wireName());
                assertThat(reason).isEqualTo(rows.get(callId).reason);
            } else if (outcomeOf(event) != null) {
                assertThat(settled.add(outcomeOf(event))).as("one outcome of %s", outcomeOf(event)).isTrue();
            } else if (event instanceof Ended) {
                assertThat(i).as("the end is last").isEqualTo(stream.size() - 1);
            }
        }
    }

    /** Everyone is well from now on: the turn ends, and what was decided has come true. */
    void comesToAnEnd() {
        databaseIsAway = false;
        meanwhile = null;
        for (int round = 0; round < 60 && !ended(); round++) {
            commit(Integer.MAX_VALUE);
            for (int call = 0; call < CALLS; call++) {
                decide(call, ApprovalState.DENIED);
            }
            find(false, false);
            replica.runTasks();
            replica.connects();
            List.copyOf(told).forEach(tell -> tell.resolve(terms.ends() ? ReplicaUnderTest.Fate.CONTINUED
                    : ReplicaUnderTest.Fate.ACKNOWLEDGED));
            for (int call = 0; call < CALLS; call++) {
                inkeepSettles(call, false);
            }
            replica.reads(Integer.MAX_VALUE);
            if (round > 40) {
                inkeepFinishes();
                // What Inkeep refused after a try of unknown fate waits for its window to close.
                late = late || disturbed;
            } else if (round > 3 && askedOfInkeep(true).isEmpty()) {
                inkeepFinishes();
            }
        }
        assertThat(ended()).as("the turn ended").isTrue();
        streamIsSound();
        assertThat(rows.values()).noneMatch(row -> row.state == ApprovalState.PENDING);
        if (!disturbed) {
            assertThat(((Ended) stored.getLast()).outcome()).isEqualTo(Outcome.COMPLETED);
            assertThat(rows.values()).allSatisfy(row -> assertThat(row.outcome)
                    .isEqualTo(row.state == ApprovalState.APPROVED ? "executed" : "denied"));
        }
    }

    /** The call whose outcome it is, or null. */
    static String outcomeOf(ChatEvent event) {
        CallOutcome outcome = CallOutcome.of(null, event);
        return outcome == null ? null : outcome.callId();
    }
}
