package io.chatrelay.turn;

import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.function.BooleanSupplier;

import io.chatrelay.approval.ApprovalsConfig;
import io.chatrelay.approval.AwaitingTurn;
import io.chatrelay.approval.DecisionDelivery;
import io.chatrelay.approval.Ledger;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.ApprovalDecided;
import io.chatrelay.event.ChatEvent.ApprovalRequested;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.ChatEventCodec;
import io.chatrelay.event.Transcript;
import io.chatrelay.event.Turn;
import io.chatrelay.event.Usage;
import io.chatrelay.journal.EventCodec;
import io.chatrelay.journal.Journal;
import io.chatrelay.journal.JournalConnections;
import io.chatrelay.journal.TurnLog;
import io.chatrelay.support.Events;
import io.chatrelay.upstream.Decision;
import io.chatrelay.upstream.DeliveryResult;
import io.chatrelay.upstream.UpstreamRun;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.subscription.BackPressureStrategy;
import io.smallrye.mutiny.subscription.MultiEmitter;
import io.smallrye.mutiny.subscription.UniEmitter;

/** A process that runs the turn of an {@link ApprovalHistory}: the real turn and deliveries, one step after another. */
final class ReplicaUnderTest implements UpstreamRun {

    /** What becomes of a try, and whether Inkeep heard it. */
    enum Fate {
        ACKNOWLEDGED, CONTINUED, UNKNOWN_BUT_HEARD, UNKNOWN, REFUSED
    }

    /** One try. */
    final class Tell {
        private final Decision decision;
        private final UniEmitter<? super DeliveryResult> answer;
        DeliveryResult result;
        private boolean tooLate;

        private Tell(Decision decision, UniEmitter<? super DeliveryResult> answer) {
            this.decision = decision;
            this.answer = answer;
        }

        Decision decision() {
            return decision;
        }

        /** Whether the turn was over before anything became of it. */
        boolean tooLate() {
            return tooLate;
        }

        ReplicaUnderTest by() {
            return ReplicaUnderTest.this;
        }

        void resolve(Fate fate) {
            if (result != null || dead) {
                return;
            }
            tooLate = over;
            result = switch (fate) {
                case ACKNOWLEDGED -> new DeliveryResult.Acknowledged();
                case CONTINUED ->
                        history.terms.ends() ? new DeliveryResult.Continued(spoken()) : new DeliveryResult.Acknowledged();
                case UNKNOWN_BUT_HEARD, UNKNOWN -> new DeliveryResult.Unknown("cut");
                case REFUSED -> new DeliveryResult.Refused("no");
            };
            // The rest of an answer that is lost, or is told to nobody, comes no more.
            history.disturbed |= fate == Fate.REFUSED || history.terms.ends() && fate != Fate.CONTINUED;
            if (fate != Fate.UNKNOWN && fate != Fate.REFUSED) {
                history.heard.putIfAbsent(decision.callId(), decision);
            }
            answer.complete(result);
            history.hasItsConsequence(this);
        }
    }

    private record Connecting(Decision decision, BooleanSupplier wanted, UniEmitter<? super DeliveryResult> answer) {}

    private final class Sender implements DecisionDelivery.Environment {

        @Override
        public ApprovalsConfig config() {
            return new UnderTest.Waiting();
        }

        @Override
        public void count(String result) {
            // Nobody looks at it.
        }

        @Override
        public void later(Duration pause, Runnable task) {
            tasks.add(task);
        }

        @Override
        public DecisionDelivery.SendPermission permission(UUID id, UUID as, int attempts) throws SQLException {
            reached();
            DecisionDelivery.SendPermission permission = history.permission(id, as, attempts);
            if (history.meanwhile != null) {
                Runnable now = history.meanwhile;
                history.meanwhile = null;
                now.run();
            }
            return permission;
        }

        @Override
        public int attempts(UUID id) throws SQLException {
            reached();
            return history.row(id).attempts;
        }

        @Override
        public boolean late(UUID id) throws SQLException {
            reached();
            return history.late(id);
        }

        @Override
        public void acknowledge(UUID id) throws SQLException {
            reached();
            history.row(id).acknowledged = true;
        }

        private void reached() throws SQLException {
            if (history.databaseIsAway) {
                throw new SQLException("away", "08006");
            }
        }
    }

    private final class Host implements TurnListener, RunningTurn.Environment {

        private final Sender sender = new Sender();

        @Override
        public void deliver(AwaitingTurn ready, Ledger.Due decision) {
            history.isHandedOverRightly(ReplicaUnderTest.this, decision);
            tasks.add(new DecisionDelivery(sender, ready, decision)::attempt);
        }

        @Override
        public ApprovalsConfig approvals() {
            return sender.config();
        }

        @Override
        public void offload(Runnable task) {
            tasks.add(task);
        }

        @Override
        public void abandon(UUID abandoned) {
            throw new IllegalStateException("the turn could not be ended");
        }

        @Override
        public void endAsStored(Turn refused, TurnLog<ChatEvent> log, Ended ended, int refusals) {
            throw new IllegalStateException("the database refused the turn");
        }
    }

    private final ApprovalHistory history;
    final UUID owner;
    final RunningTurn turn;
    final List<ChatEvent> appended = new ArrayList<>();
    final Deque<Runnable> tasks = new ArrayDeque<>();
    private final Deque<Connecting> connecting = new ArrayDeque<>();
    final Set<String> asked = new HashSet<>();
    final Set<String> outcomes = new HashSet<>();
    final Set<String> handed = new HashSet<>();
    private MultiEmitter<? super ChatEvent> answer;
    private int read;
    private boolean complete;
    private boolean proven;
    private boolean over;
    boolean dead;

    ReplicaUnderTest(ApprovalHistory history, boolean takesOver) {
        this.history = history;
        Journal<ChatEvent> journal = new Journal<>(new JournalConnections(null, null, () -> {}), new Recorder(),
                new UnderTest.Rows(),
                new UnderTest.Leases(),
                new UnderTest.Feeds(), new TurnStore(), null,
                new SimpleMeterRegistry());
        owner = journal.replica();
        Transcript transcript = new Transcript();
        history.stored.forEach(event -> {
            transcript.apply(event);
            seen(event);
        });
        List<ChatEvent> heard = history.stored.stream().filter(event -> !(event instanceof ApprovalDecided)).toList();
        read = heard.size();
        proven = !takesOver;
        Host host = new Host();
        turn = new RunningTurn(history.turn, transcript, 0, new UnderTest.Limits(), history.terms, System.nanoTime(), host,
                host);
        turn.writesTo(journal.open(history.turn.id(), history.stored.size(), owner, turn), owner);
        if (takesOver && !goesOn(transcript, heard)) {
            history.disturbed = true;
            turn.stop(Events.INTERRUPTED);
        } else {
            turn.reads(this);
        }
    }

    /** Whether the upstream could prove that it is the same run: what is stored is what it said, and its rest is to be had. */
    private boolean goesOn(Transcript transcript, List<ChatEvent> stored) {
        boolean sent = history.rows.values().stream().anyMatch(row -> row.attempts > 0);
        return transcript.started() && stored.size() <= history.said.size()
                && stored.equals(history.said.subList(0, stored.size()))
                && !(history.terms.ends() && (sent || transcript.asking().isEmpty()));
    }

    @Override
    public Multi<ChatEvent> answer() {
        return spoken();
    }

    private Multi<ChatEvent> spoken() {
        return Multi.createFrom().<ChatEvent>emitter(emitter -> {
            answer = emitter;
            complete = false;
        }, BackPressureStrategy.BUFFER);
    }

    @Override
    public Uni<DeliveryResult> deliver(Decision decision, BooleanSupplier wanted) {
        return Uni.createFrom().emitter(emitter -> connecting.add(new Connecting(decision, wanted, emitter)));
    }

    /** The oldest try that waits for a connection gets one: it is sent if it is still wanted. */
    void connects() {
        Connecting next = connecting.poll();
        if (next == null || dead) {
            return;
        }
        // A process that lost the turn did so after its lease had ended, and then a try is not fresh any more.
        if (history.replica != this || !next.wanted().getAsBoolean()) {
            next.answer().complete(new DeliveryResult.Unsent());
        } else {
            history.isToldRightly(this, next.decision());
            history.told.add(new Tell(next.decision(), next.answer()));
        }
    }

    @Override
    public boolean outlivesReaders() {
        return true;
    }

    @Override
    public Usage usage() {
        return null;
    }

    @Override
    public boolean isProven() {
        return proven;
    }

    boolean over() {
        return over;
    }

    /** Whether what Inkeep answers has ended at its approvals. */
    boolean answerIsComplete() {
        return complete;
    }

    /** Reads on what Inkeep has said. Where its answer ends at approvals, it ends once all that was said is read. */
    void reads(int count) {
        proven = true;
        for (int i = 0; i < count && read < history.said.size() && answer != null && !complete && !over; i++) {
            answer.emit(history.said.get(read++));
        }
        // A decision that Inkeep has heard comes to its outcome before the run waits again.
        if (history.terms.ends() && read == history.said.size() && !over && !complete && answer != null
                && !outcomes.containsAll(asked) && outcomes.containsAll(history.heard.keySet())) {
            complete = true;
            answer.complete();
        }
        history.streamIsSound();
    }

    void runTask(int pick) {
        if (!tasks.isEmpty()) {
            for (int i = 0; i < pick % tasks.size(); i++) {
                tasks.add(tasks.poll());
            }
            tasks.poll().run();
            history.streamIsSound();
        }
    }

    void runTasks() {
        for (int left = tasks.size(); left > 0; left--) {
            runTask(0);
        }
    }

    private void seen(ChatEvent event) {
        if (event instanceof ApprovalRequested(_, var callId, _)) {
            asked.add(callId);
        } else if (ApprovalHistory.outcomeOf(event) != null) {
            outcomes.add(ApprovalHistory.outcomeOf(event));
        }
        over |= event instanceof Ended;
    }

    /** Hears what the turn appends, in the order in which it will be stored. */
    private final class Recorder implements EventCodec<ChatEvent> {

        private final ChatEventCodec codec = new ChatEventCodec();

        @Override
        public byte[] encode(ChatEvent event) {
            appended.add(event);
            seen(event);
            return codec.encode(event);
        }

        @Override
        public ChatEvent decode(byte[] bytes, int offset, int length) {
            return codec.decode(bytes, offset, length);
        }

        @Override
        public boolean isLast(ChatEvent event) {
            return codec.isLast(event);
        }
    }
}
