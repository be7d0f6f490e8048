package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

import com.fasterxml.jackson.databind.JsonNode;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.OpenAIException;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;

import io.chatrelay.support.Json;
import io.chatrelay.support.Sse;
import io.chatrelay.support.clients.Node;
import io.quarkus.test.junit.QuarkusTest;

/** The clients that callers use, as they come: what they cannot read, nobody can. */
@QuarkusTest
class StockClientsTest extends ServiceTest {

    @Nested
    class OpenAiJava {

        private OpenAIClient client;

        @BeforeEach
        void open() {
            client = OpenAIOkHttpClient.builder().baseUrl(base.resolve("/run/v1").toString()).apiKey("dev-key").build();
        }

        @AfterEach
        void close() {
            client.close();
        }

        private static ChatCompletionCreateParams.Builder ask(String conversation, String text) {
            return ChatCompletionCreateParams.builder().model("cloud").addUserMessage(text)
                    .putAdditionalBodyProperty("conversationId", JsonValue.from(conversation));
        }

        @Test
        void chatsOverTwoTurnsOfOneConversation() {
            String id = newId();
            String mark = mark();

            ChatCompletion first = client.chat().completions().create(ask(id, "echo one").build());
            ChatCompletion second = client.chat().completions().create(ask(id, "echo two " + mark).build());

            assertThat(first.choices().getFirst().message().content()).contains("one");
            assertThat(second.choices().getFirst().message().content()).contains("two " + mark);
            assertThat(second.choices().getFirst().finishReason()).isEqualTo(ChatCompletion.Choice.FinishReason.STOP);
            second.validate();
            assertThat(Json.each(emulator().asked("two " + mark).getFirst().at("/body/messages"), "/content"))
                    .containsExactly("echo one", "one", "echo two " + mark);
        }

        @Test
        void streamsOverTwoTurnsOfOneConversation() {
            String id = newId();
            for (String text : List.of("one two three", "four five six")) {
                StringBuilder answer = new StringBuilder();
                List<ChatCompletionChunk> chunks = new ArrayList<>();
                try (StreamResponse<ChatCompletionChunk> stream = client.chat().completions()
                        .createStreaming(ask(id, "echo " + text).build())) {
                    stream.stream().forEach(chunks::add);
                }
                chunks.forEach(chunk -> chunk.validate().choices()
                        .forEach(choice -> choice.delta().content().ifPresent(answer::append)));
                assertThat(answer).hasToString(text);
                assertThat(chunks.stream().flatMap(chunk -> chunk.choices().stream())
                        .flatMap(choice -> choice.finishReason().stream()))
                        .containsExactly(ChatCompletionChunk.Choice.FinishReason.STOP);
            }
            assertThat(messages(id)).hasSize(4);
        }

        @Test
        void isToldTheFieldThatIsWrong() {
            BadRequestException refused = catchThrowableOfType(BadRequestException.class,
                    () -> client.chat().completions().create(ask(newId(), "echo hi").temperature(3.0).build()));

            assertThat(refused.statusCode()).isEqualTo(400);
            assertThat(refused.getMessage()).contains("temperature");
        }

        @Test
        void throwsWhatWentWrongInMidStream() {
            OpenAIException thrown = catchThrowableOfType(OpenAIException.class, () -> {
                try (StreamResponse<ChatCompletionChunk> stream = client.chat().completions()
                        .createStreaming(ask(newId(), "eof 3").build())) {
                    stream.stream().forEach(chunk -> {});
                }
            });

            assertThat(thrown).isNotNull();
            assertThat(thrown.getMessage()).contains("broke off");
        }
    }

    @Nested
    class OpenAiNode {

        private JsonNode run(String... arguments) {
            List<String> all = new ArrayList<>(List.of(base.toString(), "dev-key"));
            all.addAll(List.of(arguments));
            return Node.run("openai-chat.mjs", all.toArray(String[]::new));
        }

        @Test
        void chatsInOnePiece() {
            JsonNode result = run("--model", "cloud", "--conversation", newId(), "echo one", "echo two");

            assertThat(result.path("error").isNull()).as(result.toString()).isTrue();
            assertThat(Json.each(result.path("answers"), "/text")).containsExactly("one", "two");
            assertThat(Json.each(result.path("answers"), "/finishReason")).containsOnly("stop");
        }

        @Test
        void readsStreamedAnswersAndTheirUsage() {
            JsonNode result = run("--stream", "--model", "cloud", "--conversation", newId(), "echo one", "usage");

            assertThat(result.path("error").isNull()).as(result.toString()).isTrue();
            assertThat(Json.each(result.path("answers"), "/text")).containsExactly("one", "Hello");
            assertThat(result.at("/answers/1/usage/total_tokens").asInt()).isEqualTo(10);
            assertThat(result.at("/answers/0/chatRelay/0/conversationId").asText())
                    .isEqualTo(result.at("/attempts/0/conversationId").asText());
        }

        @Test
        void attachesByItsOwnRetryWhenItsConnectionIsLost() {
            for (String conversation : List.of("", newId())) {
                List<String> arguments = new ArrayList<>(List.of("--stream", "--abort-first", "slow 30 " + mark()));
                if (!conversation.isEmpty()) {
                    arguments.addAll(0, List.of("--conversation", conversation));
                }

                JsonNode result = run(arguments.toArray(String[]::new));

                assertThat(result.path("error").isNull()).as(result.toString()).isTrue();
                assertThat(result.at("/answers/0/text").asText()).startsWith("word0 ").endsWith(" word39");
                assertThat(Json.each(result.path("attempts"), "/turnId")).hasSize(2);
                assertThat(Json.each(result.path("attempts"), "/turnId").stream().distinct()).hasSize(1);
            }
        }

        @Test
        void showsWhatWentWrong() {
            JsonNode refused = run("--model", "cloud", "400");
            JsonNode cut = run("--model", "cloud", "--stream", "cut 3");
            JsonNode conflict = conflict();

            assertThat(refused.at("/error/status").asInt()).isEqualTo(400);
            assertThat(refused.at("/error/message").asText()).contains("The upstream 'cloud' refused the request");
            assertThat(refused.at("/error/requestID").asText()).isNotEmpty();
            assertThat(cut.at("/error/message").asText()).contains("broke off");
            assertThat(cut.at("/error/code").asText()).isEqualTo("upstream_cut");
            assertThat(cut.at("/answers/0/text").asText()).isEqualTo("word0 word1 word2");
            assertThat(conflict.at("/error/status").asInt()).isEqualTo(409);
            assertThat(conflict.path("attempts").size()).as("it is not tried again").isEqualTo(1);
        }

        private JsonNode conflict() {
            String id = newId();
            try (Sse _ = relay().send(CHAT, Json.ask(id, "slow 500")).until(2)) {
                return run("--conversation", id, "echo me too");
            }
        }
    }

    @Nested
    class UseChat {

        private List<JsonNode> run(String... arguments) {
            List<String> all = new ArrayList<>(List.of(base.toString(), "dev-key"));
            all.addAll(List.of(arguments));
            List<JsonNode> results = new ArrayList<>();
            Node.run("chat.mjs", all.toArray(String[]::new)).forEach(results::add);
            assertThat(results).hasSizeGreaterThanOrEqualTo(2);
            return results;
        }

        @Test
        void sendsOneMessageAfterTheOther() {
            assertThat(run("send", "echo one", "echo two")).allSatisfy(chat -> {
                assertThat(chat.path("status").asText()).as(chat.toString()).isEqualTo("ready");
                assertThat(chat.path("error").isNull()).isTrue();
                assertThat(Json.each(chat.path("turns"), "/answer")).containsExactly("one", "two");
                assertThat(Json.each(chat.path("messages"), "/role")).containsExactly("user", "assistant", "user", "assistant");
                assertThat(chat.at("/finish/isError").asBoolean()).isFalse();
                assertThat(chat.at("/messages/1/metadata/conversationId").asText()).isEqualTo(chat.path("id").asText());
                assertThat(Json.each(messages(chat.path("id").asText()), "/id"))
                        .as("the ids that the app sees are the ids that are stored")
                        .isEqualTo(Json.each(chat.path("messages"), "/id"));
            });
        }

        @Test
        void resumesAnAnswerThatItLeft() {
            assertThat(run("resume", "slow 120")).allSatisfy(chat -> {
                assertThat(chat.path("status").asText()).as(chat.toString()).isEqualTo("ready");
                assertThat(chat.path("answer").asText()).startsWith("word0 ").endsWith(" word39");
                assertThat(Json.each(chat.path("messages"), "/role")).containsExactly("user", "assistant");
                assertThat(Json.each(chat.path("stored"), "/role")).containsExactly("user");
            });
        }

        @Test
        void isOpenedAgainAndAsksForAnotherAnswer() {
            assertThat(run("reload", "echo one")).allSatisfy(chat -> {
                assertThat(chat.path("status").asText()).as(chat.toString()).isEqualTo("ready");
                assertThat(chat.at("/resumed/messages").size()).as("nothing runs, nothing is added").isEqualTo(2);
                assertThat(chat.path("answer").asText()).isEqualTo("one");
                assertThat(Json.each(chat.path("messages"), "/role")).containsExactly("user", "assistant");
                assertThat(chat.at("/messages/1/id").asText()).isNotEqualTo(chat.at("/before/messages/1/id").asText());
                assertThat(messages(chat.path("id").asText())).hasSize(2);
            });
        }

        @Test
        void sendsAnEditedMessageInThePlaceOfTheFirst() {
            assertThat(run("edit", "echo one", "echo else")).allSatisfy(chat -> {
                assertThat(chat.path("status").asText()).as(chat.toString()).isEqualTo("ready");
                assertThat(chat.path("answer").asText()).isEqualTo("else");
                assertThat(messages(chat.path("id").asText())).extracting(Json::text).containsExactly("echo else", "else");
            });
        }

        @Test
        void showsAnErrorAndKeepsWhatCameBefore() {
            assertThat(run("error", "eof 3")).allSatisfy(chat -> {
                assertThat(chat.path("status").asText()).as(chat.toString()).isEqualTo("error");
                assertThat(chat.path("error").asText()).contains("broke off");
                assertThat(chat.path("partialText").asText()).isEqualTo("word0 word1 word2");
            });
        }

        @Test
        void showsARefusal() {
            assertThat(run("error", "500")).allSatisfy(chat -> {
                assertThat(chat.path("status").asText()).as(chat.toString()).isEqualTo("error");
                assertThat(chat.path("error").asText()).contains("upstream_unavailable");
            });
        }
    }

    @Nested
    class AnEventSource {

        private JsonNode read(String path, String... options) {
            List<String> all = new ArrayList<>(List.of(base.resolve(path).toString(), "dev-key"));
            all.addAll(List.of(options));
            return Node.run("eventsource.mjs", all.toArray(String[]::new));
        }

        private void assertEachOnce(JsonNode result) {
            List<String> numbers = new ArrayList<>();
            for (JsonNode event : result.path("events")) {
                // The terminator is the wire's own, and has no number.
                if (!event.path("data").asText().equals("[DONE]")) {
                    numbers.add(event.path("id").asText());
                }
            }
            assertThat(numbers).isEqualTo(LongStream.rangeClosed(1, numbers.size()).mapToObj(number -> "1." + number).toList());
            assertThat(result.path("closed").asBoolean()).as("a 204 stopped it").isTrue();
            assertThat(Json.each(result.path("connections"), "/status")).endsWith("204");
        }

        @Test
        void reconnectsInMidStreamAndGetsEachEventOnce() {
            Sse turn = relay().send(CHAT, Json.ask("slow 50")).until(2);

            JsonNode result = read(CONVERSATIONS + "/" + turn.conversation() + "/stream?after=0", "--drop-after", "7",
                    "--retry",
                    "20");

            turn.toEnd();
            assertEachOnce(result);
            assertThat(result.path("connections").size()).isGreaterThan(5);
            assertThat(result.path("events").get(turn.numbered().size() - 1).path("data").asText())
                    .isEqualTo(turn.numbered().getLast().data());
        }

        @Test
        void readsAnEndedTurnOnceAndStops() {
            Sse turn = relay().send(CHAT, Json.ask("echo one two")).toEnd();

            JsonNode result = read(CONVERSATIONS + "/" + turn.conversation() + "/stream?turn=" + turn.turn(), "--retry", "20");

            assertEachOnce(result);
            assertThat(result.path("connections").size()).isEqualTo(2);
        }
    }
}
