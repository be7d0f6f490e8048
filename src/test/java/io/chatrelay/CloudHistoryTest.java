package io.chatrelay;

import static io.chatrelay.support.Relay.COMPLETIONS;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.OpenAiHistory;
import io.chatrelay.support.Relay;
import io.chatrelay.support.inkeep.CaseInkeep;
import io.quarkus.test.junit.QuarkusTest;

/** What an upstream without memory is told of a conversation whose calls were answered late, twice or never, and of one id. */
@QuarkusTest
class CloudHistoryTest extends ServiceTest {

    private final String conversation = newId();

    /** Sends what the caller has to say now, and gives what went up. */
    private JsonNode told(ObjectNode body) {
        Relay.Answer answer = relay().post(COMPLETIONS,
                body.put("conversationId", conversation).put("model", "case-cloud").put("stream",
                        false));
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        JsonNode messages = CaseInkeep.INSTANCE.latest(conversation).path("messages");
        OpenAiHistory.assertPaired(messages);
        return messages;
    }

    private ObjectNode says(String text) {
        return Json.ask(text + " in " + conversation);
    }

    /** As OpenAI's SDKs send results: behind what they know of the conversation. */
    private ObjectNode results(String... results) {
        ObjectNode body = says("again");
        ArrayNode messages = body.withArray("/messages");
        for (int i = 0; i < results.length; i += 2) {
            messages.addObject().put("role", "tool").put("tool_call_id", results[i]).put("content", results[i + 1]);
        }
        return body;
    }

    private static String told(JsonNode messages, int index) {
        JsonNode message = messages.path(index);
        return "%s %s %s".formatted(message.path("role").asText(), message.path("tool_call_id").asText(),
                message.has("tool_calls") ? Json.each(message.path("tool_calls"), "/id") : message.path("content").asText());
    }

    @Test
    void callsAndResultsAlwaysPairWhateverWasStored() {
        told(says("case cloud/03-two-calls-one-id"));
        assertThat(told(says("hello"))).as("nobody answered the calls").hasSize(2);

        JsonNode late = told(results("c1", "A", "c1~2", "B"));
        assertThat(told(late, 1)).isEqualTo("assistant  [c1, c1~2]");
        assertThat(told(late, 2)).isEqualTo("tool c1 A");
        assertThat(told(late, 3)).isEqualTo("tool c1~2 B");
        assertThat(told(late, 4)).startsWith("user  hello");

        assertThat(told(told(results("c1", "C")), 2)).as("what is said now counts").isEqualTo("tool c1 C");

        told(says("case cloud/03-two-calls-one-id"));
        JsonNode again = told(results("c1", "D", "c1~2", "E", "c9", "of no call"));
        assertThat(told(again, 2)).isEqualTo("tool c1 C");
        assertThat(told(again, again.size() - 3)).isEqualTo("assistant  [c1~3, c1~2~2]");
        assertThat(told(again, again.size() - 2)).isEqualTo("tool c1~3 D");
        assertThat(told(again, again.size() - 1)).isEqualTo("tool c1~2~2 E");
    }

    @Test
    void whatUseChatKnowsOfItsCallsIsTold() {
        ObjectNode body = says("and now?");
        ArrayNode messages = body.withArray("/messages");
        messages.insert(0, Json.of("""
                {'role':'assistant','parts':[{'type':'text','text':'Let me see.'},{'type':'tool-clock','toolCallId':'c1',
                'state':'output-available','input':{},'output':{'time':'noon'}},{'type':'text','text':'Noon.'}]}"""));
        messages.insert(0, Json.of("{'role':'user','content':'What time is it?'}"));

        JsonNode told = told(body);

        assertThat(told(told, 1)).isEqualTo("assistant  [c1]");
        assertThat(told.at("/1/content").asText()).isEqualTo("Let me see.");
        assertThat(told(told, 2)).isEqualTo("tool c1 {\"time\":\"noon\"}");
        assertThat(told(told, 3)).isEqualTo("assistant  Noon.");
    }

    @Test
    void aRefusalIsToldAsOne() {
        told(says("case cloud/14c-refusal"));

        assertThat(told(says("why?")).at("/1/refusal").asText()).isEqualTo("I will not.");
    }
}
