package io.chatrelay.inkeep;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;

import io.chatrelay.event.Part;
import io.chatrelay.event.RawJson;
import io.chatrelay.event.Role;
import io.chatrelay.support.OpenAiHistory;
import io.chatrelay.upstream.UpstreamRequest.ChatMessage;

class CloudMessagesTest {

    private static final Part CALL = new Part.ToolCall("c1", "get_time", new RawJson("{\"tz\": \"UTC\"}"), null);

    private static String told(ChatMessage... conversation) {
        ArrayNode messages = JsonNodeFactory.instance.arrayNode();
        CloudMessages.write(List.of(conversation), messages);
        return messages.toString();
    }

    private static ChatMessage said(Role role, Part... parts) {
        return new ChatMessage(role, List.of(parts));
    }

    private static Part text(String text) {
        return new Part.Text(text);
    }

    @Test
    void aConversationIsToldInItsOrder() {
        assertThat(told(said(Role.SYSTEM, text("Be short.")), said(Role.USER, text("Hi")), said(Role.ASSISTANT, text("Hello")),
                said(Role.USER, text("Bye")))).isEqualTo("""
                        [{"role":"system","content":"Be short."},{"role":"user","content":"Hi"},\
                        {"role":"assistant","content":"Hello"},{"role":"user","content":"Bye"}]""");
    }

    @Test
    void runsOfTextAreJoined() {
        assertThat(told(said(Role.USER, text("a"), text("b")))).isEqualTo("[{\"role\":\"user\",\"content\":\"ab\"}]");
    }

    @Test
    void imagesGoAsOpenAisParts() {
        assertThat(told(said(Role.USER, text("What is it?"), new Part.File("image/png", "https://e.com/a.png", "a.png", null))))
                .isEqualTo("""
                        [{"role":"user","content":[{"type":"text","text":"What is it?"},\
                        {"type":"image_url","image_url":{"url":"https://e.com/a.png"}}]}]""");
    }

    @Test
    void aCallGoesWithItsResultAndItsInputLetterByLetter() {
        assertThat(told(said(Role.ASSISTANT, text("Let me see."), CALL), said(Role.TOOL, new Part.ToolResult("c1", "noon"))))
                .isEqualTo("""
                        [{"role":"assistant","content":"Let me see.","tool_calls":[{"id":"c1","type":"function",\
                        "function":{"name":"get_time","arguments":"{\\"tz\\": \\"UTC\\"}"}}]},\
                        {"role":"tool","tool_call_id":"c1","content":"noon"}]""");
    }

    @Test
    void aCallThatNobodyAnsweredIsLeftOutAndItsTextStays() {
        assertThat(told(said(Role.ASSISTANT, text("See the links."), CALL)))
                .isEqualTo("[{\"role\":\"assistant\",\"content\":\"See the links.\"}]");
    }

    @Test
    void aMessageThatHoldsNothingElseIsLeftOut() {
        assertThat(told(said(Role.ASSISTANT, CALL), said(Role.USER, text("And?"))))
                .isEqualTo("[{\"role\":\"user\",\"content\":\"And?\"}]");
    }

    @Test
    void dataPartsOfAnAnswerAreNotTold() {
        assertThat(told(said(Role.ASSISTANT, new Part.Data("data-operation", null, new RawJson("{}")), text("Hi"))))
                .isEqualTo("[{\"role\":\"assistant\",\"content\":\"Hi\"}]");
    }

    /**
     * Conversations in short, and what is told of them: {@code u}ser, {@code a}ssistant and {@code t}ool messages; {@code c1!} is a call and
     * {@code c1=x} a call with its output, or its result.
     */
    @ParameterizedTest
    @CsvSource(delimiter = '>', quoteCharacter = '"', value = {
            "a c1! | t c1=x | u hi                               > a c1! | t c1=x | u hi",
            "a c1! c2! | t c2=y | t c1=x                         > a c1! c2! | t c1=x | t c2=y",
            "a c1! | u and? | t c1=late                          > a c1! | t c1=late | u and?",
            "a c1! | u and? | a well | u so | t c1=late          > a c1! | t c1=late | u and? | a well | u so",
            "a c1! | t c1=x | t c1=y                             > a c1! | t c1=y",
            "a c1! | t c1=x | a noon | u no | t c1=y             > a c1! | t c1=y | a noon | u no",
            "a c1! | u hi                                        > u hi",
            "a Let c1! | u hi                                    > a Let | u hi",
            "a c1! c2! | t c2=y                                  > a c2! | t c2=y",
            "t c1=x | u hi                                       > u hi",
            "t c1=x | a c1! | u hi                               > u hi",
            "u c1=x | a c1! | t c1=y                             > u | a c1! | t c1=y",
            "a c1=x | u hi                                       > a c1! | t c1=x | u hi",
            "a Let c1=x It's_noon. c2=y | t c2=z                 > a Let c1! | t c1=x | a It's_noon. c2! | t c2=z",
            "a c1! c1! | t c1=x | t c1=y                         > a c1! c1~2! | t c1=x | t c1~2=y",
            "a c1! | t c1=x | u hi | a c1! | t c1=y              > a c1! | t c1=x | u hi | a c1~2! | t c1~2=y",
            "a c1! | u hi | a c1! | t c1=y                       > u hi | a c1! | t c1=y",
            "a c1! | t c1=x | u hi | a c1! | u hi | t c1=y       > a c1! | t c1=x | u hi | a c1~2! | t c1~2=y | u hi",
            "a c1! c1~2! | t c1=x | t c1~2=y | a c1! | t c1=z    > a c1! c1~2! | t c1=x | t c1~2=y | a c1~3! | t c1~3=z",
            "a c1! | t c1=x | a c1! | t c1=y | a c1~2! | t c1~2=z > a c1! | t c1=x | a c1~2! | t c1~2=y | a c1~2~2! | t c1~2~2=z",
            "a ! | t =x                                          > a call! | t call=x"
    })
    void callsAndResultsPair(String conversation, String expected) {
        ArrayNode messages = JsonNodeFactory.instance.arrayNode();
        CloudMessages.write(Arrays.stream(conversation.split(" \\| ")).map(CloudMessagesTest::parsed).toList(), messages);

        assertThat(String.join(" | ", shortened(messages))).isEqualTo(expected);
        OpenAiHistory.assertPaired(messages);
    }

    private static ChatMessage parsed(String message) {
        String[] words = message.split(" ");
        Role role = words[0].equals("u") ? Role.USER : words[0].equals("a") ? Role.ASSISTANT : Role.TOOL;
        return new ChatMessage(role, Arrays.stream(words).skip(1).map(word -> {
            int at = word.indexOf('=');
            if (word.endsWith("!")) {
                return new Part.ToolCall(word.substring(0, word.length() - 1), "f", RawJson.EMPTY_OBJECT, null);
            }
            return at < 0 ? text(word)
                    : role == Role.TOOL ? new Part.ToolResult(word.substring(0, at), word.substring(at + 1))
                            : new Part.ToolCall(word.substring(0, at), "f", RawJson.EMPTY_OBJECT,
                                    RawJson.string(word.substring(at + 1)));
        }).toList());
    }

    private static List<String> shortened(ArrayNode messages) {
        List<String> lines = new ArrayList<>();
        for (JsonNode message : messages) {
            String content = message.path("content").asText();
            if (message.path("role").asText().equals("tool")) {
                lines.add("t " + message.path("tool_call_id").asText() + "=" + content);
                continue;
            }
            StringBuilder line = new StringBuilder(message.path("role").asText().substring(0, 1));
            line.append(content.isEmpty() ? "" : " " + content);
            message.path("tool_calls").forEach(call -> line.append(' ').append(call.path("id").asText()).append('!'));
            lines.add(line.toString());
        }
        return lines;
    }

    @Test
    void anOutputThatIsNoTextIsToldAsItsJson() {
        assertThat(told(said(Role.ASSISTANT, new Part.ToolCall("c1", "f", RawJson.EMPTY_OBJECT, new RawJson("{\"a\": 1.50}")))))
                .contains("{\"role\":\"tool\",\"tool_call_id\":\"c1\",\"content\":\"{\\\"a\\\": 1.50}\"}");
    }
}
