package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.quarkus.test.junit.QuarkusTest;

/** An error is told in the shape that the clients of its path show. */
@QuarkusTest
class ErrorBodiesTest extends ServiceTest {

    @Test
    void ofOpenAisPathsIsOpenAisObjectBesideWhatIsDocumented() {
        Relay.Answer refused = relay().post(COMPLETIONS, Json.ask("echo hi").put("n", 2));

        assertInvalid(COMPLETIONS, refused, "n");
        assertThat(refused.json().path("error")).isEqualTo(
                Json.of("{'message':'n can only be 1','type':'invalid_request_error','code':'bad_request','param':'n'}"));
        assertThat(refused.json().path("message").asText()).isEqualTo("n can only be 1");
    }

    @Test
    void ofADecisionIsTheDocumentedText() {
        Relay.Answer refused = relay().post("/run/api/tool-approvals", Json.of("{'conversationId':'x','toolCallId':'y'}"));

        assertThat(refused.status()).isEqualTo(400);
        assertThat(refused.json().path("error").asText()).isEqualTo("approved is required");
        assertThat(refused.json().path("message").asText()).isEqualTo("approved is required");
    }

    @Test
    void ofAChatIsAProblem() {
        assertInvalid(CHAT, relay().post(CHAT, Json.ask("echo hi").put("n", 2)), "n");
    }

    @Test
    void isWrittenInOneOrderWhateverProcessAnswers() {
        String problem = relay().post(CHAT, Json.ask("echo hi").put("n", 2)).body();
        String openAi = relay().post(COMPLETIONS, Json.ask("echo hi").put("n", 2)).body();
        String text = relay().post("/run/api/tool-approvals", Json.of("{'conversationId':'x','toolCallId':'y'}")).body();

        assertThat(names(problem))
                .isEqualTo("status title detail instance field code error error.code error.message requestId");
        assertThat(names(openAi))
                .isEqualTo("status title detail instance field details details.field details.message code message"
                        + " error error.message error.type error.code error.param requestId");
        assertThat(names(text))
                .isEqualTo("status title detail instance field details details.field details.message code message"
                        + " error requestId");
    }

    @Test
    void namesTheChecksOfItsHealthInOneOrder() {
        assertThat(relay().get("/q/health/ready").json().path("checks")).extracting(check -> check.path("name").asText())
                .containsSubsequence("Database connections health check", "journal").isSorted();
    }

    /** The names of a body's members in the order in which they are written. */
    private static String names(String body) {
        StringBuilder names = new StringBuilder();
        collect("", Json.read(body), names);
        return names.toString().strip();
    }

    private static void collect(String prefix, JsonNode node, StringBuilder names) {
        node.forEachEntry((name, value) -> {
            names.append(prefix).append(name).append(' ');
            collect(prefix + name + ".", value.isArray() ? value.path(0) : value, names);
        });
    }

    @ParameterizedTest
    @CsvSource({ "POST, /run/v1/responses", "GET, /run/v1/responses", "GET, /run/v1/responses/resp_1",
            "POST, /run/v1/responses/resp_1/cancel" })
    void whoAsksForResponsesIsToldWhatThereIs(String method, String path) {
        Relay.Answer refused = relay().answer(method, path, java.net.http.HttpRequest.BodyPublishers.ofString("{}"));

        assertError(path, refused, 404, "not_found");
        assertThat(refused.json().at("/error/message").asText()).contains("POST /run/v1/chat/completions");
    }

    @Test
    void aModelIsFoundByItsNameOrIsNone() {
        assertThat(relay().get("/run/v1/models/cloud").json())
                .isEqualTo(Json.of("{'id':'cloud','object':'model','created':0,'owned_by':'cloud'}"));
        assertError("/run/v1/models/x", relay().get("/run/v1/models/gpt-9"), 404, "not_found");
        assertError("/run/v1/models/x", relay().get("/run/v1/models/a/b"), 404, "not_found");
    }

    @ParameterizedTest
    @ValueSource(strings = { "", "?after=3", "?turn=0198c0de-0000-7000-8000-000000000000" })
    void aChatThatIsNewHasNothingToReadForUseChat(String position) {
        Sse theirs = other().send(CHAT, Json.ask("echo hi")).toEnd();

        assertThat(relay().get(CHAT + "/" + newId() + "/stream" + position).status()).isEqualTo(204);
        assertThat(relay().get(CHAT + "/" + theirs.conversation() + "/stream" + position).status()).isEqualTo(204);
        assertError(CONVERSATIONS, relay().get(CONVERSATIONS + "/" + newId() + "/stream" + position), 404, "not_found");
    }
}
