package io.chatrelay.turn;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.UUID;
import java.util.function.BooleanSupplier;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import io.chatrelay.approval.ApprovalsConfig;
import io.chatrelay.approval.AwaitingTurn;
import io.chatrelay.approval.Ledger;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.ChatEvent.TextDelta;
import io.chatrelay.event.ChatEvent.TextStarted;
import io.chatrelay.event.ChatEventCodec;
import io.chatrelay.event.FinishReason;
import io.chatrelay.event.Outcome;
import io.chatrelay.event.Transcript;
import io.chatrelay.event.Turn;
import io.chatrelay.event.Usage;
import io.chatrelay.journal.EventCodec;
import io.chatrelay.journal.Journal;
import io.chatrelay.journal.JournalConnections;
import io.chatrelay.journal.TurnLog;
import io.chatrelay.upstream.Decision;
import io.chatrelay.upstream.DeliveryResult;
import io.chatrelay.upstream.Upstream;
import io.chatrelay.upstream.UpstreamRun;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.subscription.MultiEmitter;

/** The end of a turn whose message takes too long to be written where its events come. */
class RunningTurnTest {

    private static final SQLException REFUSED = new SQLException("as scripted", "22000");

    private final class Host implements RunningTurn.Environment {

        @Override
        public ApprovalsConfig approvals() {
            return new UnderTest.Waiting();
        }

        @Override
        public void deliver(AwaitingTurn ready, Ledger.Due decision) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void offload(Runnable task) {
            tasks.add(task);
        }

        @Override
        public void endAsStored(Turn of, TurnLog<ChatEvent> log, Ended ended, int refusals) {
            endedAsStored.add(refusals);
        }

        @Override
        public void abandon(UUID of) {
            abandoned.add(of);
        }
    }

    private final class Recorder implements EventCodec<ChatEvent> {

        private final ChatEventCodec codec = new ChatEventCodec();

        @Override
        public byte[] encode(ChatEvent event) {
            if (event instanceof Ended && breaks) {
                throw new StackOverflowError("as scripted");
            }
            appended.add(event);
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

    /** Tells once that an answer has begun. */
    private final class Told implements TurnListener {

        @Override
        public void answers(Turn of) {
            if (!told.contains("answers")) {
                told.add("answers");
            }
        }

        @Override
        public void ends(Turn of, Ended ended) {
            told.add("ends " + ended.outcome().wireName());
        }

        @Override
        public void over(AwaitingTurn of) {
            told.add("over");
        }
    }

    private final class Answer implements UpstreamRun {

        @Override
        public Multi<ChatEvent> answer() {
            return Multi.createFrom().emitter(emitter -> events = emitter);
        }

        @Override
        public Uni<DeliveryResult> deliver(Decision decision, BooleanSupplier wanted) {
            throw new UnsupportedOperationException();
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
            return true;
        }
    }

    private final Turn row = new Turn(UUID.randomUUID(), "t", "c", UUID.randomUUID(), "conversation", 1, "agents", "agents",
            UUID.randomUUID(), Instant.now());
    private final List<ChatEvent> appended = new ArrayList<>();
    private final List<String> told = new ArrayList<>();
    private final Deque<Runnable> tasks = new ArrayDeque<>();
    private final List<Integer> endedAsStored = new ArrayList<>();
    private final List<UUID> abandoned = new ArrayList<>();
    private final Journal<ChatEvent> journal = new Journal<>(new JournalConnections(null, null, () -> {}), new Recorder(),
            new UnderTest.Rows(), new UnderTest.Leases(), new UnderTest.Feeds(), new TurnStore(), null,
            new SimpleMeterRegistry());
    private final RunningTurn turn = new RunningTurn(row, new Transcript(), 0, new UnderTest.Limits(),
            new Upstream.Approvals(Duration.ofMinutes(4), false), System.nanoTime(),
            new Told(), new Host());
    private MultiEmitter<? super ChatEvent> events;
    private boolean breaks;

    @BeforeEach
    void begin() {
        turn.writesTo(journal.open(row.id(), 0, journal.replica(), turn), journal.replica());
        turn.reads(new Answer());
        events.emit(new TextStarted("1"));
    }

    private void endsAfter(int characters) {
        events.emit(new TextDelta("1", "x".repeat(characters)));
        events.emit(Ended.completed(FinishReason.STOP, null));
    }

    private long ends() {
        return appended.stream().filter(Ended.class::isInstance).count();
    }

    @Test
    void anAnswerAndItsEndAreTold() {
        endsAfter(10);

        assertThat(told).containsExactly("answers", "ends completed", "over");
    }

    @Test
    void aTurnWithoutAnAnswerTellsItsEndAlone() {
        told.clear();
        RunningTurn silent = new RunningTurn(row, new Transcript(), 0, new UnderTest.Limits(),
                new Upstream.Approvals(Duration.ofMinutes(4), false), System.nanoTime(), new Told(), new Host());
        silent.writesTo(journal.open(UUID.randomUUID(), 0, journal.replica(), silent), journal.replica());
        silent.reads(new Answer());

        silent.tick(Long.MAX_VALUE / 2);

        assertThat(told).containsExactly("ends failed", "over");
    }

    @Test
    void aTurnThatIsLeftToOthersHasNoEnd() {
        turn.giveUp();

        assertThat(told).containsExactly("answers", "over");
    }

    @Test
    void aSmallOneEndsAtOnce() {
        endsAfter(10);

        assertThat(tasks).isEmpty();
        assertThat(ends()).isEqualTo(1);
    }

    @Test
    void aLargeOneEndsOnceAndElsewhere() {
        endsAfter(100_000);
        assertThat(ends()).isZero();
        assertThat(tasks).hasSize(1);

        events.emit(new TextDelta("1", "and more"));
        turn.cancel();
        turn.tick(Long.MAX_VALUE / 2);
        tasks.poll().run();

        assertThat(tasks).isEmpty();
        assertThat(ends()).isEqualTo(1);
        assertThat(appended.getLast()).isInstanceOfSatisfying(Ended.class,
                ended -> assertThat(ended.outcome()).isEqualTo(Outcome.COMPLETED));
    }

    @Test
    void aLargeOneThatIsRefusedMeanwhileEndsAsItIsStored() {
        endsAfter(100_000);
        turn.refused(REFUSED);

        tasks.poll().run();

        assertThat(endedAsStored).containsExactly(1);
        assertThat(ends()).as("appended by itself").isZero();
    }

    @Test
    void aLargeOneWhoseEndIsRefusedEndsAsItIsStored() {
        endsAfter(100_000);
        tasks.poll().run();

        turn.refused(REFUSED);

        assertThat(endedAsStored).containsExactly(1);
    }

    @Test
    void aLargeOneThatIsLostMeanwhileIsAnothers() {
        endsAfter(100_000);

        turn.lost();
        assertThat(turn.giveUp()).isFalse();

        assertThat(endedAsStored).isEmpty();
        assertThat(abandoned).isEmpty();
    }

    @Test
    void oneWhoseEndCannotBeAppendedIsFoundAgain() {
        breaks = true;
        endsAfter(100_000);
        tasks.poll().run();

        assertThat(abandoned).containsExactly(row.id());
    }
}
