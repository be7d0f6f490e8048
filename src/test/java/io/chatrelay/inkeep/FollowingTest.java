package io.chatrelay.inkeep;

import static io.chatrelay.inkeep.RecordedAnswer.events;
import static io.chatrelay.inkeep.RecordedRun.APPROVED;
import static io.chatrelay.inkeep.RecordedRun.CHAT;
import static io.chatrelay.inkeep.RecordedRun.OTHER;
import static io.chatrelay.inkeep.RecordedRun.WHOLE;
import static io.chatrelay.inkeep.RecordedRun.begin;
import static io.chatrelay.inkeep.RecordedRun.replayOf;
import static io.chatrelay.inkeep.ScriptedInkeep.VERTX;
import static io.chatrelay.inkeep.ScriptedInkeep.all;
import static io.chatrelay.inkeep.ScriptedInkeep.cut;
import static io.chatrelay.inkeep.ScriptedInkeep.json;
import static io.chatrelay.inkeep.ScriptedInkeep.question;
import static io.chatrelay.inkeep.ScriptedInkeep.status;
import static io.chatrelay.inkeep.ScriptedInkeep.stream;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.chatrelay.dev.InkeepEmulator;
import io.chatrelay.dev.Recording;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.ChatEvent.Started;
import io.chatrelay.event.ChatEvent.TextDelta;
import io.chatrelay.event.Failure;
import io.chatrelay.event.FinishReason;
import io.chatrelay.event.Outcome;
import io.chatrelay.event.Turn;
import io.chatrelay.support.inkeep.Emulator;
import io.chatrelay.upstream.Decision;
import io.chatrelay.upstream.EarlierRuns;
import io.chatrelay.upstream.Upstream;
import io.chatrelay.upstream.UpstreamRequest;
import io.chatrelay.upstream.UpstreamRun;
import io.quarkus.test.junit.QuarkusTest;
import io.smallrye.mutiny.helpers.test.AssertSubscriber;
import io.vertx.core.http.HttpServerRequest;

/**
 * A question whose answer was lost, whole or from some place on, is neither answered twice nor given up: its run is followed. One file,
 * for all of it is one recorded run, lost at different places.
 */
@QuarkusTest
class FollowingTest {

    private static final ScriptedInkeep.Answer KNOWN_MESSAGE = json(409,
            Recording.load("agents/11b-chat-duplicate-message-id-409").body());

    private final Turn turn = ScriptedInkeep.turn();
    private final String replay = replayOf(turn);
    @AutoClose
    private final ScriptedInkeep inkeep = new ScriptedInkeep();

    private static String runOf(String body) {
        return ((Started) events(body).getFirst()).upstreamMessageId();
    }

    /** Those frames, and then the connection breaks. */
    private static ScriptedInkeep.Answer cutAfter(int frames) {
        return cutAfter(begin(frames));
    }

    private static ScriptedInkeep.Answer cutAfter(String frames) {
        return request -> {
            stream(frames, false).accept(request);
            VERTX.setTimer(20, _ -> request.connection().close());
        };
    }

    private UpstreamRequest asked(EarlierRuns earlier) {
        return question(turn, "delete it", earlier);
    }

    private UpstreamRequest asked() {
        return asked(new EarlierRuns(Set.of(runOf(OTHER)), false, false));
    }

    private AgentsUpstream upstream(String... settings) {
        List<String> all = new ArrayList<>(List.of(settings));
        all.addAll(List.of("retry-backoff", "5ms"));
        if (!all.contains("follow-timeout")) {
            all.addAll(List.of("follow-timeout", "250ms"));
        }
        return inkeep.upstream(all.toArray(String[]::new));
    }

    private List<ChatEvent> answer(String... settings) {
        return all(upstream(settings).run(asked()).answer());
    }

    private static Ended failed(ChatEvent event, Failure.Code code) {
        Ended ended = (Ended) event;
        assertThat(ended.outcome()).as(ended.toString()).isEqualTo(Outcome.FAILED);
        assertThat(ended.failure().code()).isEqualTo(code);
        return ended;
    }

    private static Ended interrupted(ChatEvent event) {
        Ended ended = (Ended) event;
        assertThat(ended.outcome()).as(ended.toString()).isEqualTo(Outcome.INTERRUPTED);
        return ended;
    }

    @Nested
    class AnAnswerThatBroke {

        @Test
        void goesOnWhereItWasFromEveryPlace() {
            inkeep.on(replay, stream(WHOLE, true));

            int cuts = 0;
            for (int frames = 1; frames < APPROVED.frames().size(); frames += 3) {
                cuts++;
                inkeep.on(CHAT, frames % 2 == 0 ? cutAfter(frames) : stream(begin(frames), true));

                assertThat(answer()).as("cut after frame " + frames).isEqualTo(events(WHOLE));
            }
            assertThat(inkeep.asked(CHAT)).as("no message is sent twice").hasSize(cuts);
            assertThat(inkeep.asked(replay)).hasSizeGreaterThanOrEqualTo(cuts);
        }

        @Test
        void goesOnWhenTheReplayBreaksToo() {
            inkeep.on(CHAT, cutAfter(4)).on(replay, status(503), status(204), stream(begin(2), true), cut(),
                    stream(begin(9), true),
                    stream(WHOLE, true));

            assertThat(answer("follow-timeout", "9s")).isEqualTo(events(WHOLE));
            assertThat(inkeep.asked(CHAT)).hasSize(1);
        }

        @Test
        void isFollowedWhileItsRunIsSilentHoweverOftenTheReadCloses() {
            ScriptedInkeep.Answer silent = request -> {
                stream(begin(5), false).accept(request);
                VERTX.setTimer(700, _ -> request.response().end());
            };
            inkeep.on(CHAT, cutAfter(5)).on(replay, silent, silent, stream(WHOLE, true));

            assertThat(answer()).as("reads that stood open say nothing about the run").isEqualTo(events(WHOLE));
            assertThat(inkeep.asked(replay)).hasSize(3);
        }

        @Test
        void endsAsCutWhereNothingMoreComes() {
            inkeep.on(CHAT, cutAfter(6)).on(replay, stream(begin(6), true));
            List<ChatEvent> known = events(begin(6));

            List<ChatEvent> answer = answer();

            assertThat(answer.subList(0, answer.size() - 1)).isEqualTo(known);
            failed(answer.getLast(), Failure.Code.UPSTREAM_CUT);
            assertThat(inkeep.asked(replay)).hasSizeBetween(2, 4);
        }

        @ParameterizedTest
        @ValueSource(booleans = { true, false })
        void endsAsInkeepToldItWhereItsRunHasFailed(boolean properly) {
            String failed = begin(6) + "data: {\"type\":\"error\",\"message\":\"the model is gone\"}\n\n";
            inkeep.on(CHAT, properly ? stream(failed, true) : cutAfter(failed));

            List<ChatEvent> answer = answer();

            assertThat(failed(answer.getLast(), Failure.Code.UPSTREAM_ERROR).failure().message()).contains("the model is gone");
            assertThat(inkeep.asked(replay)).as("there is nothing to look for").isEmpty();
        }

        @Test
        void isUnprovenUntilAllThatIsKnownCameAgain() {
            AtomicReference<HttpServerRequest> read = new AtomicReference<>();
            inkeep.on(CHAT, cutAfter(7)).on(replay, read::set);
            UpstreamRun run = upstream("follow-timeout", "9s").run(asked());
            AssertSubscriber<ChatEvent> reader = run.answer().subscribe().withSubscriber(
                    AssertSubscriber.create(Long.MAX_VALUE));

            Awaitility.await().until(() -> read.get() != null);
            assertThat(run.isProven()).as("a decision may have its outcome in what is not read yet").isFalse();
            stream(WHOLE, true).accept(read.get());
            reader.awaitCompletion(ScriptedInkeep.SOON);

            assertThat(run.isProven()).isTrue();
            assertThat(reader.getItems()).isEqualTo(events(WHOLE));
        }

        @Test
        void isNotGoneOnWithWhereAnotherRunBeginsInTheRead() {
            inkeep.on(CHAT, cutAfter(6)).on(replay, stream(begin(6) + OTHER, true));

            List<ChatEvent> answer = answer();

            assertThat(answer).hasSize(events(begin(6)).size() + 1);
            failed(answer.getLast(), Failure.Code.UPSTREAM_CUT);
        }

        @ParameterizedTest
        @ValueSource(strings = { "other", "none", "no such route" })
        void endsAsCutWhereItsRunIsNotGivenAgain(String given) {
            inkeep.on(CHAT, cutAfter(6));
            switch (given) {
                case "other" -> inkeep.on(replay, stream(OTHER, true));
                case "none" -> inkeep.on(replay, status(204));
                default -> {
                    // It answers as a server that does not know the route.
                }
            }

            List<ChatEvent> answer = answer();

            assertThat(answer).hasSize(events(begin(6)).size() + 1);
            failed(answer.getLast(), Failure.Code.UPSTREAM_CUT);
        }

        @Test
        void endsAsCutWhereWhatComesAgainIsNotTheSame() {
            inkeep.on(CHAT, cutAfter(6)).on(replay, stream(WHOLE.replace("docs/re", "docs/xy"), true));

            assertThat(failed(answer().getLast(), Failure.Code.UPSTREAM_CUT).failure().message())
                    .contains("something else than before");
            assertThat(inkeep.asked(replay)).hasSize(1);
        }

        @Test
        void isNotReadAgainWhereAnEarlierRunMayBeSpeaking() {
            inkeep.on(CHAT, cutAfter(6)).on(replay, stream(WHOLE, true));

            List<ChatEvent> answer = all(upstream().run(asked(new EarlierRuns(Set.of(), true, false))).answer());

            failed(answer.getLast(), Failure.Code.UPSTREAM_CUT);
            assertThat(inkeep.asked(replay)).isEmpty();
        }

        @Test
        void isReadNoFasterThanItIsWanted() {
            inkeep.on(CHAT, cutAfter(3)).on(replay, stream(WHOLE, true));
            List<ChatEvent> whole = events(WHOLE);
            AssertSubscriber<ChatEvent> reader = upstream().run(asked()).answer().subscribe()
                    .withSubscriber(AssertSubscriber.create(2));

            reader.awaitItems(2, ScriptedInkeep.SOON).request(4).awaitItems(6, ScriptedInkeep.SOON);
            assertThat(reader.getItems()).isEqualTo(whole.subList(0, 6));
            reader.request(Long.MAX_VALUE).awaitCompletion(ScriptedInkeep.SOON);

            assertThat(reader.getItems()).isEqualTo(whole);
        }

        @ParameterizedTest
        @ValueSource(strings = { "legacy", "durable" })
        void endsAtOnceOfAServerWhoseClassicRunsItIsNot(String kind) {
            inkeep.on(CHAT, cutAfter(6)).on(replay, stream(WHOLE, true));
            String[] settings = kind.equals("legacy") ? new String[]{ "approvals", "legacy" }
                    : new String[]{ "execution-mode", "durable", "approvals", "parts" };

            List<ChatEvent> answer = all(upstream(settings).run(asked()).answer());

            if (kind.equals("legacy")) {
                failed(answer.getLast(), Failure.Code.UPSTREAM_CUT);
            }
            assertThat(inkeep.asked(replay)).isEmpty();
        }
    }

    @Nested
    class AnAnswerThatNeverCame {

        @Test
        void isAskedForAgainUnderTheSameId() {
            inkeep.on(CHAT, cut(), cut(), stream(WHOLE, true));

            assertThat(answer()).isEqualTo(events(WHOLE));
            assertThat(inkeep.asked(CHAT)).extracting(ScriptedInkeep.Asked::body).hasSize(3).containsOnly(
                    inkeep.asked(CHAT).getFirst().body());
            assertThat(inkeep.asked(replay)).isEmpty();
        }

        @Test
        void isReadFromItsStartWhereItsMessageHadBeenAccepted() {
            inkeep.on(CHAT, cut(), KNOWN_MESSAGE).on(replay, stream(OTHER, true), status(204), stream("", true),
                    stream(WHOLE, true));

            assertThat(answer("follow-timeout", "9s")).as("the previous run and nothing are waited out")
                    .isEqualTo(events(WHOLE));
            assertThat(inkeep.asked(CHAT)).hasSize(2);
        }

        @Test
        void isNotTakenFromAnotherTurnsRun() {
            inkeep.on(CHAT, cut(), KNOWN_MESSAGE).on(replay, stream(OTHER, true));

            List<ChatEvent> answer = answer();

            assertThat(answer).hasSize(1);
            failed(answer.getFirst(), Failure.Code.UPSTREAM_UNAVAILABLE);
        }

        @ParameterizedTest
        @ValueSource(booleans = { true, false })
        void isNotLookedForWhereItCouldBeAnothers(boolean speaking) {
            inkeep.on(CHAT, cut(), KNOWN_MESSAGE).on(replay, stream(WHOLE, true));

            List<ChatEvent> answer = all(upstream().run(asked(new EarlierRuns(Set.of(), speaking, !speaking))).answer());

            assertThat(answer).hasSize(1);
            failed(answer.getFirst(), Failure.Code.UPSTREAM_UNAVAILABLE);
            assertThat(inkeep.asked(replay)).isEmpty();
        }

        @Test
        void isNotExplainedByWhatALaterTryWasTold() {
            inkeep.on(CHAT, cut(), json(400, "{\"error\":\"no\"}"));

            List<ChatEvent> answer = answer();

            assertThat(answer).hasSize(1);
            assertThat(failed(answer.getFirst(), Failure.Code.UPSTREAM_UNAVAILABLE).failure().message())
                    .contains("without an answer");
        }

        @ParameterizedTest
        @ValueSource(ints = { 502, 503, 504 })
        void isFollowedWhereAProxyLostItAndItsMessageHadBeenAccepted(int proxy) {
            inkeep.on(CHAT, status(proxy), KNOWN_MESSAGE).on(replay, stream(WHOLE, true));

            assertThat(answer()).isEqualTo(events(WHOLE));
            assertThat(inkeep.asked(CHAT)).hasSize(2);
        }

        @ParameterizedTest
        @ValueSource(ints = { 400, 401, 429 })
        void mayBeARunThoughALaterTryIsRefused(int refusal) {
            inkeep.on(CHAT, status(504), request -> request.response().setStatusCode(refusal).putHeader("retry-after", "3600")
                    .end());

            List<ChatEvent> answer = answer();

            assertThat(answer).hasSize(1);
            failed(answer.getFirst(), Failure.Code.UPSTREAM_UNAVAILABLE);
            assertThat(inkeep.asked(CHAT)).hasSize(2);
        }

        @Test
        void isNoRunWhereTheFirstTryIsAConflict() {
            inkeep.on(CHAT, KNOWN_MESSAGE).on(replay, stream(WHOLE, true));

            failed(answer().getFirst(), Failure.Code.UPSTREAM_UNAVAILABLE);
            assertThat(inkeep.asked(replay)).isEmpty();
        }

        @Test
        void isAskedForOnceOfAServerThatKnowsNoMessages() {
            inkeep.on(CHAT, cut());

            failed(all(upstream("approvals", "legacy").run(asked()).answer()).getFirst(), Failure.Code.UPSTREAM_UNAVAILABLE);
            assertThat(inkeep.asked(CHAT)).hasSize(1);
        }
    }

    @Nested
    class AProcessThatDiedBeforeTheFirstEvent {

        private List<ChatEvent> again(String... settings) {
            return all(upstream(settings).again(asked()).orElseThrow().answer());
        }

        @Test
        void leftARunThatIsFollowedFromItsStart() {
            inkeep.on(CHAT, KNOWN_MESSAGE).on(replay, stream(OTHER, true), stream(WHOLE, true));

            assertThat(again("follow-timeout", "9s")).isEqualTo(events(WHOLE));
        }

        @Test
        void leftAMessageThatWasNotAcceptedYet() {
            inkeep.on(CHAT, status(503), stream(WHOLE, true));

            assertThat(again()).isEqualTo(events(WHOLE));
            assertThat(inkeep.asked(replay)).isEmpty();
        }

        @Test
        void leavesAnAnswerThatIsFollowedHereLikeAnyOther() {
            inkeep.on(CHAT, cutAfter(6)).on(replay, stream(begin(6), true));

            failed(again().getLast(), Failure.Code.UPSTREAM_CUT);
        }

        @Test
        void leftAMessageWhoseAnswerHereCannotBeRead() {
            inkeep.on(CHAT, stream("data: no json\n\n", true));

            failed(again().getFirst(), Failure.Code.UPSTREAM_PROTOCOL);
        }

        @Test
        void isInterruptedWhereItsMessageIsRefusedOrItsRunIsNotGiven() {
            inkeep.on(CHAT, json(400, "{\"error\":\"no\"}"), KNOWN_MESSAGE).on(replay, status(204));

            assertThat(again()).hasSize(1).allSatisfy(event -> interrupted(event));
            assertThat(again()).hasSize(1).allSatisfy(event -> interrupted(event));
        }

        @Test
        void isInterruptedWhereItsMessageWouldBeAnsweredTwice() {
            // What it is cannot be found out, so it may be a server that knows no messages.
            inkeep.on("POST /run/api/tool-approvals", status(500));

            assertThat(again()).hasSize(1).allSatisfy(event -> interrupted(event));
            assertThat(upstream("approvals", "legacy").again(asked())).isEmpty();
            assertThat(upstream("execution-mode", "durable").again(asked())).isEmpty();
            assertThat(inkeep.asked(CHAT)).isEmpty();
        }
    }

    @Test
    void theHeadersOfAQuestionAreThoseOfItsDecisionsInTheNextProcessToo() {
        inkeep.on(replay, stream(begin(7), false)).on(CHAT, json(200, "{\"success\":true,\"results\":[]}"));
        List<ChatEvent> known = events(begin(7));
        ChatEvent.ApprovalRequested request = (ChatEvent.ApprovalRequested) known.stream()
                .filter(ChatEvent.ApprovalRequested.class::isInstance).findFirst().orElseThrow();
        UpstreamRun run = upstream().resume(turn, Map.of("traceparent", "00-1", "x-not-listed", "no"), known, false)
                .orElseThrow();
        AssertSubscriber<ChatEvent> reader = run.answer().subscribe().withSubscriber(AssertSubscriber.create(1));
        Awaitility.await().until(run::isProven);

        run.deliver(new Decision(0, request.callId(), request.approvalId(), "delete_file", true, null), () -> true)
                .await().atMost(ScriptedInkeep.SOON);
        reader.cancel();

        assertThat(inkeep.asked(CHAT).getLast().headers()).containsEntry("traceparent", "00-1")
                .doesNotContainKey("x-not-listed");
    }

    @Nested
    class OverTheEmulator {

        private InkeepEmulator emulator;

        @BeforeEach
        void start() {
            emulator = new InkeepEmulator(VERTX).listen(0);
        }

        @AfterEach
        void stop() {
            emulator.close();
        }

        private Upstream upstream() {
            return inkeep.upstream(emulator.agentsUrl(), "follow-timeout", "1s");
        }

        private static String text(List<ChatEvent> events) {
            return events.stream().filter(TextDelta.class::isInstance).map(event -> ((TextDelta) event).text())
                    .collect(Collectors.joining());
        }

        @ParameterizedTest
        @ValueSource(ints = { 0, 1, 3, 12 })
        void aCutConnectionGoesUnnoticed(int words) {
            List<ChatEvent> answer = all(upstream().run(question(turn, "cut " + words)).answer());

            assertThat(text(answer)).isEqualTo(
                    IntStream.range(0, words + 3).mapToObj(word -> "word" + word).collect(Collectors.joining(" ")));
            assertThat(answer.getLast()).isEqualTo(Ended.completed(FinishReason.STOP, null));
        }

        @Test
        void aLostAnswerIsFollowedThoughThePreviousOneIsStillGiven() {
            Upstream upstream = upstream();
            List<ChatEvent> previous = all(upstream.run(question(turn, "echo one two")).answer());
            EarlierRuns earlier = new EarlierRuns(Set.of(((Started) previous.getFirst()).upstreamMessageId()), false, false);

            List<ChatEvent> answer = all(upstream.run(question(turn, "lost", earlier)).answer());

            assertThat(text(answer)).isEqualTo("Hello from the fake model. I saw 2 user message(s); the last was \"lost\".");
            assertThat(answer.getLast()).isEqualTo(Ended.completed(FinishReason.STOP, null));
        }

        @Test
        void whatTheNextProcessSendsAgainIsAnsweredOnce() {
            Upstream upstream = inkeep.upstream(emulator.agentsUrl(), "follow-timeout", "18s");
            // Long enough that a slow machine cancels the first answer before it begins.
            UpstreamRequest late = question(turn, "late 9000");
            AssertSubscriber<ChatEvent> dead = upstream.run(late).answer().subscribe()
                    .withSubscriber(AssertSubscriber.create(1));
            dead.awaitSubscription();
            Emulator log = new Emulator(URI.create("http://localhost:" + emulator.port()));
            Awaitility.await().until(() -> !log.asked("late 9000").isEmpty());
            dead.cancel();

            List<ChatEvent> answer = all(upstream.again(late).orElseThrow().answer());

            assertThat(dead.getItems()).isEmpty();
            assertThat(text(answer))
                    .isEqualTo("Hello from the fake model. I saw 1 user message(s); the last was \"late 9000\".");
            assertThat(answer.getLast()).isEqualTo(Ended.completed(FinishReason.STOP, null));
        }

        @Test
        void aRunThatIsStillSpeakingBesideItIsNoticed() {
            upstream().run(question(turn, "words 300 15")).answer().select().first(4).collect().asList().await()
                    .atMost(ScriptedInkeep.SOON);
            List<ChatEvent> known = upstream().run(question(turn, "words 60 15")).answer().select().first(25).collect().asList()
                    .await().atMost(ScriptedInkeep.SOON);

            List<ChatEvent> followed = all(upstream().resume(turn, Map.of(), known, false).orElseThrow().answer());

            assertThat(followed).as("both write into what is read again").hasSize(1);
            interrupted(followed.getFirst());
        }

        @ParameterizedTest
        @ValueSource(strings = { "eof 3", "truncated" })
        void aRunThatIsOverWithoutAnEndIsACut(String keyword) {
            List<ChatEvent> answer = all(upstream().run(question(turn, keyword)).answer());

            assertThat(text(answer)).isEqualTo(keyword.equals("truncated") ? "Half an" : "word0 word1 word2");
            failed(answer.getLast(), Failure.Code.UPSTREAM_CUT);
        }
    }
}
