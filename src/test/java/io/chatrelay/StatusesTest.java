package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.chatrelay.support.sse.SseEvent;
import io.quarkus.test.junit.QuarkusTest;

/** How a turn ends, on both wires and of both upstreams. What goes wrong for good is in {@link UpstreamFaultsIT}. */
@QuarkusTest
class StatusesTest extends ServiceTest {

    private static ObjectNode ask(String upstream, String text) {
        return Json.ask(text).put("model", upstream).put("stream", true);
    }

    @Nested
    class BeforeTheFirstEvent {

        @ParameterizedTest
        @CsvSource({ "503 2", "502 1", "429 0 2", "429 1 1", "429-bare 1" })
        void aPassingRefusalIsTriedAgainAndNobodyNotices(String keyword) {
            for (String upstream : List.of("agents", "cloud")) {
                String text = keyword + " " + mark();

                Sse answer = relay().send(CHAT, ask(upstream, text)).toEnd();

                assertThat(answer.status()).isEqualTo(200);
                assertThat(answer.done()).isTrue();
                assertThat(emulator().asked(text))
                        .hasSize(1 + Integer.parseInt(keyword.split(" ")[keyword.split(" ").length - 1]));
            }
        }

        @Test
        void theConversationIsFreeForTheNextMessage() {
            String id = newId();
            assertThat(relay().post(CHAT, Json.ask(id, "500 9 " + mark())).status()).isEqualTo(502);

            assertThat(relay().send(CHAT, Json.ask(id, "echo again")).toEnd().answer()).isEqualTo("again");
            assertThat(messages(id)).extracting(Json::text).containsExactly("echo again", "again");
        }
    }

    @Nested
    class AfterTheFirstEvent {

        @ParameterizedTest
        @CsvSource({ "cut 3, word0 word1 word2 word3 word4 word5", "cut 0, word0 word1 word2",
                "lost, Hello from the fake model. I saw 1 user message(s); the last was" })
        void aCutConnectionGoesUnnoticedWhereTheRunGoesOn(String keyword, String whole) {
            for (String path : List.of(CHAT, COMPLETIONS)) {
                String text = keyword + " " + mark();

                Sse answer = relay().send(path, ask("agents", text)).toEnd();

                assertThat(answer.done()).as(answer.text()).isTrue();
                assertThat(answer.answer()).startsWith(whole).doesNotContain("word6");
                assertThat(turn(answer.turn())).isEqualTo("completed");
                assertThat(Json.text(stored(answer.conversation()))).isEqualTo(answer.answer());
                assertThat(emulator().asked(text)).as("a lost answer alone is asked for again").hasSize(
                        keyword.equals("lost") ? 2 : 1);
            }
        }

        /** The assistant's message, or an empty one where nothing was said. */
        private JsonNode stored(String conversation) {
            return messages(conversation).stream().filter(message -> message.path("role").asText().equals("assistant"))
                    .reduce((one, next) -> next).orElse(Json.of("{'parts':[]}"));
        }

        @Test
        void aToolsOutcomeIsPartOfTheAnswer() {
            Sse answer = relay().send(CHAT, ask("agents", "use tool get_time")).toEnd();

            assertThat(answer.types()).contains("tool-input-available", "tool-output-available").endsWith("finish");
            assertThat(answer.done()).isTrue();
        }
    }

    @Nested
    class InOnePiece {

        @ParameterizedTest
        @CsvSource({ "agents, /run/api/chat", "cloud, /run/api/chat", "agents, /run/v1/chat/completions",
                "cloud, /run/v1/chat/completions" })
        void aCompletedTurnIsOneCompletion(String upstream, String path) {
            Relay.Answer answer = relay().post(path, ask(upstream, "echo one two").put("stream", false));

            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.header("content-type")).startsWith("application/json");
            JsonNode completion = answer.json();
            assertThat(completion.path("object").asText()).isEqualTo("chat.completion");
            assertThat(completion.path("model").asText()).isEqualTo(upstream);
            assertThat(completion.at("/choices/0/message/role").asText()).isEqualTo("assistant");
            assertThat(completion.at("/choices/0/message/content").asText()).isEqualTo("one two");
            assertThat(completion.at("/choices/0/finish_reason").asText()).isEqualTo("stop");
            assertThat(completion.at("/usage/total_tokens").isInt()).isTrue();
            assertThat(completion.at("/chat_relay/conversationId").asText()).isEqualTo(answer.header("x-conversation-id"));
            assertThat(completion.at("/chat_relay/turnId").asText()).isEqualTo(answer.header("x-turn-id"));
        }

        @Test
        void theUsageIsToldWhereItIsKnown() {
            Relay.Answer whole = relay().post(COMPLETIONS, ask("cloud", "echo one").put("stream", false));
            Sse asked = relay()
                    .send(COMPLETIONS, ask("cloud", "echo one").set("stream_options", Json.of("{'include_usage':true}")))
                    .toEnd();
            Sse notAsked = relay().send(COMPLETIONS, ask("cloud", "echo one")).toEnd();

            assertThat(whole.json().at("/usage/total_tokens").asInt()).isEqualTo(10);
            assertThat(asked.status()).isEqualTo(200);
            assertThat(Json.each(asked.events().stream().filter(event -> event.data().startsWith("{")).map(SseEvent::json)
                    .toList(), "/usage/total_tokens")).containsOnlyOnce("10");
            assertThat(notAsked.text()).doesNotContain("total_tokens");
            assertThat(messages(notAsked.conversation()).getLast().at("/metadata/usage/totalTokens").asInt())
                    .as("it is kept whoever asks for it").isEqualTo(10);
        }
    }

    @Nested
    class WhoDecidesOnStreaming {

        @Test
        void theBodyWhateverTheHeaderAccepts() {
            assertThat(
                    relay().with("accept", "application/json").send(COMPLETIONS, Json.ask("echo x").put("stream", true)).toEnd()
                            .header("content-type"))
                    .startsWith("text/event-stream");
            assertThat(relay().with("accept", "text/event-stream").post(COMPLETIONS, Json.ask("echo x").put("stream", false))
                    .json().path("object").asText()).isEqualTo("chat.completion");
            assertThat(relay().with("accept", "text/event-stream").post(CHAT, Json.ask("echo x").put("stream", false))
                    .json().path("object").asText()).isEqualTo("chat.completion");
        }

        @Test
        void theHeaderWhereTheBodyOfACompletionIsSilent() {
            assertThat(relay().with("accept", "text/event-stream").send(COMPLETIONS, Json.ask("echo x")).toEnd().done())
                    .isTrue();
            assertThat(relay().with("accept", "*/*").post(COMPLETIONS, Json.ask("echo x")).json().path("object").asText())
                    .isEqualTo("chat.completion");
            assertThat(relay().post(COMPLETIONS, Json.ask("echo x")).json().path("object").asText())
                    .isEqualTo("chat.completion");
        }

        @Test
        void aChatStreamsUnlessItSaysOtherwise() {
            assertThat(relay().send(CHAT, Json.ask("echo x")).toEnd().done()).isTrue();
            assertThat(relay().with("accept", "application/json").send(CHAT, Json.ask("echo x")).toEnd().done()).isTrue();
        }
    }
}
