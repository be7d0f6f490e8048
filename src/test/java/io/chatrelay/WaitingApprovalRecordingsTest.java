package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.dev.Recording;
import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.inkeep.RecordedInkeep.Play;
import io.quarkus.test.junit.QuarkusTest;

/** What a caller meets while a recorded approval waits: with another question, and in a call that does not stream. */
@QuarkusTest
class WaitingApprovalRecordingsTest extends RecordedTurns {

    @Nested
    class ASecondQuestionMeanwhile {

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void isRefusedWithWhatWaitsThoughInkeepWouldTakeIt(String path) {
            assertThat(Recording.load("agents/66c-second-chat-turn-while-pending").body()).contains("[DONE]");
            Play play = inkeep.plays("agents/66a-chat-approval-pending").answers("agents/66d-approve");
            Watched turn = ask(path, "recorded", textOf("agents/66a-chat-approval-pending")).untilAsked(1);
            int asked = inkeep.asked().size();

            Relay.Answer refused = relay().post(path, Json
                    .ask(turn.conversation(), textOf("agents/66c-second-chat-turn-while-pending")).put("model", "recorded")
                    .put("stream", true));

            assertError(path, refused, 409, "turn_running");
            assertThat(refused.json().at("/turn/state").asText()).isEqualTo("awaiting_approval");
            assertThat(Json.each(refused.json().path("approvals"), "/toolCallId")).containsExactly("call_fake_132_0");
            assertThat(refused.header("x-should-retry")).isEqualTo("false");
            assertThat(inkeep.asked()).hasSize(asked);
            assertThat(Recording.load("agents/66b-pending-approvals-classic-mode").body()).contains("\"hasPending\":false");
            JsonNode pending = relay().get(CONVERSATIONS + "/" + turn.conversation() + "/pending-approvals").json();
            assertThat(pending.path("hasPending").asBoolean()).isTrue();
            assertThat(pending.at("/approval/toolCallId").asText()).isEqualTo("call_fake_132_0");
            assertDecided(turn.conversation(), "call_fake_132_0", true, null);
            turn.toEnd().assertTells(play, "decided call_fake_132_0 approved");
            assertAsRecorded(play.told().getFirst(), play, "agents/66d-approve");
            assertHistory(turn.conversation(), "call_fake_132_0", EXECUTED);
        }
    }

    @Nested
    class ACallThatDoesNotStream {

        /** What the recorded server told such a call in the end, of the call that is played here. */
        private static String recordedText() {
            return Json.read(Recording.load("agents/68a-chat-stream-false-tool-needs-approval").body())
                    .at("/choices/0/message/content").asText().replace("call_fake_137_0", DELETE);
        }

        private ObjectNode question(String id) {
            return ((ObjectNode) Json
                    .read(Recording.load("agents/68a-chat-stream-false-tool-needs-approval").requestBody().orElseThrow()))
                    .put("conversationId", id).put("model", "recorded");
        }

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void isToldWhatWaits(String path) {
            Play play = inkeep.plays(APPROVED).answers(APPROVE);
            String id = newId();

            JsonNode completion = relay().post(path, question(id)).json();
            Watched turn = new Watched(id, relay().read(streamOf(id)), relay().read(streamOf(id) + "?wire=openai"));
            assertDecided(id, DELETE, true, null);

            assertThat(completion.at("/choices/0/finish_reason").asText()).isEqualTo("tool_calls");
            assertThat(completion.at("/choices/0/message/tool_calls/0/id").asText()).isEqualTo(DELETE);
            assertThat(completion.at("/choices/0/message/tool_calls/0/function/arguments").asText())
                    .isEqualTo("{\"path\":\"docs/report.txt\"}");
            assertThat(completion.at("/chat_relay/state").asText()).isEqualTo("awaiting_approval");
            assertThat(completion.at("/chat_relay/approvals/0/toolCallId").asText()).isEqualTo(DELETE);
            turn.toEnd().assertTells(play, "decided " + DELETE + " approved");
            assertThat(turn.openAi().answer()).isEqualTo(recordedText());
            assertThat(play.question().body().path("stream").asBoolean()).as("what goes up streams").isTrue();
        }

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void waitsIfItPrefersTo(String path) {
            Play play = inkeep.plays(APPROVED).answers(APPROVE);
            String id = newId();
            CompletableFuture<Relay.Answer> answer = CompletableFuture
                    .supplyAsync(() -> relay().with("prefer", "wait=60").post(path, question(id)));
            await().until(() -> relay().get(INBOX + "?conversationId=" + id).json().path("data").size() == 1);
            await().during(Duration.ofMillis(800)).until(() -> !answer.isDone());

            assertDecided(id, DELETE, true, null);

            JsonNode completion = answer.join().json();
            assertThat(completion.at("/choices/0/finish_reason").asText()).isEqualTo("stop");
            assertThat(completion.at("/choices/0/message/content").asText()).isEqualTo(recordedText());
            assertAsRecorded(play.told().getFirst(), play, APPROVE);
            assertHistory(id, DELETE, EXECUTED);
        }
    }
}
