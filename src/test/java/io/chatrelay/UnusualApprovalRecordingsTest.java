package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.dev.Recording;
import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.inkeep.RecordedInkeep.Asked;
import io.chatrelay.support.inkeep.RecordedInkeep.Play;
import io.chatrelay.support.inkeep.TestUpstreams;
import io.quarkus.test.junit.QuarkusTest;

/** Recorded approvals that nobody answers in time, of durable runs, and of an old release: on both wires, the decision included. */
@QuarkusTest
class UnusualApprovalRecordingsTest extends RecordedTurns {

    @Nested
    class TooLate {

        private static final String ASKED_AGAIN = "agents/38b-chat-approval-answered-after-290s-1-stream";
        private static final String LATE_APPROVE = "agents/38b-chat-approval-answered-after-290s-2-approval-post";
        private static final String DENIED = "agents/31-chat-deny-function-tool-1-stream";
        private static final String DENY = "agents/31-chat-deny-function-tool-2-approval-post";
        private static final String KEEP = "call_fake_45_0";
        private static final String FIRST = "call_fake_202_0";
        private static final String SECOND = "call_fake_204_0";
        private static final String NOBODY = "Nobody answered in time.";

        /** Where the recording ends the second wait goes on as another one does. */
        private Play askedAgain() {
            return inkeep.plays(ASKED_AGAIN).endsAs("agents/30-chat-approve-function-tool-1-stream", "call_fake_43_0", SECOND);
        }

        private void assertInTime(Play play) {
            assertThat(play.told()).allSatisfy(told -> assertThat(Duration.ofNanos(told.nanos() - play.question().nanos()))
                    .isLessThan(TestUpstreams.LATE_WINDOW.plusMillis(300)));
        }

        private void assertGone(String conversation, String call) {
            for (boolean approved : List.of(true, false)) {
                Relay.Answer gone = decide(conversation, call, approved, null);
                assertThat(gone.status()).as(gone.body()).isEqualTo(410);
                assertThat(gone.json().path("code").asText()).isEqualTo("approval_expired");
                assertThat(gone.json().at("/approval/state").asText()).isEqualTo("expired");
            }
        }

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void isDeniedInTimeAndAYesThatComesThenIsNeverSent(String path) {
            Play play = inkeep.plays(DENIED).answers(DENY).holdsBefore("tool-output-denied");
            Watched turn = ask(path, "late", textOf(DENIED)).untilAsked(1);

            await().until(() -> !play.told().isEmpty());
            assertGone(turn.conversation(), KEEP);
            play.goesOn();
            turn.toEnd();
            assertGone(turn.conversation(), KEEP);

            turn.assertTells(play, "decided " + KEEP + " expired " + NOBODY);
            assertThat(play.told()).hasSize(1);
            ObjectNode expected = recordedIn(play, DENY);
            ((ObjectNode) expected.at("/messages/0/parts/0/approval")).put("reason", NOBODY);
            assertThat(play.told().getFirst().body()).isEqualTo(expected);
            assertInTime(play);
            JsonNode entry = assertHistory(turn.conversation(), KEEP, "proposed", "expired", "sent", "acknowledged",
                    "delivered",
                    "denied");
            assertThat(entry.has("decidedBy")).isFalse();
        }

        /** As Inkeep does after its own 270 s, whatever it is told: the tool runs, and is asked for again. */
        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void andWhatInkeepAsksAgainIsAnotherEntry(String path) {
            Play play = askedAgain().answers(LATE_APPROVE, LATE_APPROVE);
            Watched turn = ask(path, "late", textOf(ASKED_AGAIN)).untilAsked(1).untilAsked(2);

            assertDecided(turn.conversation(), SECOND, true, null);
            assertGone(turn.conversation(), FIRST);

            turn.toEnd().assertTells(play, "decided " + FIRST + " expired " + NOBODY, "decided " + SECOND + " approved");
            assertThat(play.told()).hasSize(2);
            assertThat(play.told().getFirst().decisions()).hasSize(1).allSatisfy(
                    told -> assertThat(told.at("/approval/approved").asBoolean(true)).isFalse());
            assertHistory(turn.conversation(), FIRST, "proposed", "expired", "sent", "acknowledged", "delivered", "executed");
            assertHistory(turn.conversation(), SECOND, EXECUTED);
        }

        /** Approved in time by this service's clock, and too late by Inkeep's. */
        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void andAnApprovalInTimeThatInkeepTakesForLateIsSurvived(String path) {
            Play play = askedAgain().answers(LATE_APPROVE, LATE_APPROVE);
            Watched turn = ask(path, "recorded", textOf(ASKED_AGAIN)).untilAsked(1);

            assertDecided(turn.conversation(), FIRST, true, null);
            turn.untilAsked(2);
            assertThat(relay().get(CONVERSATIONS + "/" + turn.conversation()).json().at("/runningTurn/state").asText())
                    .isEqualTo("awaiting_approval");
            assertDecided(turn.conversation(), FIRST, true, null);
            assertThat(decide(turn.conversation(), FIRST, false, null).status()).isEqualTo(409);
            assertDecided(turn.conversation(), SECOND, true, null);

            turn.toEnd().assertTells(play, "decided " + FIRST + " approved", "decided " + SECOND + " approved");
            assertThat(play.told()).hasSize(2);
            assertAsRecorded(play.told().getFirst(), play, LATE_APPROVE);
            assertHistory(turn.conversation(), FIRST, EXECUTED);
            assertHistory(turn.conversation(), SECOND, EXECUTED);
        }

        /** Approved in time, and nobody is there to approve once more. */
        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void andASecondRequestThatNobodyAnswersIsDenied(String path) {
            Play play = inkeep.plays(ASKED_AGAIN).endsAs(DENIED, KEEP, SECOND).answers(LATE_APPROVE, DENY);
            Watched turn = ask(path, "late", textOf(ASKED_AGAIN)).untilAsked(1);

            assertDecided(turn.conversation(), FIRST, true, null);

            turn.toEnd().assertTells(play, "decided " + FIRST + " approved", "decided " + SECOND + " expired " + NOBODY);
            assertGone(turn.conversation(), SECOND);
            assertThat(play.told()).hasSize(2);
            assertAsRecorded(play.told().getFirst(), play, LATE_APPROVE);
            assertThat(play.told().getLast().calls()).containsExactly(SECOND);
            assertThat(play.told().getLast().decisions().getFirst().at("/approval/approved").asBoolean(true)).isFalse();
            assertHistory(turn.conversation(), FIRST, EXECUTED);
            assertHistory(turn.conversation(), SECOND, "proposed", "expired", "sent", "acknowledged", "delivered", "denied");
        }

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void andAYesWhoseFateIsUnknownIsNotRepeatedBeyondTheWindow(String path) {
            Play play = inkeep.plays(DENIED).breaks();
            Watched turn = ask(path, "late", textOf(DENIED)).untilAsked(1);
            assertDecided(turn.conversation(), KEEP, true, null);

            turn.toEnd();

            assertThat(turn(turn.ui().turn())).isEqualTo("failed approval_unavailable");
            assertThat(play.told()).hasSizeGreaterThan(1).allSatisfy(told -> assertThat(told.body())
                    .isEqualTo(play.told().getFirst().body()));
            int told = play.told().size();
            await().during(Duration.ofSeconds(2)).until(() -> play.told().size() == told);
            assertInTime(play);
            turn.assertNumbered();
            JsonNode entry = assertHistory(turn.conversation(), KEEP, "proposed", "approved", "sent");
            assertThat(entry.at("/history/2/attempts").asInt()).isEqualTo(told);
            assertThat(entry.has("outcome")).isFalse();
        }
    }

    @Nested
    class Durable {

        private static final String ASKS = "agents/71a-chat-durable-approval-stream";
        private static final String GOES_ON = "agents/71c-durable-approve-via-chat";
        private static final String DELETE = "call_fake_143_0";

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void goesOnInTheSameTurnWithTheNextNumber(String path) {
            Play play = inkeep.plays(ASKS).answers(GOES_ON);
            Watched turn = ask(path, "durable", textOf(ASKS)).untilAsked(1);
            await().during(Duration.ofMillis(500)).until(() -> !turn.ui().over() && !turn.openAi().over());
            long last = turn.ui().ids().getLast();
            JsonNode pending = relay().get(CONVERSATIONS + "/" + turn.conversation() + "/pending-approvals").json();

            assertDecided(turn.conversation(), DELETE, true, null);

            List<JsonNode> recorded = new ArrayList<>(play.parts());
            recorded.addAll(Play.parts(Recording.load(GOES_ON).frames().stream().map(Recording.Frame::text).toList()));
            turn.toEnd().assertTells(shown(recorded), "decided " + DELETE + " approved");
            assertThat(turn.ui().done()).isTrue();
            assertThat(turn.openAi().done()).isTrue();
            assertThat(turn.ui().numbered().get((int) last).type()).isEqualTo("data-tool-approval");
            assertThat(turn.ui().numbered().get((int) last).number()).isEqualTo(last + 1);
            assertThat(play.question().body().path("executionMode").asText()).isEqualTo("durable");
            assertThat(play.told()).hasSize(1);
            assertAsRecorded(play.told().getFirst(), play, GOES_ON);
            JsonNode asInkeep = Json.read(Recording.load("agents/71b-durable-pending-approvals").body()).path("approval");
            for (String field : List.of("toolCallId", "toolName", "args", "isDelegated")) {
                assertThat(pending.path("approval").path(field)).as(field).isEqualTo(asInkeep.path(field));
            }
            assertHistory(turn.conversation(), DELETE, EXECUTED);
            assertThat(relay().read(streamOf(turn.conversation()) + "?turn=" + turn.ui().turn()).toEnd().numbered())
                    .isEqualTo(turn.ui().numbered());
            assertThat(relay().read(streamOf(turn.conversation()) + "?turn=" + turn.ui().turn() + "&after=" + last).toEnd()
                    .ids().getFirst()).isEqualTo(last + 1);
        }
    }

    @Nested
    class AnOldRelease {

        private static final String SHOWN = "legacy/34-chat-approve-emit-operations-1-stream";
        private static final String APPROVE = "legacy/34-chat-approve-emit-operations-2-tool-approvals-post";
        private static final String HIDDEN = "legacy/30-chat-approve-mcp-tool-1-stream";
        private static final String WEATHER = "call_fake_167_0";

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void isAskedForItsOperationsAndToldAtItsOwnRoute(String path) {
            Play play = inkeep.plays(SHOWN).answers(APPROVE);
            Watched turn = ask(path, "legacy", textOf(SHOWN)).untilAsked(1);

            Relay.Answer taken = decide(turn.conversation(), WEATHER, true, null);

            assertThat(taken.body()).isEqualTo(Recording.load(APPROVE).body());
            turn.toEnd().assertTells(play, "decided " + WEATHER + " approved");
            assertThat(play.question().path()).isEqualTo("/api/chat");
            assertThat(play.question().headers()).containsEntry("x-emit-operations", "true");
            assertThat(play.told()).hasSize(1);
            assertAsRecorded(play.told().getFirst(), play, APPROVE);
            assertThat(turn.ui().text()).as("what only this service asked for").doesNotContain("tool_call\"", "agent_generate");
            JsonNode entry = assertHistory(turn.conversation(), WEATHER, EXECUTED);
            assertThat(entry.path("toolName").asText()).isEqualTo("get_weather");
            assertThat(entry.path("input").toString()).isEqualTo("{\"city\":\"Paris\"}");
            assertThat(inkeep.asked().stream().filter(asked -> asked.path().equals("/api/tool-approvals"))
                    .filter(asked -> asked.body().isEmpty())).as("found out once").hasSize(1);
        }

        /** What such a server tells who does not ask for its operations: nothing, until somebody has decided elsewhere. */
        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void thatShowsNoCallsHasNoApprovals(String path) {
            Play play = inkeep.plays(HIDDEN).holdsBefore("text-start");
            Watched turn = ask(path, "legacy", textOf(HIDDEN));

            assertThat(decide(turn.conversation(), "call_fake_159_0", true, null).status()).isEqualTo(404);
            assertThat(relay().get(INBOX + "?conversationId=" + turn.conversation()).json().path("data")).isEmpty();
            assertThat(relay().get(CONVERSATIONS + "/" + turn.conversation() + "/pending-approvals").body())
                    .isEqualTo("{\"hasPending\":false}");
            play.goesOn();

            turn.toEnd().assertTells(play);
            assertThat(turn.ui().answer()).contains("Tool said:");
            assertThat(play.told()).isEmpty();
        }

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void thatRefusesADecisionEndsTheTurn(String path) {
            Play play = inkeep.plays(SHOWN).answers("legacy/37a-tool-approvals-unknown-toolcallid");
            Watched turn = ask(path, "legacy", textOf(SHOWN)).untilAsked(1);

            assertDecided(turn.conversation(), WEATHER, true, null);

            turn.toEnd();
            assertThat(turn(turn.ui().turn())).isEqualTo("failed approval_unavailable");
            assertThat(turn.ui().error()).isEqualTo(turn.openAi().error()).contains("could not be given to the upstream");
            assertThat(turn.ui().last().type()).isEqualTo("error");
            turn.assertNumbered();
            assertThat(play.told()).hasSize(1);
            assertHistory(turn.conversation(), WEATHER, "proposed", "approved", "sent");
            assertDecided(turn.conversation(), WEATHER, true, null);
            Play next = inkeep.plays("legacy/01-chat-plain-stream");
            assertThat(relay().send(path, Json.ask(turn.conversation(), "hello").put("model", "legacy").put("stream", true))
                    .toEnd().done()).as("the conversation is free").isTrue();
            assertThat(next.question().conversation()).isEqualTo(play.question().conversation());
        }

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void deniesAsAskedFor(String path) {
            Play play = inkeep.plays(SHOWN).answers(APPROVE).holdsBefore("tool_result");
            Watched turn = ask(path, "legacy", textOf(SHOWN)).untilAsked(1);

            assertDecided(turn.conversation(), WEATHER, false, "it rains");
            await().until(() -> !play.told().isEmpty());

            Asked told = play.told().getFirst();
            assertThat(told.body()).isEqualTo(recordedIn(play, APPROVE).put("approved", false).put("reason", "it rains"));
            play.goesOn();
            turn.toEnd();
        }
    }
}
