package io.chatrelay;

import static io.chatrelay.support.Relay.COMPLETIONS;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.openai.OpenAiChatModel;
import org.springframework.ai.openai.OpenAiChatOptions;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Sse;
import io.chatrelay.support.clients.LangChain4j;
import io.chatrelay.support.clients.Node;
import io.chatrelay.support.sse.SseEvent;
import io.quarkus.test.junit.QuarkusTest;

import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.openai.OpenAiChatModel.OpenAiChatModelBuilder;

/**
 * A call that Inkeep ran itself is nobody else's to run: a framework that sees it in {@code tool_calls} looks for a tool of its own, and the
 * answer is lost. It is told in {@code chat_relay}, with its outcome.
 */
@QuarkusTest
class FinishedCallsTest extends ServiceTest {

    private static final String ANSWER = "Tool said:";

    private String url() {
        return base.resolve("/run/v1").toString();
    }

    @ParameterizedTest
    @ValueSource(strings = { "use tool get_time", "use tool boom" })
    void standInNoChunksToolCallsButBesideThem(String text) {
        Sse answer = relay().send(COMPLETIONS, Json.ask(text).put("model", "agents").put("stream", true)).toEnd();

        List<String> parts = new ArrayList<>();
        for (SseEvent event : answer.numbered()) {
            assertThat(event.json().at("/choices/0/delta").has("tool_calls")).as(event.data()).isFalse();
            parts.addAll(Json.each(event.json().at("/chat_relay/parts"), "/type"));
        }
        assertThat(parts).containsSubsequence("tool-input-available",
                text.endsWith("boom") ? "tool-output-error" : "tool-output-available");
        assertThat(answer.numbered().getLast().json().at("/choices/0/finish_reason").asText()).isEqualTo("stop");
        assertThat(answer.done()).isTrue();
    }

    @Test
    void standNotInTheWholeAnswersToolCalls() {
        JsonNode whole = relay().post(COMPLETIONS, Json.ask("use tool get_time").put("model", "agents")).json();

        assertThat(whole.at("/choices/0/message").has("tool_calls")).as(whole.toString()).isFalse();
        assertThat(whole.at("/choices/0/message/content").asText()).contains(ANSWER);
        assertThat(whole.at("/choices/0/finish_reason").asText()).isEqualTo("stop");
        assertThat(Json.each(whole.at("/chat_relay/parts"), "/type")).containsSubsequence("tool-input-available",
                "tool-output-available");
    }

    /** A call that waits is still told as one, for whoever shows it. */
    @Test
    void whatWaitsIsInTheWholeAnswersToolCalls() {
        JsonNode waiting = relay().post(COMPLETIONS, Json.ask("use tool delete_file").put("model", "agents")).json();

        assertThat(Json.each(waiting.at("/choices/0/message/tool_calls"), "/function/name")).containsExactly("delete_file");
        assertThat(waiting.at("/choices/0/finish_reason").asText()).isEqualTo("tool_calls");
    }

    @ParameterizedTest
    @ValueSource(strings = { "agents", "ai-sdk", "langchain" })
    void costNoFrameworkOfNodesTheAnswer(String client) {
        JsonNode answer = Node.run("frameworks.mjs", base.toString(), "dev-key", "agents", client, "use tool get_time")
                .path(client)
                .path(0);

        assertThat(answer.path("error").isNull()).as(answer.toString()).isTrue();
        assertThat(answer.path("text").asText()).contains(ANSWER);
        if (client.equals("agents")) {
            assertThat(answer.path("final").asText()).contains(ANSWER);
        }
        if (client.equals("ai-sdk")) {
            assertThat(answer.path("finishReason").asText()).isEqualTo("stop");
        }
    }

    @Test
    void areNoRequestsToLangChain4j() throws Exception {
        ChatResponse response = LangChain4j.ask(url(), "agents", "use tool get_time", _ -> {});

        assertThat(response.aiMessage().hasToolExecutionRequests()).isFalse();
        assertThat(response.aiMessage().text()).contains(ANSWER);
        assertThat(whole().chat("use tool get_time")).contains(ANSWER);
    }

    private dev.langchain4j.model.openai.OpenAiChatModel whole() {
        return new OpenAiChatModelBuilder().baseUrl(url()).apiKey("dev-key").modelName("agents").build();
    }

    @Test
    void costSpringsChatClientNoAnswer() {
        OpenAiChatOptions options = OpenAiChatOptions.builder().baseUrl(url()).apiKey("dev-key").model("agents")
                .extraBody(Map.of("conversationId", newId())).build();
        ChatClient client = ChatClient.create(OpenAiChatModel.builder().options(options).build());

        assertThat(client.prompt("use tool get_time").call().content()).contains(ANSWER);
        assertThat(String.join("", client.prompt("use tool get_time").stream().content().collectList().block()))
                .contains(ANSWER);
    }
}
