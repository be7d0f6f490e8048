package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.quarkus.test.junit.QuarkusTest;

/** What a client that adds no field to a body says in a header. */
@QuarkusTest
class RequestHeadersTest extends ServiceTest {

    private static final String NAME = "x-conversation-id";

    private final String id = newId();

    private static ObjectNode ask(String text) {
        return Json.ask(text).put("stream", true);
    }

    @Nested
    class TheConversation {

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void isNamedWhereTheBodyNamesNone(String path) {
            Sse first = relay().with(NAME, id).send(path, ask("echo one")).toEnd();
            relay().with(NAME, id).send(path, ask("echo two").put("conversationId", id)).toEnd();

            assertThat(first.conversation()).isEqualTo(id);
            assertThat(messages(id)).extracting(Json::text).containsExactly("echo one", "one", "echo two", "two");
        }

        @Test
        void isNotNamedTwiceDifferently() {
            for (String path : new String[]{ CHAT, COMPLETIONS }) {
                assertInvalid(path, relay().with(NAME, id).post(path, ask("echo hi").put("conversationId", newId())), NAME);
                assertInvalid(path, relay().with(NAME, "a/b").post(path, ask("echo hi")), NAME);
                assertInvalid(path, relay().with(NAME, "").post(path, ask("echo hi")), NAME);
            }
            assertInvalid(CHAT, relay().with(NAME, id).post(CHAT, ask("echo hi").put("id", newId())), NAME);
        }

        @Test
        void isThatOfAnApprovalsAnswerToo() {
            relay().with(NAME, id).send(CHAT, ask("use tool delete_file").put("trigger", "submit-message")).toEnd();
            String call = relay().get("/run/v1/tool-approvals?conversationId=" + id).json().at("/data/0/toolCallId").asText();
            ObjectNode decision = Json.of("{'toolCallId':'%s','approved':true}".formatted(call));

            assertThat(relay().post("/run/api/tool-approvals", decision).status()).isEqualTo(400);
            assertThat(relay().with(NAME, id).post("/run/api/tool-approvals", decision.deepCopy().put("conversationId", "x"))
                    .json()
                    .path("field").asText()).isEqualTo(NAME);
            assertThat(relay().with(NAME, id).post("/run/api/tool-approvals", decision).status()).isEqualTo(200);
            Relay.Answer again = relay().with(NAME, id).post(CHAT,
                    Json.of("{'messages':[{'role':'assistant','parts':[{'type':'tool-delete_file','toolCallId':'%s',"
                            .formatted(call)
                            + "'state':'approval-responded','approval':{'id':'a','approved':true}}]}]}"));
            assertThat(again.json().at("/results/0/alreadyProcessed").asBoolean()).as(again.body()).isTrue();
        }
    }

    @Nested
    class WhatLeavingAndWritingOnMean {

        private Sse talking(Relay relay, String text) {
            return relay.send(CHAT, ask(text).put("conversationId", id)).untilText();
        }

        @ParameterizedTest
        @CsvSource({ "cancel, , cancelled", "detach, , completed", "cancel, detach, completed", "detach, cancel, cancelled" })
        void isSaidInAHeaderUnlessTheBodySaysIt(String header, String body, String state) {
            ObjectNode request = ask((state.equals("cancelled") ? "slow 250 " : "slow 20 ") + mark());
            if (body != null) {
                request.put("onDisconnect", body);
            }
            Sse left = relay().with("x-on-disconnect", header).send(CHAT, request).untilText();

            left.close();

            await().until(() -> turn(left.turn()).equals(state));
        }

        @Test
        void makesRoomForTheNextMessage() {
            Sse first = talking(relay(), "slow 250");

            Relay.Answer refused = relay().with("x-on-running", "cancel").post(CHAT,
                    ask("echo next").put("conversationId", id).put("onRunning", "refuse"));
            Sse second = relay().with("x-on-running", "cancel").send(CHAT, ask("echo next").put("conversationId", id)).toEnd();

            assertError(CHAT, refused, 409, "turn_running");
            assertThat(second.answer()).isEqualTo("next");
            assertThat(turn(first.turn())).isEqualTo("cancelled");
        }

        @Test
        void countsForTheAnswerToAnApprovalAlike() {
            Sse paused = relay().send(CHAT, ask("use tool delete_file").put("trigger", "submit-message")
                    .put("conversationId", id)).toEnd();
            assertThat(paused.last().data()).isEqualTo("[DONE]");
            String call = relay().get("/run/v1/tool-approvals?conversationId=" + id).json().at("/data/0/toolCallId").asText();

            assertInvalid(CHAT, relay().with("x-on-disconnect", "stop").post(CHAT,
                    Json.of("{'id':'%s','messages':[{'role':'assistant','parts':[{'type':'tool-x','toolCallId':'%s',".formatted(
                            id,
                            call) + "'state':'approval-responded','approval':{'id':'a','approved':true}}]}]}")),
                    "x-on-disconnect");
        }

        @ParameterizedTest
        @CsvSource({ "x-on-disconnect, stop, detach", "x-on-running, wait, refuse", "x-on-running, '', refuse" })
        void isRefusedByTheHeadersNameWhereItIsNoWordForIt(String header, String value, String other) {
            for (String path : new String[]{ CHAT, COMPLETIONS }) {
                Relay.Answer refused = relay().with(header, value).post(path, ask("echo hi"));

                assertInvalid(path, refused, header);
                assertThat(refused.json().path("detail").asText()).contains("cancel", other);
            }
        }
    }
}
