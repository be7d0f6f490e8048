package io.chatrelay.inkeep;

import static io.chatrelay.inkeep.RecordedAnswer.events;
import static io.chatrelay.inkeep.RecordedRun.ASKS;
import static io.chatrelay.inkeep.RecordedRun.CHAT;
import static io.chatrelay.inkeep.RecordedRun.DONE;
import static io.chatrelay.inkeep.RecordedRun.WHOLE;
import static io.chatrelay.inkeep.RecordedRun.begin;
import static io.chatrelay.inkeep.RecordedRun.frames;
import static io.chatrelay.inkeep.RecordedRun.replayOf;
import static io.chatrelay.inkeep.RecordedRun.rest;
import static io.chatrelay.inkeep.ScriptedInkeep.SOON;
import static io.chatrelay.inkeep.ScriptedInkeep.VERTX;
import static io.chatrelay.inkeep.ScriptedInkeep.all;
import static io.chatrelay.inkeep.ScriptedInkeep.json;
import static io.chatrelay.inkeep.ScriptedInkeep.question;
import static io.chatrelay.inkeep.ScriptedInkeep.stream;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Failure;
import io.chatrelay.event.Outcome;
import io.chatrelay.event.Turn;
import io.chatrelay.upstream.Decision;
import io.chatrelay.upstream.DeliveryResult.Acknowledged;
import io.chatrelay.upstream.EarlierRuns;
import io.chatrelay.upstream.UpstreamRequest;
import io.chatrelay.upstream.UpstreamRun;
import io.quarkus.test.junit.QuarkusTest;
import io.smallrye.mutiny.helpers.test.AssertSubscriber;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;

/** A classic run that works for longer than Inkeep tells it goes on where it is told again, or ends and says why. */
@QuarkusTest
class StreamLifetimeTest {

    private static final int LIFETIME_MILLIS = 400;
    private static final int PATIENCE_MILLIS = 500;

    private final Turn turn = ScriptedInkeep.turn();
    private final String replay = replayOf(turn);
    @AutoClose
    private final ScriptedInkeep inkeep = new ScriptedInkeep();

    /** Those frames at once, and so much later these and the end. */
    private static ScriptedInkeep.Answer later(String first, int millis, String then) {
        return request -> {
            stream(first, false).accept(request);
            VERTX.setTimer(millis, _ -> request.response().end(then));
        };
    }

    private AgentsUpstream upstream(String... settings) {
        List<String> all = new ArrayList<>(List.of(settings));
        setUnlessGiven(all, "stream-lifetime", LIFETIME_MILLIS + "ms");
        setUnlessGiven(all, "follow-timeout", PATIENCE_MILLIS + "ms");
        return inkeep.upstream(all.toArray(String[]::new));
    }

    private static void setUnlessGiven(List<String> settings, String name, String value) {
        if (!settings.contains(name)) {
            settings.addAll(List.of(name, value));
        }
    }

    private List<ChatEvent> answer(String... settings) {
        return all(upstream(settings).run(question(turn, "delete it")).answer());
    }

    /** What was told is kept, and the end says what happened and what to do. */
    private static void isMuteAfter(String frames, List<ChatEvent> answer) {
        assertThat(answer.subList(0, answer.size() - 1)).isEqualTo(events(frames));
        isMute(answer.getLast());
    }

    private static void isMute(ChatEvent last) {
        Ended ended = (Ended) last;
        assertThat(ended.outcome()).isEqualTo(Outcome.FAILED);
        assertThat(ended.failure().code()).isEqualTo(Failure.Code.UPSTREAM_CUT);
        assertThat(ended.failure().message()).contains("after 0.4 s").contains("execution-mode=durable");
    }

    @Nested
    class AStreamThatFallsMute {

        @ParameterizedTest
        @ValueSource(ints = { 1, 5, 8, 15 })
        void goesOnWhereItsRunIsTold(int frames) {
            inkeep.on(CHAT, stream(begin(frames), false)).on(replay, stream(WHOLE, true));

            assertThat(answer()).isEqualTo(events(WHOLE));
            assertThat(inkeep.asked(CHAT)).hasSize(1);
            assertThat(inkeep.asked(replay)).hasSize(1);
        }

        @Test
        void goesOnWhereItsRunIsToldThoughItSaidThatTheRunIsOver() {
            inkeep.on(CHAT, later(begin(9), LIFETIME_MILLIS + 100, DONE)).on(replay, stream(WHOLE, true));

            assertThat(answer()).isEqualTo(events(WHOLE));
        }

        @Test
        void endsWhereItsRunIsToldNoMoreThereEither() {
            inkeep.on(CHAT, stream(begin(9), false)).on(replay, stream(begin(9), false));

            isMuteAfter(begin(9), answer());
            assertThat(inkeep.asked(replay)).as("one read tells").hasSize(1);
        }

        @Test
        void isMuteThoughAProxyKeepsItAlive() {
            inkeep.on(CHAT, request -> {
                stream(begin(9), false).accept(request);
                HttpServerResponse response = request.response();
                long pings = VERTX.setPeriodic(PATIENCE_MILLIS / 5, _ -> response.write(": ping\n\n"));
                response.closeHandler(_ -> VERTX.cancelTimer(pings));
            }).on(replay, stream(WHOLE, true));

            assertThat(answer()).isEqualTo(events(WHOLE));
        }

        @ParameterizedTest
        @ValueSource(ints = { 100, PATIENCE_MILLIS + 200 })
        void endsWhenItsRunDoesWhereverThatIsHeard(int beyondItsLifetime) {
            inkeep.on(CHAT, stream(begin(9), false)).on(replay, later(begin(9), beyondItsLifetime, DONE));

            isMuteAfter(begin(9), answer("follow-timeout", "900ms"));
        }

        @Test
        void endsWhenItsRunDoes() {
            inkeep.on(CHAT, later(begin(9), LIFETIME_MILLIS + 2000, DONE)).on(replay, stream(begin(9) + DONE, true));

            isMuteAfter(begin(9), answer("follow-timeout", "1h"));
        }

        @Test
        void endsWhereAnEarlierRunMayBeSpeakingBesideIt() {
            inkeep.on(CHAT, stream(begin(9), false)).on(replay, stream(WHOLE, true));
            UpstreamRequest question = question(turn, "delete it", new EarlierRuns(Set.of(), true, false));

            isMuteAfter(begin(9), all(upstream().run(question).answer()));
            assertThat(inkeep.asked(replay)).isEmpty();
        }

        @Test
        void endsOfAnOldServerWhichGivesNoRunAgain() {
            inkeep.on(CHAT, stream(begin(9), false)).on(replay, stream(WHOLE, true));

            List<ChatEvent> answer = answer("approvals", "legacy");

            isMute(answer.getLast());
            assertThat(inkeep.asked(replay)).isEmpty();
        }

        @Test
        void isTheReplayOfOneWhoseConnectionBrokeBefore() {
            inkeep.on(CHAT, stream(begin(3), true)).on(replay, stream(begin(9), false));

            isMuteAfter(begin(9), answer());
        }

        @Test
        void isTheReplayOfARunWhoseProcessIsGone() {
            Turn old = new Turn(turn.id(), turn.tenant(), turn.caller(), turn.conversation(), turn.conversationId(),
                    turn.ordinal(), turn.upstream(), turn.model(), turn.messageId(),
                    Instant.now().minus(Duration.ofMinutes(11)));
            inkeep.on(replay, stream(begin(9), false));

            List<ChatEvent> followed = all(inkeep.upstream("follow-timeout", PATIENCE_MILLIS + "ms")
                    .resume(old, Map.of(), events(begin(4)), false).orElseThrow().answer());

            assertThat(((Ended) followed.getLast()).failure().message()).contains("after 600 s");
        }

        @Test
        void endsAsInkeepToldItWhereItsRunHasFailed() {
            String error = "data: {\"type\":\"data-operation\",\"data\":{\"type\":\"error\",\"message\":\"no model\"}}\n\n";
            inkeep.on(CHAT, later(begin(9) + error, LIFETIME_MILLIS + 100, DONE));

            assertThat(((Ended) answer().getLast()).failure().message()).contains("no model");
        }
    }

    @Nested
    class AnApprovalThatWaits {

        @Test
        void isDecidedInTheReplay() {
            AtomicReference<HttpServerRequest> read = new AtomicReference<>();
            inkeep.on(CHAT, stream(begin(ASKS), false), json(200, "{\"success\":true,\"results\":[]}")).on(replay, request -> {
                stream(begin(ASKS), false).accept(request);
                read.set(request);
            });
            UpstreamRun run = upstream("follow-timeout", "2s").run(question(turn, "delete it"));
            AssertSubscriber<ChatEvent> reader = run.answer().subscribe()
                    .withSubscriber(AssertSubscriber.create(Long.MAX_VALUE));

            Awaitility.await().until(() -> read.get() != null && run.isProven());
            Decision decision = new Decision(0, "call_fake_43_0", "aitxt-call_fake_43_0", "delete_file", true, null);
            assertThat(run.deliver(decision, () -> true).await().atMost(SOON)).isEqualTo(new Acknowledged());
            read.get().response().end(rest(ASKS));
            reader.awaitCompletion(SOON);

            assertThat(reader.getItems()).isEqualTo(events(WHOLE));
        }

        @Test
        void endsWithItsTurnForItsOutcomeWouldNotBeTold() {
            inkeep.on(CHAT, stream(begin(ASKS), false)).on(replay, stream(begin(ASKS), false));

            isMuteAfter(begin(ASKS), answer());
        }
    }

    @Nested
    class AStreamThatIsOld {

        @Test
        void isHeardToItsEndThatComesAtTheLastMoment() {
            inkeep.on(CHAT, later(begin(9), LIFETIME_MILLIS + 50, rest(9)));

            assertThat(answer("follow-timeout", "5s")).isEqualTo(events(WHOLE));
            assertThat(inkeep.asked(replay)).isEmpty();
        }

        @Test
        void isBoundedNoMoreOnceItsServerIsHeardToTellLonger() {
            int every = 125;
            inkeep.on(CHAT, request -> {
                stream(begin(3), false).accept(request);
                HttpServerResponse response = request.response();
                for (int frame = 3; frame < 19; frame++) {
                    String text = frames(frame, frame + 1);
                    VERTX.setTimer((long) (frame - 2) * every, _ -> response.write(text));
                }
                VERTX.setTimer(16L * every + 2_500, _ -> response.end(rest(19)));
            }).on(replay, stream(begin(3), false));

            assertThat(answer("follow-timeout", "1s")).isEqualTo(events(WHOLE));
            assertThat(inkeep.asked(replay)).isEmpty();
        }

        @Test
        void isNotMuteWhileNobodyReadsIt() {
            inkeep.on(CHAT, later(begin(9), 100, rest(9)));
            AssertSubscriber<ChatEvent> reader = upstream().run(question(turn, "delete it")).answer().subscribe()
                    .withSubscriber(AssertSubscriber.create(2));
            reader.awaitItems(2, SOON);

            Awaitility.await().during(Duration.ofMillis(LIFETIME_MILLIS + 2 * PATIENCE_MILLIS))
                    .until(() -> inkeep.asked(replay).isEmpty());
            reader.request(Long.MAX_VALUE).awaitCompletion(SOON);

            assertThat(reader.getItems()).isEqualTo(events(WHOLE));
        }

        @Test
        void isLeftWithItsReader() {
            AtomicReference<String> closed = new AtomicReference<>();
            inkeep.on(CHAT, stream(begin(9), false)).on(replay, request -> {
                request.response().closeHandler(_ -> closed.set("closed"));
                stream(begin(9), false).accept(request);
            });
            UpstreamRun run = upstream("follow-timeout", "1s").run(question(turn, "delete it"));
            AssertSubscriber<ChatEvent> reader = run.answer().subscribe()
                    .withSubscriber(AssertSubscriber.create(Long.MAX_VALUE));

            Awaitility.await().until(() -> !inkeep.asked(replay).isEmpty());
            reader.cancel();

            Awaitility.await().until(() -> closed.get() != null);
            assertThat(reader.getItems()).isEqualTo(events(begin(9)));
        }

        @ParameterizedTest
        @ValueSource(strings = { "durable", "endless" })
        void isNoneWhereItIsToldWithoutEnd(String kind) {
            inkeep.on(CHAT, later(begin(9), LIFETIME_MILLIS + 3 * PATIENCE_MILLIS, rest(9)));
            String[] settings = kind.equals("durable") ? new String[]{ "execution-mode", "durable", "approvals", "parts" }
                    : new String[]{ "stream-lifetime", "0s" };

            assertThat(answer(settings)).isEqualTo(events(WHOLE));
            assertThat(inkeep.asked(replay)).isEmpty();
        }
    }
}
