package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

import org.assertj.core.api.AbstractStringAssert;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.openai.OpenAiChatModel;
import org.springframework.ai.openai.OpenAiChatOptions;

import com.fasterxml.jackson.databind.JsonNode;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;

import io.chatrelay.support.FastHeartbeat;
import io.chatrelay.support.Json;
import io.chatrelay.support.clients.LangChain4j;
import io.chatrelay.support.clients.Node;
import io.chatrelay.support.clients.Program;
import io.chatrelay.support.clients.Python;
import io.chatrelay.support.clients.Snippet;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;

/**
 * OpenAI's SDKs and the frameworks on them, as they come. A silence of several heartbeats costs none of them the answer, a turn with tools is
 * read to its end by the loop of every quick start, and none takes an answer that broke off for a whole one.
 */
@QuarkusTest
@TestProfile(FastHeartbeat.class)
class FrameworksTest extends ServiceTest {

    private static final String SILENT = "silence 1200";
    private static final String WITH_A_TOOL = "use tool get_time";
    private static final String BREAKS_OFF = "eof 3";

    private String answerTo(String model, String text) {
        return relay().send(CHAT, Json.ask(text).put("model", model)).toEnd().answer();
    }

    /** One that a caller has in Java: what it is told of an answer, and what it throws. */
    enum Client {
        OPENAI_JAVA {
            @Override
            void ask(String url, String model, String text, Consumer<String> told) {
                OpenAIClient client = OpenAIOkHttpClient.builder().baseUrl(url).apiKey("dev-key").build();
                try (StreamResponse<ChatCompletionChunk> chunks = client.chat().completions()
                        .createStreaming(ChatCompletionCreateParams.builder().model(model).addUserMessage(text).build())) {
                    chunks.stream().forEach(chunk -> chunk.choices().getFirst().delta().content().ifPresent(told));
                } finally {
                    client.close();
                }
            }
        },

        LANGCHAIN4J {
            @Override
            void ask(String url, String model, String text, Consumer<String> told) throws Exception {
                LangChain4j.ask(url, model, text, told);
            }
        },

        SPRING_AI {
            @Override
            void ask(String url, String model, String text, Consumer<String> told) {
                OpenAiChatOptions options = OpenAiChatOptions.builder().baseUrl(url).apiKey("dev-key").model(model).build();
                ChatClient.create(OpenAiChatModel.builder().options(options).build()).prompt(text).stream().content()
                        .doOnNext(told).blockLast();
            }
        };

        abstract void ask(String url, String model, String text, Consumer<String> told) throws Exception;

        Answer answer(FrameworksTest here, String model, String text) {
            StringBuffer answer = new StringBuffer();
            try {
                ask(here.base.resolve("/run/v1").toString(), model, text, answer::append);
                return new Answer(answer.toString(), null);
            } catch (Exception failure) {
                return new Answer(answer.toString(), failure);
            }
        }
    }

    /** @param failure null where the client took the answer for a whole one */
    private record Answer(String text, Throwable failure) {}

    @Nested
    class InJava {

        @ParameterizedTest
        @EnumSource(Client.class)
        void aSilenceCostsNothing(Client client) {
            for (String model : List.of("agents", "cloud")) {
                assertThat(client.answer(FrameworksTest.this, model, SILENT)).as(model)
                        .isEqualTo(new Answer(answerTo(model, SILENT), null));
            }
        }

        @ParameterizedTest
        @EnumSource(value = Client.class, names = "OPENAI_JAVA")
        void aTurnWithAToolIsReadToItsEnd(Client client) {
            Answer answer = client.answer(FrameworksTest.this, "agents", WITH_A_TOOL);

            assertThat(answer.failure()).isNull();
            assertThat(answer.text()).contains("Tool said:");
        }

        @ParameterizedTest
        @EnumSource(Client.class)
        void whatBrokeOffIsNoAnswer(Client client) {
            for (String model : List.of("agents", "cloud")) {
                Answer answer = client.answer(FrameworksTest.this, model, BREAKS_OFF);

                assertThat(answer.failure()).as("%s took it for whole: %s", client, answer).isNotNull();
                assertThat(answer.text()).startsWith("word0 word1");
            }
        }
    }

    @Nested
    class InNode {

        /** Each client's answer to each text. */
        private JsonNode ask(String model, String clients, String... texts) {
            List<String> arguments = new ArrayList<>(List.of(base.toString(), "dev-key", model, clients));
            arguments.addAll(List.of(texts));
            return Node.run("frameworks.mjs", arguments.toArray(String[]::new));
        }

        @ParameterizedTest
        @ValueSource(strings = { "openai,openai-6,langchain,ai-sdk,assistant-ui,eventsource-client", "fetch-event-source" })
        void readsASilenceAToolAndWhatBrokeOff(String clients) {
            JsonNode told = ask("agents", clients, SILENT, WITH_A_TOOL, BREAKS_OFF);

            String silent = answerTo("agents", SILENT);
            for (String client : clients.split(",")) {
                JsonNode answers = told.path(client);
                assertWhole(client, answers.path(0)).isEqualTo(silent);
                assertWhole(client, answers.path(1)).contains("Tool said:");
                assertThat(answers.path(2).path("text").asText()).as(client).startsWith("word0 word1");
                assertThat(answers.path(2).path("error").asText()).as(client).contains("broke off");
            }
        }

        private static AbstractStringAssert<?> assertWhole(String client, JsonNode answer) {
            assertThat(answer.path("error").isNull()).as("%s: %s", client, answer).isTrue();
            return assertThat(answer.path("text").asText()).as(client);
        }

        @ParameterizedTest
        @CsvSource(delimiter = '|', value = { "agents|agents", "cloud|agents,openai,langchain,ai-sdk" })
        void readsASilenceAndWhatBrokeOff(String model, String clients) {
            JsonNode told = ask(model, clients, SILENT, BREAKS_OFF);

            String silent = answerTo(model, SILENT);
            for (String client : clients.split(",")) {
                assertWhole(client, told.path(client).path(0)).isEqualTo(silent);
                assertThat(told.path(client).path(1).path("error").asText()).as("%s: %s", client, told).contains("broke off");
            }
        }
    }

    @Nested
    class InPython {

        private Program.Result ask(String model, String text) {
            Snippet page = Snippet.of(Path.of("docs/clients/openai.md")).getFirst();
            return Python.run(page.with("http://localhost:8080", base.toString().replaceFirst("/$", "")).with("\"agents\"",
                    "\"" + model + "\"").with("\"demo\"", "\"" + newId() + "\"").with("hi there", text).code());
        }

        @Test
        void aSilenceCostsNothing() {
            for (String model : List.of("agents", "cloud")) {
                assertThat(ask(model, SILENT).printed()).isEqualTo(answerTo(model, SILENT));
            }
        }

        @Test
        void aTurnWithAToolIsReadToItsEnd() {
            assertThat(ask("agents", WITH_A_TOOL).printed()).contains("Tool said:");
        }

        @Test
        void whatBrokeOffIsNoAnswer() {
            Program.Result answer = ask("agents", BREAKS_OFF);

            assertThat(answer.exit()).isNotZero();
            assertThat(answer.out()).startsWith("word0 word1");
            assertThat(answer.err()).contains("broke off");
        }
    }
}
