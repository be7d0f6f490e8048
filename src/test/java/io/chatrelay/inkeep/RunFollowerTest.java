package io.chatrelay.inkeep;

import static io.chatrelay.inkeep.RecordedAnswer.events;
import static io.chatrelay.inkeep.RecordedRun.DONE;
import static io.chatrelay.inkeep.RecordedRun.OTHER;
import static io.chatrelay.inkeep.RecordedRun.WHOLE;
import static io.chatrelay.inkeep.RecordedRun.begin;
import static io.chatrelay.inkeep.RecordedRun.replayOf;
import static io.chatrelay.inkeep.ScriptedInkeep.SOON;
import static io.chatrelay.inkeep.ScriptedInkeep.VERTX;
import static io.chatrelay.inkeep.ScriptedInkeep.all;
import static io.chatrelay.inkeep.ScriptedInkeep.cut;
import static io.chatrelay.inkeep.ScriptedInkeep.question;
import static io.chatrelay.inkeep.ScriptedInkeep.status;
import static io.chatrelay.inkeep.ScriptedInkeep.stream;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.chatrelay.dev.InkeepEmulator;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.ApprovalRequested;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.ChatEvent.Started;
import io.chatrelay.event.Failure;
import io.chatrelay.event.FinishReason;
import io.chatrelay.event.Outcome;
import io.chatrelay.event.RawJson;
import io.chatrelay.event.Turn;
import io.chatrelay.support.CallEvents;
import io.chatrelay.upstream.Decision;
import io.chatrelay.upstream.DeliveryResult.Acknowledged;
import io.chatrelay.upstream.DeliveryResult.Continued;
import io.chatrelay.upstream.Upstream;
import io.chatrelay.upstream.UpstreamRun;
import io.quarkus.test.junit.QuarkusTest;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.helpers.test.AssertSubscriber;

/** A run is followed further by reading it again: nothing twice, nothing missing, nothing of another run. */
@QuarkusTest
class RunFollowerTest {

    private final Turn turn = ScriptedInkeep.turn();
    private final String replay = replayOf(turn);
    @AutoClose
    private final ScriptedInkeep inkeep = new ScriptedInkeep();

    private List<ChatEvent> follow(List<ChatEvent> stored) {
        return all(inkeep.upstream().resume(turn, Map.of(), stored, false).orElseThrow().answer());
    }

    private static Ended interrupted(List<ChatEvent> events) {
        Ended ended = (Ended) events.getLast();
        assertThat(ended.outcome()).isEqualTo(Outcome.INTERRUPTED);
        return ended;
    }

    @Test
    void whatFollowsWhatIsStoredIsGivenAtEveryCut() {
        inkeep.on(replay, stream(WHOLE, true));
        List<ChatEvent> whole = events(WHOLE);

        for (int stored = 1; stored < whole.size(); stored++) {
            assertThat(follow(whole.subList(0, stored))).isEqualTo(whole.subList(stored, whole.size()));
        }
        assertThat(inkeep.asked(replay).getFirst().headers()).containsEntry("authorization", "Bearer test-key")
                .containsEntry("accept", "text/event-stream").doesNotContainKey("content-type");
    }

    @Test
    void aReadThatClosesOrBreaksOrFailsIsOpenedAgainAndNothingComesTwice() {
        List<ChatEvent> whole = events(WHOLE);
        inkeep.on(replay, status(503), stream(begin(3), true), cut(), stream(begin(9), true), stream(begin(5), true),
                stream(begin(12), true), stream(WHOLE, true));

        assertThat(follow(whole.subList(0, 6))).isEqualTo(whole.subList(6, whole.size()));
        assertThat(inkeep.asked(replay)).hasSize(7);
    }

    @Test
    void thePreviousRunAndNothingAreWaitedOut() {
        List<ChatEvent> whole = events(WHOLE);
        inkeep.on(replay, stream(OTHER, true), status(204), stream("", true), status(404), stream(OTHER, false),
                stream(WHOLE, true));

        assertThat(follow(whole.subList(0, 4))).isEqualTo(whole.subList(4, whole.size()));
    }

    @Test
    void aRunThatDoesNotComeAgainIsInterrupted() {
        inkeep.on(replay, status(204));

        List<ChatEvent> followed = follow(events(begin(4)));

        assertThat(followed).hasSize(1);
        assertThat(interrupted(followed).failure().code()).isEqualTo(Failure.Code.REPLICA_LOST);
        assertThat(inkeep.asked(replay).size()).isBetween(5, 18);
    }

    @Test
    void anotherRunIsNeverGiven() {
        inkeep.on(replay, stream(OTHER, true));

        assertThat(interrupted(all(impatient(events(begin(4)))))).isNotNull();
    }

    @Test
    void aRunThatCameOutOtherwiseIsInterruptedAtOnce() {
        inkeep.on(replay, stream(WHOLE.replace("docs/report.txt", "docs/other.txt"), false));

        List<ChatEvent> followed = follow(events(begin(8)));

        assertThat(followed).hasSize(1);
        assertThat(interrupted(followed).failure().code()).isEqualTo(Failure.Code.UPSTREAM_CUT);
        assertThat(inkeep.asked(replay)).hasSize(1);
    }

    @Test
    void aRunThatEndsBeforeWhatIsStoredIsInterrupted() {
        inkeep.on(replay, stream(begin(4) + DONE, true));

        assertThat(interrupted(follow(events(WHOLE).subList(0, 9)))).isNotNull();
    }

    @Test
    void aReadThatStandsOpenShortOfWhatIsStoredIsOpenedAgainAndThenInterrupted() {
        List<ChatEvent> whole = events(WHOLE);
        List<ChatEvent> stored = whole.subList(0, 9);
        inkeep.on(replay, stream(begin(4), false), stream(WHOLE, true));
        assertThat(all(impatient(stored))).isEqualTo(whole.subList(9, whole.size()));

        inkeep.on(replay, stream(begin(4), false));
        assertThat(interrupted(all(impatient(stored))).failure().code()).isEqualTo(Failure.Code.REPLICA_LOST);
    }

    private Multi<ChatEvent> impatient(List<ChatEvent> stored) {
        return inkeep.upstream("follow-timeout", "900ms").resume(turn, Map.of(), stored, false).orElseThrow().answer();
    }

    @Test
    void itIsReadNoFasterThanItIsWanted() {
        inkeep.on(replay, stream(WHOLE, true));
        List<ChatEvent> whole = events(WHOLE);
        AssertSubscriber<ChatEvent> reader = inkeep.upstream().resume(turn, Map.of(), whole.subList(0, 4), false).orElseThrow()
                .answer().subscribe().withSubscriber(AssertSubscriber.create(2));

        reader.awaitItems(2, SOON);
        assertThat(reader.getItems()).isEqualTo(whole.subList(4, 6));
        reader.request(1).awaitItems(3, SOON);
        reader.request(Long.MAX_VALUE).awaitCompletion(SOON);

        assertThat(reader.getItems()).isEqualTo(whole.subList(4, whole.size()));
    }

    @Test
    void aReaderThatLeavesClosesTheConnection() {
        List<String> closed = new ArrayList<>();
        inkeep.on(replay, request -> {
            request.response().closeHandler(_ -> closed.add("closed"));
            stream(begin(5), false).accept(request);
        });
        AssertSubscriber<ChatEvent> reader = inkeep.upstream().resume(turn, Map.of(), events(begin(2)), false).orElseThrow()
                .answer()
                .subscribe().withSubscriber(AssertSubscriber.create(Long.MAX_VALUE));

        reader.awaitItems(events(begin(5)).size() - events(begin(2)).size(), SOON);
        reader.cancel();

        Awaitility.await().untilAsserted(() -> assertThat(closed).hasSize(1));
    }

    @Test
    void operationsThatOnlyThisServiceAskedForStayHidden() {
        String operation = "data: {\"type\":\"data-operation\",\"data\":{\"type\":\"agent_generate\"}}\n\n";
        String asked = begin(2) + operation + WHOLE.substring(begin(2).length()).replace("data: {\"type\":\"tool-output",
                operation + "data: {\"type\":\"tool-output");
        inkeep.on(replay, stream(asked, true));
        List<ChatEvent> whole = events(WHOLE);

        assertThat(follow(whole.subList(0, 5))).isEqualTo(whole.subList(5, whole.size()));

        // None lies before the cut.
        assertThat(follow(whole.subList(0, 1))).isEqualTo(whole.subList(1, whole.size()));

        List<ChatEvent> wanted = events(asked);
        assertThat(follow(wanted.subList(0, 5))).isEqualTo(wanted.subList(5, wanted.size()));
    }

    @Test
    void whatCannotBeProvenIsNotFollowed() {
        List<ChatEvent> stored = events(begin(4));

        assertThat(inkeep.upstream().resume(turn, Map.of(), List.of(), false)).isEmpty();
        assertThat(inkeep.upstream().resume(turn, Map.of(), List.of(new Started(null)), false)).isEmpty();
        assertThat(inkeep.upstream("approvals", "legacy").resume(turn, Map.of(), stored, false)).isEmpty();
        assertThat(inkeep.upstream("execution-mode", "durable").resume(turn, Map.of(), stored, false)).isEmpty();
        List<ChatEvent> waits = List.of(new Started("wrun"), CallEvents.called("c", "t", RawJson.NULL, 0),
                CallEvents.asked("a", "c"));
        assertThat(inkeep.upstream("execution-mode", "durable").resume(turn, Map.of(), waits, false)).isPresent();
        assertThat(inkeep.upstream("execution-mode", "durable").resume(turn, Map.of(), waits, true)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = { 1, 2, 5, 8, 11 })
    void aRunningRunOfTheEmulatorGoesOnWhereItWasCut(int stored) {
        try (InkeepEmulator emulator = new InkeepEmulator(VERTX).listen(0)) {
            Upstream upstream = inkeep.upstream(emulator.agentsUrl());
            List<ChatEvent> seen = new ArrayList<>(
                    upstream.run(question(turn, "words 12 40")).answer().select().first(stored).collect().asList().await()
                            .atMost(SOON));

            seen.addAll(all(upstream.resume(turn, Map.of(), List.copyOf(seen), false).orElseThrow().answer()));

            assertThat(seen).filteredOn(Started.class::isInstance).hasSize(1);
            assertThat(seen).filteredOn(ChatEvent.TextDelta.class::isInstance).hasSize(12);
            assertThat(seen.getLast()).isEqualTo(Ended.completed(FinishReason.STOP, null));
        }
    }

    @Test
    void aRunThatWaitsIsToldItsDecisionByTheNextProcess() {
        try (InkeepEmulator emulator = new InkeepEmulator(VERTX).listen(0)) {
            List<ChatEvent> seen = new ArrayList<>(untilItAsks(inkeep.upstream(emulator.agentsUrl())));
            AssertSubscriber<ChatEvent> reader = AssertSubscriber.create(Long.MAX_VALUE);
            UpstreamRun run = inkeep.upstream(emulator.agentsUrl()).resume(turn, Map.of(), seen, false).orElseThrow();

            run.answer().subscribe().withSubscriber(reader);
            assertThat(run.deliver(decision(seen), () -> true).await().atMost(SOON)).isEqualTo(new Acknowledged());

            reader.awaitCompletion(SOON);
            assertThat(reader.getItems().getFirst()).isInstanceOf(ChatEvent.ToolSucceeded.class);
            assertThat(reader.getItems().getLast()).isEqualTo(Ended.completed(FinishReason.STOP, null));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = { "parts", "executions" })
    void aDurableRunThatWaitsGoesOnInTheNextProcess(String approvals) {
        try (InkeepEmulator emulator = new InkeepEmulator(VERTX).listen(0)) {
            String[] settings = { "execution-mode", "durable", "approvals", approvals };
            List<ChatEvent> seen = new ArrayList<>(
                    all(inkeep.upstream(emulator.agentsUrl(), settings).run(question(turn, "use tool delete_file")).answer()));
            UpstreamRun run = inkeep.upstream(emulator.agentsUrl(), settings).resume(turn, Map.of(), List.copyOf(seen), false)
                    .orElseThrow();

            assertThat(all(run.answer())).isEmpty();
            List<ChatEvent> rest = all(
                    ((Continued) run.deliver(decision(seen), () -> true).await().atMost(SOON)).rest());

            assertThat(rest.getFirst()).isInstanceOf(ChatEvent.ToolSucceeded.class);
            assertThat(rest).doesNotHaveAnyElementsOfTypes(Started.class);
            assertThat(rest.getLast()).isEqualTo(Ended.completed(FinishReason.STOP, null));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = { "use three in turn", "use three in turn one-id", "use both approvals" })
    void aDurableRunIsToldEachDecisionAlthoughItsStreamStandsOpenWhileItWaits(String text) {
        try (InkeepEmulator emulator = new InkeepEmulator(VERTX).listen(0)) {
            String[] settings = { "execution-mode", "durable", "approvals", "executions" };
            UpstreamRun run = inkeep.upstream(emulator.agentsUrl(), settings).run(question(turn, text));
            List<ChatEvent> seen = new ArrayList<>(all(run.answer()));
            int decided = 0;

            for (List<ApprovalRequested> asked = asked(seen); decided < asked.size(); asked = asked(seen)) {
                ApprovalRequested next = asked.get(decided++);
                ChatEvent.Call call = seen.stream().filter(ChatEvent.ToolCalled.class::isInstance)
                        .map(event -> ((ChatEvent.ToolCalled) event).call()).filter(one -> one.id().equals(next.callId()))
                        .findFirst().orElseThrow();
                Decision yes = new Decision(call.number(), call.upstreamId(), next.upstreamApprovalId(), "delete_file", true,
                        null);
                seen.addAll(all(((Continued) run.deliver(yes, () -> true).await().atMost(SOON)).rest()));
            }

            assertThat(decided).isGreaterThan(1);
            assertThat(seen).filteredOn(ChatEvent.ToolSucceeded.class::isInstance).hasSize(decided);
            assertThat(seen.getLast()).isEqualTo(Ended.completed(FinishReason.STOP, null));
        }
    }

    /** Its reader may take long, and is not asked twice: what it was slow with is no reason to wait for the stream's end. */
    @Test
    void aDurableRunIsTakenToWaitAlsoWhereItsLastEventIsWantedLate() {
        try (InkeepEmulator emulator = new InkeepEmulator(VERTX).listen(0)) {
            String[] settings = { "execution-mode", "durable", "approvals", "executions" };
            UpstreamRun run = inkeep.upstream(emulator.agentsUrl(), settings).run(question(turn, "use three in turn"));
            List<ChatEvent> seen = new ArrayList<>(all(run.answer()));
            AssertSubscriber<ChatEvent> reader = AssertSubscriber.create(0);
            ((Continued) run.deliver(decision(seen), () -> true).await().atMost(SOON)).rest().subscribe()
                    .withSubscriber(reader);

            while (reader.getItems().stream().noneMatch(ApprovalRequested.class::isInstance)) {
                reader.awaitNextItem(SOON);
            }
            CompletableFuture.runAsync(() -> reader.request(1), CompletableFuture.delayedExecutor(1200, TimeUnit.MILLISECONDS));

            reader.awaitCompletion(SOON);
            assertThat(asked(reader.getItems())).hasSize(1);
        }
    }

    private static List<ApprovalRequested> asked(List<ChatEvent> seen) {
        return seen.stream().filter(ApprovalRequested.class::isInstance).map(ApprovalRequested.class::cast).toList();
    }

    @Test
    void aDurableRunThatWaitsForAnotherCallThanWasStoredIsNotDone() {
        try (InkeepEmulator emulator = new InkeepEmulator(VERTX).listen(0)) {
            String[] settings = { "execution-mode", "durable", "approvals", "parts" };
            List<ChatEvent> seen = all(inkeep.upstream(emulator.agentsUrl(), settings).run(question(turn, "use both approvals"))
                    .answer());
            List<ChatEvent> stored = seen.stream().limit(1 + seen.indexOf(
                    seen.stream().filter(ApprovalRequested.class::isInstance).findFirst().orElseThrow())).toList();
            UpstreamRun run = inkeep.upstream(emulator.agentsUrl(), settings).resume(turn, Map.of(), stored, false)
                    .orElseThrow();

            List<ChatEvent> rest = all(
                    ((Continued) run.deliver(decision(stored), () -> true).await().atMost(SOON)).rest());

            assertThat(interrupted(rest).failure().code()).isEqualTo(Failure.Code.APPROVAL_UNAVAILABLE);
        }
    }

    private List<ChatEvent> untilItAsks(Upstream upstream) {
        List<ChatEvent> seen = new ArrayList<>();
        return upstream.run(question(turn, "use tool delete_file")).answer().invoke(seen::add)
                .filter(ApprovalRequested.class::isInstance).toUni().map(_ -> List.copyOf(seen)).await().atMost(SOON);
    }

    private static Decision decision(List<ChatEvent> seen) {
        ApprovalRequested asked = (ApprovalRequested) seen.getLast();
        return new Decision(0, asked.callId(), asked.approvalId(), "delete_file", true, null);
    }
}
