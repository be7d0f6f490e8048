package io.chatrelay.chat;

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

import jakarta.enterprise.inject.Vetoed;

import io.chatrelay.chat.ChatEvent.ApprovalDecided;
import io.chatrelay.chat.ChatEvent.ApprovalRequested;
import io.chatrelay.chat.ChatEvent.Ended;
import io.chatrelay.journal.Connections;
import io.chatrelay.journal.EventCodec;
import io.chatrelay.journal.Journal;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.subscription.BackPressureStrategy;
import io.smallrye.mutiny.subscription.MultiEmitter;
import io.smallrye.mutiny.subscription.UniEmitter;

/** A process that runs the turn of an {@link ApprovalHistory}: the real turn, outbox and sending, one step after another. */
final class ReplicaUnderTest implements UpstreamRun {

    /** What becomes of a try, and whether Inkeep heard it. */
    enum Fate {
        ACKNOWLEDGED, CONTINUED, UNKNOWN_BUT_HEARD, UNKNOWN, REFUSED
    }

    /** One try. */
    final class Tell {
        private final Decision decision;
        private final UniEmitter<? super Delivery> answer;
        Delivery result;
        private boolean tooLate;

        private Tell(Decision decision, UniEmitter<? super Delivery> answer) {
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
                case ACKNOWLEDGED -> new Delivery.Acknowledged();
                case CONTINUED -> history.terms.ends() ? new Delivery.Continued(spoken()) : new Delivery.Acknowledged();
                case UNKNOWN_BUT_HEARD, UNKNOWN -> new Delivery.Unknown("cut");
                case REFUSED -> new Delivery.Refused("no");
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

    private record Connecting(Decision decision, BooleanSupplier wanted, UniEmitter<? super Delivery> answer) {}

    @Vetoed
    private final class Sender extends Outbox {

        Sender() {
            super(null, null, new UnderTest.Waiting(), new SimpleMeterRegistry());
        }

        @Override
        void later(Duration pause, Runnable task) {
            tasks.add(task);
        }

        @Override
        Leave leave(UUID id, UUID as, int attempts) throws SQLException {
            reached();
            Leave leave = history.leave(id, as, attempts);
            if (history.meanwhile != null) {
                Runnable now = history.meanwhile;
                history.meanwhile = null;
                now.run();
            }
            return leave;
        }

        @Override
        int attempts(UUID id) throws SQLException {
            reached();
            return history.row(id).attempts;
        }

        @Override
        boolean late(UUID id) throws SQLException {
            reached();
            return history.late(id);
        }

        @Override
        void acknowledge(UUID id) throws SQLException {
            reached();
            history.row(id).acknowledged = true;
        }

        private void reached() throws SQLException {
            if (history.databaseIsAway) {
                throw new SQLException("away", "08006");
            }
        }
    }

    @Vetoed
    private final class Host extends Runner {

        Host(Outbox outbox) {
            super(null, new UnderTest.Limits(), null, null, null, null, null, null, null, outbox, null);
        }

        @Override
        void send(RunningTurn sent, Ledger.Due decision) {
            history.isHandedOverRightly(ReplicaUnderTest.this, decision);
            super.send(sent, decision);
        }

        @Override
        void offload(RunningTurn of, Runnable task) {
            tasks.add(task);
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
        Journal<ChatEvent> journal = new Journal<>(new Connections(null, null, () -> {}), new Recorder(), new UnderTest.Rows(),
                new UnderTest.Leases(),
                new UnderTest.Feeds(), null,
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
        turn = new RunningTurn(history.turn, transcript, 0, new UnderTest.Limits(), history.terms, System.nanoTime(),
                new Host(new Sender()));
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
    public Uni<Delivery> deliver(Decision decision, BooleanSupplier wanted) {
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
            next.answer().complete(new Delivery.Unsent());
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
