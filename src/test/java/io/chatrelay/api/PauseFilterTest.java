package io.chatrelay.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import io.chatrelay.api.aisdk.AiSdkFrameWriter;
import io.chatrelay.api.protocol.UnclosedParts;
import io.chatrelay.approval.ApprovalView;
import io.chatrelay.event.ApprovalState;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.ApprovalDecided;
import io.chatrelay.event.ChatEvent.Data;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.ChatEvent.Started;
import io.chatrelay.event.ChatEvent.StepFinished;
import io.chatrelay.event.ChatEvent.StepStarted;
import io.chatrelay.event.ChatEvent.TextDelta;
import io.chatrelay.event.ChatEvent.TextStarted;
import io.chatrelay.event.ChatEvent.ToolSucceeded;
import io.chatrelay.event.FinishReason;
import io.chatrelay.event.JsonWriter;
import io.chatrelay.event.PausePoints;
import io.chatrelay.event.RawJson;
import io.chatrelay.event.Turn;
import io.chatrelay.journal.JournalEntry;
import io.chatrelay.support.CallEvents;
import io.quarkus.runtime.configuration.MemorySize;
import io.vertx.core.Context;
import io.vertx.core.Vertx;

/** What a pausing stream tells, what it holds back, and when it pauses. */
class PauseFilterTest {

    private static final RawJson ONE = new RawJson("1");
    private static final Data NOISE = new Data("data-x", null, ONE);
    private static final Turn TURN = new Turn(UUID.randomUUID(), "t", "c", UUID.randomUUID(), "chat", 0, "agents", "agents",
            UUID.randomUUID(), Instant.EPOCH);

    private record Config(Duration pauseAfter) implements ApiConfig {
        @Override
        public MemorySize maxBody() {
            return null;
        }

        @Override
        public Duration heartbeat() {
            return Duration.ofSeconds(15);
        }

        @Override
        public Duration headAfter() {
            return Duration.ofSeconds(10);
        }

        @Override
        public Duration breakAfter() {
            return Duration.ZERO;
        }

        @Override
        public Duration comeBackWithin() {
            return Duration.ofMillis(500);
        }
    }

    private static Vertx vertx;

    @BeforeAll
    static void open() {
        vertx = Vertx.vertx();
    }

    @AfterAll
    static void close() {
        vertx.close();
    }

    private static ChatEvent called(String id) {
        return CallEvents.called(id, "t", ONE, 0);
    }

    private static ChatEvent asks(String id) {
        return CallEvents.asked("aitxt-" + id, id);
    }

    private static ApprovalView open(String call) {
        return new ApprovalView(UUID.randomUUID(), "chat", TURN.id(), call, "aitxt-" + call, "t", ONE, "", "pending",
                Instant.EPOCH, Instant.EPOCH, null, null, null, null, List.of());
    }

    /** A stream on an event loop of its own, that notes what happens to it. */
    private static final class Stand implements ApprovalPauseDetector.Listener {

        final List<String> noted = new CopyOnWriteArrayList<>();
        final AtomicInteger asked = new AtomicInteger();
        final Context context = vertx.getOrCreateContext();
        final PauseFilter telling;
        private long number;

        Stand(ReplayPosition from, List<ApprovalView> ledger) {
            number = from.after();
            telling = PauseFilter.pausing(new AiSdkFrameWriter(TURN), from,
                    new ApprovalPauseDetector(from.calls(), new Config(Duration.ofMillis(500)),
                            context, () -> {
                                asked.incrementAndGet();
                                return List.copyOf(ledger);
                            }, Runnable::run));
            on(() -> telling.begin(this));
        }

        void on(Runnable task) {
            context.runOnContext(_ -> task.run());
        }

        Stand comes(ChatEvent... events) {
            List<JournalEntry<ChatEvent>> entries = new ArrayList<>();
            for (ChatEvent event : events) {
                entries.add(new JournalEntry<>(++number, event, 100));
            }
            on(() -> note(telling.take(entries)));
            return this;
        }

        private void note(List<JournalEntry<ChatEvent>> told) {
            told.forEach(entry -> noted.add(entry.number() + " " + entry.event().getClass().getSimpleName()));
        }

        @Override
        public void waits(List<ApprovalView> open) {
            JsonWriter out = new JsonWriter(64);
            telling.pause(out);
            noted.add(new String(out.toBytes(), StandardCharsets.UTF_8).lines().filter(line -> !line.isEmpty())
                    .map(line -> line.replaceAll("data: |[{}\"]", "").replace("type:", "")).toList().toString());
        }

        @Override
        public void goesOn() {
            note(telling.release());
        }

        void tells(String... expected) {
            await().atMost(Duration.ofSeconds(5)).untilAsserted(() -> assertThat(noted).containsExactly(expected));
        }
    }

    private static Stand fromTheBeginning(ApprovalView... ledger) {
        return new Stand(ReplayPosition.atTheBeginning(), new CopyOnWriteArrayList<>(ledger));
    }

    @Test
    void itPausesAtThePausePointAndForgetsWhatCameAfterIt() {
        fromTheBeginning(open("a")).comes(new Started("m"), new StepStarted(), called("a"), asks("a"), NOISE)
                .comes(NOISE, new TextStarted("t")).tells("1 Started", "2 StepStarted", "3 ToolCalled", "4 ApprovalRequested",
                        "[finish-step, finish,finishReason:tool-calls, [DONE]]");
    }

    @Test
    void anotherCallReleasesWhatWasHeldBack() {
        fromTheBeginning(open("a"), open("b")).comes(new StepStarted(), called("a"), asks("a"), NOISE)
                .comes(called("b"), asks("b")).tells("1 StepStarted", "2 ToolCalled", "3 ApprovalRequested", "4 Data",
                        "5 ToolCalled", "6 ApprovalRequested", "[finish-step, finish,finishReason:tool-calls, [DONE]]");
    }

    @Test
    void whereTheLedgerHasADecisionItGoesOnAndDoesNotAskAgain() {
        Stand stand = fromTheBeginning().comes(new StepStarted(), called("a"), asks("a"), NOISE);

        stand.tells("1 StepStarted", "2 ToolCalled", "3 ApprovalRequested", "4 Data");
        stand.comes(NOISE, new ApprovalDecided("aitxt-a", "a", ApprovalState.APPROVED, null), new ToolSucceeded("a", ONE));
        stand.tells("1 StepStarted", "2 ToolCalled", "3 ApprovalRequested", "4 Data", "5 Data", "6 ApprovalDecided",
                "7 ToolSucceeded");
        assertThat(stand.asked).hasValue(1);
    }

    @Test
    void oneOfTwoThatIsDecidedIsWaitedFor() {
        Stand stand = fromTheBeginning(open("b")).comes(new StepStarted(), called("a"), called("b"), asks("a"), asks("b"));
        await().untilAtomic(stand.asked, value -> assertThat(value).isOne());

        stand.comes(new ApprovalDecided("aitxt-a", "a", ApprovalState.APPROVED, null), new ToolSucceeded("a", ONE));
        stand.tells("1 StepStarted", "2 ToolCalled", "3 ToolCalled", "4 ApprovalRequested", "5 ApprovalRequested",
                "6 ApprovalDecided", "7 ToolSucceeded", "[finish-step, finish,finishReason:tool-calls, [DONE]]");
    }

    @Test
    void theTurnsEndIsToldAtOnce() {
        Stand stand = fromTheBeginning(open("a")).comes(new StepStarted(), called("a"), asks("a"), new StepFinished(),
                Ended.completed(FinishReason.STOP, null));

        stand.tells("1 StepStarted", "2 ToolCalled", "3 ApprovalRequested", "4 StepFinished", "5 Ended");
        await().during(Duration.ofMillis(800)).until(() -> stand.asked.get() == 0);
    }

    @Test
    void aStreamThatGoesOnLeavesOutTheEndOfTheStepThatThePauseClosed() {
        PausePoints calls = new PausePoints();
        Stream.of(called("a"), asks("a")).forEach(calls::apply);
        ReplayPosition from = new ReplayPosition(3, calls, new UnclosedParts(true, null, null), true);

        Stand stand = new Stand(from, List.of()).comes(NOISE, new ApprovalDecided("aitxt-a", "a", ApprovalState.DENIED, null),
                new ToolSucceeded("a", ONE), new StepFinished(), new StepStarted(), new StepFinished());

        stand.tells("4 Data", "5 ApprovalDecided", "6 ToolSucceeded", "8 StepStarted", "9 StepFinished");
        assertThat(stand.asked).hasValue(0);
    }

    @Test
    void textThatIsOpenAtAPauseIsClosedThereAndOpenedAgain() {
        fromTheBeginning(open("a")).comes(new StepStarted(), called("a"), new TextStarted("t"), asks("a"),
                new TextDelta("t", "x"))
                .tells("1 StepStarted", "2 ToolCalled", "3 TextStarted", "4 ApprovalRequested",
                        "[text-end,id:t, finish-step, finish,finishReason:tool-calls, [DONE]]");
        JsonWriter out = new JsonWriter(64);
        PauseFilter
                .goingOn(new AiSdkFrameWriter(TURN),
                        new ReplayPosition(4, new PausePoints(), new UnclosedParts(true, "t", null), true))
                .open(out);
        assertThat(out.toString()).contains("{\"type\":\"start\"").endsWith(
                "data: {\"type\":\"text-start\",\"id\":\"t\"}\n\n");
    }

    @Test
    void whatIsHeldBackIsBounded() {
        Stand stand = fromTheBeginning(open("a"));
        ChatEvent[] noise = new ChatEvent[400];
        Arrays.fill(noise, NOISE);
        stand.comes(called("a"), asks("a")).comes(noise);

        stand.on(() -> stand.noted.add(stand.telling.full() ? "full" : "more"));
        stand.tells("1 ToolCalled", "2 ApprovalRequested", "full", "[finish,finishReason:tool-calls, [DONE]]");
    }
}
