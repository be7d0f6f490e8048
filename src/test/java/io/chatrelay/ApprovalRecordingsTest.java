package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.dev.Recording;
import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.inkeep.RecordedInkeep.Asked;
import io.chatrelay.support.inkeep.RecordedInkeep.Play;
import io.quarkus.test.junit.QuarkusTest;

/** Recorded approvals of a current server in classic mode, from the question to the end on both wires, the decision included. */
@QuarkusTest
class ApprovalRecordingsTest extends RecordedTurns {

    private static final String APPROVE_AGAIN = "agents/30-chat-approve-function-tool-3-second-approval-post";
    private static final String DENIED = "agents/31-chat-deny-function-tool-1-stream";
    private static final String DENY = "agents/31-chat-deny-function-tool-2-approval-post";
    private static final String TWO = "agents/80a-chat-two-approvals";
    private static final String BATCH = "agents/80b-batched-approval-post";
    private static final String KEEP = "call_fake_45_0";
    private static final String WEATHER = "call_fake_1_0";
    private static final String OTHER_DELETE = "call_fake_1_1";
    private static final String[] REFUSED = { "proposed", "denied", "sent", "acknowledged", "delivered", "denied" };

    private Watched ask(String path, String recording) {
        return ask(path, "recorded", textOf(recording));
    }

    private static ObjectNode answers(String conversation, JsonNode... parts) {
        ObjectNode body = Json.of("{'messages':[{'role':'assistant','content':null}]}").put("conversationId", conversation);
        ArrayNode all = ((ObjectNode) body.at("/messages/0")).putArray("parts");
        List.of(parts).forEach(all::add);
        return body;
    }

    /** As {@code useChat} sends it. */
    private static ObjectNode part(String tool, String call, boolean approved, String reason) {
        ObjectNode part = Json.of("{'state':'approval-responded'}").put("type", "tool-" + tool).put("toolCallId", call);
        part.putObject("approval").put("id", "aitxt-" + call).put("approved", approved).put("reason", reason);
        return part;
    }

    @Nested
    class Approved {

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void runsTheToolAndIsToldAsRecorded(String path) {
            Play play = inkeep.plays(APPROVED).answers(APPROVE);
            Watched turn = ask(path, APPROVED).untilAsked(1);
            JsonNode proposed = entry(turn.conversation(), DELETE);

            assertDecided(turn.conversation(), DELETE, true, null);

            turn.toEnd().assertTells(play, "decided " + DELETE + " approved");
            assertThat(play.told()).hasSize(1);
            assertAsRecorded(play.told().getFirst(), play, APPROVE);
            assertThat(play.question().path()).isEqualTo("/run/api/chat");
            assertThat(play.question().headers()).doesNotContainKey("x-emit-operations");
            assertThat(proposed.path("state").asText()).isEqualTo("pending");
            assertThat(proposed.path("input").toString()).isEqualTo("{\"path\":\"docs/report.txt\"}");
            JsonNode entry = assertHistory(turn.conversation(), DELETE, EXECUTED);
            assertThat(entry.path("toolName").asText()).isEqualTo("delete_file");
            assertThat(entry.path("approvalId").asText()).isEqualTo("aitxt-" + DELETE);
            assertThat(entry.path("outcome").asText()).isEqualTo("executed");
            assertThat(entry.path("decidedBy").asText()).isEqualTo("dev");
            assertThat(entry.at("/history/2/attempts").asInt()).isEqualTo(1);
            assertThat(turn(turn.ui().turn())).isEqualTo("completed");
        }

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void twiceIsAnsweredByTheLedgerThoughInkeepWouldTakeIt(String path) {
            assertThat(Recording.load(APPROVE_AGAIN).body()).contains("\"success\":true", "\"deferred\":true");
            Play play = inkeep.plays(APPROVED).answers(APPROVE).holdsBefore("tool-output-available");
            Watched turn = ask(path, APPROVED).untilAsked(1);
            assertDecided(turn.conversation(), DELETE, true, null);
            await().until(() -> play.told().size() == 1);

            ObjectNode again = recordedIn(play, APPROVE_AGAIN).put("conversationId", turn.conversation());
            assertThat(relay().post(CHAT, again).body()).isEqualTo(
                    "{\"success\":true,\"results\":[{\"toolCallId\":\"%s\",\"approved\":true,\"alreadyProcessed\":true,\"deferred\":false}]}"
                            .formatted(DELETE));
            assertDecided(turn.conversation(), DELETE, true, null);
            Relay.Answer contrary = decide(turn.conversation(), DELETE, false, "no");
            assertThat(contrary.status()).isEqualTo(409);
            assertThat(contrary.json().at("/approval/state").asText()).isEqualTo("approved");
            play.goesOn();

            turn.toEnd().assertTells(play, "decided " + DELETE + " approved");
            assertThat(decide(turn.conversation(), DELETE, false, "no").status()).isEqualTo(409);
            assertDecided(turn.conversation(), DELETE, true, null);
            assertThat(play.told()).hasSize(1);
            assertHistory(turn.conversation(), DELETE, EXECUTED);
        }

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void runsAToolOfAnMcpServer(String path) {
            Play play = inkeep.plays("agents/32-chat-approve-mcp-tool-1-stream")
                    .answers("agents/32-chat-approve-mcp-tool-2-approval-post");
            Watched turn = ask(path, "agents/32-chat-approve-mcp-tool-1-stream").untilAsked(1);

            ObjectNode answer = recordedIn(play, "agents/32-chat-approve-mcp-tool-2-approval-post");
            Relay.Answer taken = relay().post(CHAT, answer.deepCopy().put("conversationId", turn.conversation()));

            assertThat(taken.body())
                    .isEqualTo(Recording.load("agents/32-chat-approve-mcp-tool-2-approval-post").body());
            turn.toEnd().assertTells(play, "decided call_fake_49_0 approved");
            assertAsRecorded(play.told().getFirst(), play, "agents/32-chat-approve-mcp-tool-2-approval-post");
            assertHistory(turn.conversation(), "call_fake_49_0", EXECUTED);
        }
    }

    @Nested
    class Denied {

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void isToldWithItsReason(String path) {
            Play play = inkeep.plays(DENIED).answers(DENY);
            Watched turn = ask(path, DENIED).untilAsked(1);

            assertDecided(turn.conversation(), KEEP, false, "I do not want that");

            turn.toEnd().assertTells(play, "decided " + KEEP + " denied I do not want that");
            assertThat(turn.ui().answer()).contains("Reason: I do not want that");
            assertThat(play.told()).hasSize(1);
            assertAsRecorded(play.told().getFirst(), play, DENY);
            JsonNode entry = assertHistory(turn.conversation(), KEEP, REFUSED);
            assertThat(entry.path("reason").asText()).isEqualTo("I do not want that");
            assertThat(entry.path("outcome").asText()).isEqualTo("denied");
        }
    }

    /** The recorded decisions, with the names that the recorded stream gives these calls: whoever recorded them had swapped the names. */
    private static List<JsonNode> recordedDecisions(Play play) {
        List<JsonNode> parts = new ArrayList<>();
        recordedIn(play, BATCH).at("/messages/0/parts").forEach(part -> parts.add(((ObjectNode) part).put("type",
                part.path("toolCallId").asText().equals(WEATHER) ? "tool-get_weather" : "tool-delete_file")));
        return parts;
    }

    private void assertBothWereTold(Watched turn, Play play) {
        turn.toEnd().assertTells(play, "decided " + WEATHER + " approved", "decided " + OTHER_DELETE + " denied no");
        List<JsonNode> told = play.told().stream().map(Asked::decisions).flatMap(List::stream).toList();
        assertThat(told).as("each once, as recorded").containsExactlyInAnyOrderElementsOf(recordedDecisions(play));
        assertThat(play.told()).as("a call tells one decision").allSatisfy(call -> assertThat(call.decisions()).hasSize(1));
        assertHistory(turn.conversation(), WEATHER, EXECUTED);
        assertHistory(turn.conversation(), OTHER_DELETE, REFUSED);
    }

    @Nested
    class TwoThatWait {

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void areDecidedInOneRequest(String path) {
            Play play = inkeep.plays(TWO).answers(BATCH, BATCH);
            Watched turn = ask(path, TWO).untilAsked(2);

            Relay.Answer answer = relay().post(CHAT, answers(turn.conversation(), part("get_weather", WEATHER, true, null),
                    part("delete_file", OTHER_DELETE, false, "no")));

            assertThat(answer.body()).isEqualTo(Recording.load(BATCH).body());
            assertBothWereTold(turn, play);
        }

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void areDecidedOneByOne(String path) {
            Play play = inkeep.plays(TWO).answers(BATCH, BATCH);
            Watched turn = ask(path, TWO).untilAsked(2);

            assertDecided(turn.conversation(), WEATHER, true, null);
            await().until(() -> play.told().size() == 1);
            assertThat(Json.each(relay().get(CONVERSATIONS + "/" + turn.conversation() + "/pending-approvals").json()
                    .path("approvals"), "/toolCallId")).containsExactly(OTHER_DELETE);
            assertThat(turn.ui().over()).isFalse();
            assertDecided(turn.conversation(), OTHER_DELETE, false, "no");

            assertBothWereTold(turn, play);
        }

        @Test
        void areAllRefusedIfOneIsUnknown() {
            Play play = inkeep.plays(TWO).answers(BATCH, BATCH);
            Watched turn = ask(CHAT, TWO).untilAsked(2);

            Relay.Answer refused = relay().post(CHAT, answers(turn.conversation(), part("get_weather", WEATHER, true, null),
                    part("delete_file", "call_does_not_exist", true, null)));

            assertError(CHAT, refused, 404, "not_found");
            assertThat(play.told()).isEmpty();
            assertThat(entry(turn.conversation(), WEATHER).path("state").asText()).isEqualTo("pending");
            assertDecided(turn.conversation(), WEATHER, true, null);
            assertDecided(turn.conversation(), OTHER_DELETE, false, "no");
            assertBothWereTold(turn, play);
        }
    }

    @Nested
    class WhatNobodyAsked {

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void isNotFoundAndInkeepIsNotTold(String path) {
            assertThat(Recording.load("agents/37a-approval-unknown-toolcallid").body()).as("the real server takes it")
                    .contains("\"success\":true");
            Play one = inkeep.plays(APPROVED).answers(APPROVE);
            Watched first = ask(path, APPROVED).untilAsked(1);
            Play two = inkeep.plays(DENIED).answers(DENY);
            Watched second = ask(path, DENIED).untilAsked(1);
            ObjectNode unknown = recordedIn(one, "agents/37a-approval-unknown-toolcallid").put("conversationId",
                    first.conversation());
            ObjectNode real = recordedIn(one, APPROVE).put("conversationId", first.conversation());
            int asked = inkeep.asked().size();

            assertError(CHAT, relay().post(CHAT, unknown), 404, "not_found");
            assertThat(decide(first.conversation(), "call_does_not_exist", true, null).status()).isEqualTo(404);
            assertThat(decide(first.conversation(), KEEP, true, null).status()).as("of another conversation").isEqualTo(404);
            assertThat(decide(second.conversation(), DELETE, true, null).status()).isEqualTo(404);
            assertError(CHAT, relay().post(CHAT, real.deepCopy().put("conversationId", second.conversation())), 404,
                    "not_found");
            assertThat(other().post(DECIDE, decision(first.conversation(), DELETE, true, null)).status())
                    .as("of another tenant").isEqualTo(404);
            assertError(CHAT, other().post(CHAT, real), 404, "not_found");
            Relay.Answer nowhere = relay().post(CHAT, Json.read(Recording.load("agents/37b-approval-unknown-conversation")
                    .requestBody().orElseThrow()));
            assertError(CHAT, nowhere, 404, "not_found");
            assertThat(relay().post(DECIDE, decision("no-such-conversation", DELETE, true, null)).status()).isEqualTo(404);
            assertInvalid(CHAT, relay().post(CHAT, Json.read(Recording.load("agents/37c-approval-missing-conversation-id")
                    .requestBody().orElseThrow())), "conversationId");

            assertThat(inkeep.asked()).hasSize(asked);
            assertDecided(first.conversation(), DELETE, true, null);
            assertDecided(second.conversation(), KEEP, false, "I do not want that");
            first.toEnd().assertTells(one, "decided " + DELETE + " approved");
            second.toEnd().assertTells(two, "decided " + KEEP + " denied I do not want that");
            assertThat(inkeep.asked()).hasSize(asked + 2);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = { CHAT, COMPLETIONS })
    void aCurrentServerIsFoundOutByItsPlainTextOnce(String path) {
        Play play = inkeep.plays(DENIED).answers(DENY);
        Watched turn = ask(path, DENIED).untilAsked(1);
        assertDecided(turn.conversation(), KEEP, false, "I do not want that");
        turn.toEnd();

        assertThat(Recording.load("agents/38-tool-approvals-endpoint-head").header("content-type").orElseThrow())
                .startsWith("text/plain");
        assertThat(inkeep.asked().stream().filter(asked -> asked.path().equals("/run/api/tool-approvals"))
                .map(asked -> asked.body().toString())).containsOnly("{}").hasSizeLessThanOrEqualTo(2);
        assertThat(play.question().headers()).doesNotContainKey("x-emit-operations");
        assertAsRecorded(play.told().getFirst(), play, DENY);
    }
}
