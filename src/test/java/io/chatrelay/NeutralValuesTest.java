package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Sse;
import io.quarkus.test.junit.QuarkusTest;

/** What frameworks send unasked and cannot leave out asks for nothing, and is taken everywhere. */
@QuarkusTest
class NeutralValuesTest extends ServiceTest {

    private static ObjectNode ask(String model, String text, String fields) {
        ObjectNode body = Json.ask(text).put("model", model).put("stream", true);
        body.setAll(Json.of("{" + fields + "}"));
        return body;
    }

    @ParameterizedTest
    @ValueSource(strings = { "'temperature':1", "'temperature':1.0", "'top_p':1", "'presence_penalty':0",
            "'frequency_penalty':0.0",
            "'n':1", "'logit_bias':{}", "'tool_choice':'none'", "'tool_choice':'auto'", "'tools':[],'tool_choice':'none'",
            "'tools':{}", "'tools':[]", "'response_format':{'type':'text'}", "'headers':{}", "'runConfig':{}",
            "'userProperties':{}", "'properties':{}", "'requestContext':{}", "'stream_options':{'include_usage':true}" })
    void onBothPathsByBothUpstreams(String field) {
        for (String model : List.of("agents", "cloud")) {
            for (String path : List.of(CHAT, COMPLETIONS)) {
                Sse answer = relay().send(path, ask(model, "echo hi", field)).toEnd();

                assertThat(answer.done()).as(model + " " + path + " " + answer.text()).isTrue();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = { "'store':false", "'stop':[]", "'metadata':{}", "'parallel_tool_calls':true", "'logprobs':false",
            "'top_logprobs':0", "'service_tier':'auto'", "'modalities':['text']", "'functions':[]", "'function_call':'none'",
            "'stop':null,'seed':null,'unheard_of':null", "'unheard_of':{}", "'stream_options':{'include_obfuscation':false}" })
    void onOpenAisPathByBothUpstreams(String field) {
        for (String model : List.of("agents", "cloud")) {
            Sse answer = relay().send(COMPLETIONS, ask(model, "echo hi", field)).toEnd();

            assertThat(answer.done()).as(model + " " + answer.text()).isTrue();
        }
    }

    @Test
    void cloudIsSentNumbersAsTheyCameAndNoEmptyList() {
        String mark = mark();

        relay().send(COMPLETIONS,
                ask("cloud", "echo " + mark, "'temperature':1.0,'n':1,'tools':[],'tool_choice':'none','stop':[],"
                        + "'logit_bias':{},'metadata':{},'store':false,'parallel_tool_calls':true,'response_format':{'type':'text'}"))
                .toEnd();

        JsonNode sent = emulator().asked(mark).getFirst().path("body");
        assertThat(sent.path("temperature").asDouble()).isEqualTo(1);
        assertThat(sent.path("n").asInt()).isEqualTo(1);
        assertThat(sent.fieldNames()).toIterable().containsExactlyInAnyOrder("model", "messages", "stream", "stream_options",
                "temperature", "n");
    }

    @Test
    void aChoiceAmongToolsThatAreThereIsNotNeutral() {
        String mark = mark();

        relay().send(COMPLETIONS, ask("cloud", "echo " + mark,
                "'tools':[{'type':'function','function':{'name':'f'}}],'tool_choice':'none'")).toEnd();

        assertThat(emulator().asked(mark).getFirst().at("/body/tool_choice").asText()).isEqualTo("none");
    }

    @Test
    void anAppsOwnWordsInAChatsBodyAreNotOpenAis() {
        assertThat(relay().send(CHAT, ask("agents", "echo hi", "'metadata':7,'stop':{'a':1},'store':'x'")).toEnd().done())
                .isTrue();
    }
}
