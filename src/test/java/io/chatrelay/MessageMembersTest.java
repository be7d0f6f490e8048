package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.quarkus.test.junit.QuarkusTest;

/** What a message says below its text goes up, with this turn and with those after it, or is refused by its name. */
@QuarkusTest
class MessageMembersTest extends ServiceTest {

    private final String mark = mark();

    private JsonNode sent(String text) {
        return emulator().asked(text).getFirst().at("/body/messages");
    }

    private ObjectNode cloud(String messages) {
        return Json.of("{'model':'cloud','stream':true,'messages':" + messages + "}");
    }

    @Test
    void aNameAndADetailGoUpWithTheMessageAndWithTheOnesAfterIt() {
        String id = newId();
        String message = """
                {'role':'user','name':'José 🦊','content':[{'type':'text','text':'echo %s'},
                 {'type':'image_url','image_url':{'url':'https://e.com/a.png','detail':'low'}}]}""".formatted(mark);
        assertThat(relay().send(COMPLETIONS, cloud("[" + message + "]").put("conversationId", id)).toEnd().done()).isTrue();
        relay().send(COMPLETIONS, Json.ask(id, "echo next " + mark).put("stream", true)).toEnd();

        assertThat(sent("echo " + mark).get(0)).isEqualTo(Json.of(message));
        assertThat(sent("next " + mark).get(0)).isEqualTo(Json.of(message));
    }

    @Test
    void aRefusalOfThePastGoesUpAsOne() {
        String id = newId();
        relay().send(COMPLETIONS, cloud("""
                [{'role':'system','name':'rules','content':'be kind'},{'role':'user','content':'hi'},
                 {'role':'assistant','name':'bot','content':null,'refusal':'I will not'},
                 {'role':'assistant','content':[{'type':'refusal','refusal':'Nor this'}]},
                 {'role':'user','content':'echo %s'}]""".formatted(mark)).put("conversationId", id)).toEnd();

        JsonNode sent = sent(mark);
        assertThat(sent.get(0).path("name").asText()).isEqualTo("rules");
        assertThat(sent.get(2)).isEqualTo(
                Json.of("{'role':'assistant','name':'bot','content':'','refusal':'I will not'}"));
        assertThat(sent.get(3).path("refusal").asText()).isEqualTo("Nor this");
        assertThat(relay().get(CONVERSATIONS + "/" + id + "/messages").body())
                .as("and is seen as the refusals of our answers are")
                .contains("\"data\": \"I will not\", \"type\": \"data-refusal\"");
    }

    @Test
    void whatUseChatKeepsOfAnAnswerIsToldAsFarAsAModelIsToldIt() {
        relay().send(CHAT,
                cloud("""
                        [{'role':'user','parts':[{'type':'text','text':'hi'}]},
                         {'role':'assistant','parts':[{'type':'step-start'},{'type':'reasoning','text':'hm'},
                          {'type':'dynamic-tool','toolName':'f','toolCallId':'c1','state':'output-available','input':{'a':1},'output':2},
                          {'type':'source-url','sourceId':'s','url':'https://e.com'},
                          {'type':'source-document','sourceId':'d','mediaType':'text/plain','title':'t'},
                          {'type':'text','text':'hello','state':'done'}]},
                         {'role':'user','parts':[{'type':'text','text':'echo %s'}]}]"""
                        .formatted(mark)))
                .toEnd();

        assertThat(Json.each(sent(mark), "/content")).contains("hi", "hello", "echo " + mark);
        assertThat(emulator().asked(mark).getFirst().toString()).doesNotContain("hm", "https://e.com");
    }

    @ParameterizedTest
    @ValueSource(strings = { "'id':'m1','metadata':{'custom':{'a':1}},'createdAt':'2026-01-01T00:00:00Z'",
            "'annotations':[],'refusal':null,'audio':null,'function_call':null,'tool_calls':[]",
            "'parts':[{'type':'text','text':'echo hi','state':'done','providerMetadata':{}}]" })
    void whatAsksForNothingIsTaken(String members) {
        Sse answer = relay().send(CHAT, cloud("[{'role':'user','content':'echo hi'," + members + "}]")).toEnd();

        assertThat(answer.done()).as(answer.text()).isTrue();
    }

    @Test
    void anImagesDetailIsRefusedByAnUpstreamThatHasNone() {
        String image = "[{'role':'user','content':[{'type':'text','text':'echo hi'},"
                + "{'type':'image_url','image_url':{'url':'https://e.com/a.png','detail':'%s'}}]}]";

        Relay.Answer refused = relay().post(COMPLETIONS, cloud(image.formatted("high")).put("model", "agents"));
        Sse taken = relay().send(COMPLETIONS, cloud(image.formatted("auto")).put("model", "agents")).toEnd();

        assertInvalid(COMPLETIONS, refused, "messages[0]");
        assertThat(refused.json().path("detail").asText()).contains("detail", "'agents'");
        assertThat(taken.done()).as(taken.text()).isTrue();
    }

    @Test
    void aDataPartGoesToAgentsWithItsId() {
        relay().send(CHAT, Json.of("{'model':'agents','messages':[{'role':'user','parts':[{'type':'text','text':'echo %s'},"
                .formatted(mark) + "{'type':'data-page','id':'p1','data':{'a':1}}]}]}")).toEnd();

        assertThat(sent(mark).toString()).contains("\"id\":\"p1\"");
    }

    @Test
    void whoAsksMayHaveAnyPrintableName() {
        for (String path : new String[]{ CHAT, COMPLETIONS }) {
            Sse answer = relay().send(path, Json.ask("echo hi").put("user", "José 👩‍💻").put("stream", true)).toEnd();

            assertThat(answer.status()).as(answer.text()).isEqualTo(200);
            assertThat(relay().get(CONVERSATIONS + "/" + answer.conversation()).json().path("user").asText())
                    .isEqualTo("José 👩‍💻");
        }
    }
}
