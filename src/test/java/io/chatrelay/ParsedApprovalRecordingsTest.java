package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.chatrelay.support.clients.Node;
import io.chatrelay.support.inkeep.RecordedInkeep.Play;
import io.quarkus.test.junit.QuarkusTest;

/** Recorded approvals as the stock parsers read them: a stream that pauses, the one that goes on in its message, and OpenAI's. */
@QuarkusTest
class ParsedApprovalRecordingsTest extends RecordedTurns {

    /**
     * @param upstream  that speaks as the recording does
     * @param decisions {@code tool call state}, the state being the one that its part has in the end
     */
    record Case(String upstream, String asks, List<String> answers, List<String> decisions, String reason) {

        @Override
        public String toString() {
            return asks;
        }
    }

    static Stream<Case> recordings() {
        return Stream.of(
                new Case("recorded", "agents/30-chat-approve-function-tool-1-stream",
                        List.of("agents/30-chat-approve-function-tool-2-approval-post"),
                        List.of("delete_file call_fake_43_0 output-available"), null),
                new Case("recorded", "agents/31-chat-deny-function-tool-1-stream",
                        List.of("agents/31-chat-deny-function-tool-2-approval-post"),
                        List.of("delete_file call_fake_45_0 output-denied"), "I do not want that"),
                new Case("recorded", "agents/80a-chat-two-approvals",
                        List.of("agents/80b-batched-approval-post", "agents/80b-batched-approval-post"),
                        List.of("get_weather call_fake_1_0 output-available", "delete_file call_fake_1_1 output-denied"), "no"),
                new Case("durable", "agents/71a-chat-durable-approval-stream", List.of("agents/71c-durable-approve-via-chat"),
                        List.of("delete_file call_fake_143_0 output-available"), null),
                new Case("legacy", "legacy/34-chat-approve-emit-operations-1-stream",
                        List.of("legacy/34-chat-approve-emit-operations-2-tool-approvals-post"),
                        List.of("get_weather call_fake_167_0 output-available"), null));
    }

    @TempDir
    private Path directory;

    private String file(String name, Sse stream) throws IOException {
        return Files.writeString(directory.resolve(name), stream.text()).toString();
    }

    private Sse pauses(Case recorded, String conversation) {
        ObjectNode question = Json.of("{'trigger':'submit-message','messages':[{'id':'m1','role':'user','parts':[]}]}");
        ((ArrayNode) question.at("/messages/0/parts")).addObject().put("type", "text").put("text", textOf(recorded.asks()));
        return relay().send(CHAT, question.put("id", conversation).put("model", recorded.upstream())).toEnd();
    }

    /** As {@code useChat} sends it, once every call of the message is answered. */
    private Sse goesOn(Case recorded, String conversation, String messageId) {
        ObjectNode answer = Json.of("{'trigger':'submit-message','messages':[{'id':'m1','role':'user','content':'x'},"
                + "{'role':'assistant','parts':[]}]}").put("id", conversation).put("messageId", messageId);
        ((ObjectNode) answer.at("/messages/1")).put("id", messageId);
        for (String decision : recorded.decisions()) {
            String[] words = decision.split(" ");
            boolean approved = words[2].equals("output-available");
            ObjectNode part = ((ArrayNode) answer.at("/messages/1/parts")).addObject().put("type", "tool-" + words[0])
                    .put("toolCallId", words[1]).put("state", "approval-responded");
            part.putObject("approval").put("id", "aitxt-" + words[1]).put("approved", approved).put("reason",
                    approved ? null : recorded.reason());
        }
        return relay().send(CHAT, answer).toEnd();
    }

    private static List<String> calls(JsonNode message) {
        List<String> calls = new ArrayList<>();
        message.path("parts").forEach(part -> {
            String type = part.path("type").asText();
            if (type.startsWith("tool-")) {
                calls.add("%s %s %s".formatted(type.substring("tool-".length()), part.path("toolCallId").asText(),
                        part.path("state").asText()));
            }
        });
        return calls;
    }

    private static String text(List<String> shown) {
        return shown.stream().filter(line -> line.startsWith("text ")).map(line -> line.substring("text ".length())).findFirst()
                .orElseThrow();
    }

    @ParameterizedTest
    @MethodSource("recordings")
    void areOneMessageToEveryAiSdk(Case recorded) throws IOException {
        Play play = inkeep.plays(recorded.asks()).answers(recorded.answers().toArray(String[]::new));
        String id = newId();
        Sse first = pauses(recorded, id);
        String messageId = first.events().getFirst().json().path("messageId").asText();
        Sse second = goesOn(recorded, id, messageId);

        assertThat(second.status()).as(second.text()).isEqualTo(200);
        List<Long> numbers = Stream.concat(first.ids().stream(), second.ids().stream()).toList();
        assertThat(numbers).isSorted().doesNotHaveDuplicates();
        // The end of the step was told by the pause, so its number has no frame.
        assertThat(numbers).hasSize(Math.toIntExact(numbers.getLast()) - 1);
        JsonNode read = Node.run("parse-ui.mjs", file("pause.sse", first) + "+" + file("on.sse", second)).path("on.sse");
        assertThat(read.properties()).hasSizeGreaterThan(1).allSatisfy(version -> {
            JsonNode seen = version.getValue();
            JsonNode pause = seen.at("/pauses/0");
            assertThat(pause.path("parseErrors")).as(version.getKey()).isEmpty();
            assertThat(pause.path("error").isNull()).isTrue();
            assertThat(pause.path("done").asBoolean()).isTrue();
            assertThat(pause.path("finishReason").asText()).isEqualTo("tool-calls");
            assertThat(calls(pause.path("message"))).isEqualTo(recorded.decisions().stream()
                    .map(decision -> decision.substring(0, decision.lastIndexOf(' ')) + " approval-requested").toList());
            assertThat(seen.path("parseErrors")).as(version.getKey()).isEmpty();
            assertThat(seen.path("error").isNull()).as(seen.path("error").toString()).isTrue();
            assertThat(seen.path("done").asBoolean()).isTrue();
            assertThat(seen.path("finishReason").asText()).isEqualTo("stop");
            assertThat(seen.at("/message/id").asText()).isEqualTo(messageId)
                    .isEqualTo(pause.at("/message/id").asText());
            assertThat(calls(seen.path("message"))).isEqualTo(recorded.decisions());
            assertThat(Json.text(seen.path("message"))).isEqualTo(second.answer()).isNotBlank();
        });
        assertThat(play.told()).isNotEmpty();
    }

    @ParameterizedTest
    @MethodSource("recordings")
    void areOneCompletionToTheOpenAiSdk(Case recorded) throws IOException {
        inkeep.plays(recorded.asks()).answers(recorded.answers().toArray(String[]::new));
        String id = newId();
        Sse asked = relay().send(Relay.COMPLETIONS,
                Json.ask(id, textOf(recorded.asks())).put("model", recorded.upstream()).put("stream", true));
        Sse second = goesOn(recorded, id, relay().read(CHAT + "/" + id + "/stream").toEnd().events().getFirst().json()
                .path("messageId").asText());
        asked.toEnd();

        JsonNode seen = Node.run("parse-openai.mjs", file("openai.sse", asked)).path("openai.sse");

        assertThat(seen.path("error").isNull()).as(seen.path("error").toString()).isTrue();
        assertThat(seen.path("accumulationError").isNull()).as(seen.path("accumulationError").toString()).isTrue();
        assertThat(seen.path("done").asBoolean()).isTrue();
        assertThat(seen.path("finishReason").asText()).isEqualTo("stop");
        assertThat(seen.path("text").asText()).isEqualTo(text(shown(partsOf(asked)))).isEqualTo(second.answer());
        assertThat(Json.each(seen.path("toolCalls"), "/id")).as("what ran at Inkeep is nobody else's to run").isEmpty();
    }
}
