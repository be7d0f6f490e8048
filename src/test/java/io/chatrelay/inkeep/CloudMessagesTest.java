package io.chatrelay.inkeep;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;

import org.junit.jupiter.api.Test;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;

import io.chatrelay.chat.Part;
import io.chatrelay.chat.Question.Said;
import io.chatrelay.chat.RawJson;
import io.chatrelay.chat.Role;

class CloudMessagesTest {

    private static final Part CALL = new Part.ToolCall("c1", "get_time", new RawJson("{\"tz\": \"UTC\"}"), null);

    private static String told(Said... conversation) {
        ArrayNode messages = JsonNodeFactory.instance.arrayNode();
        CloudMessages.write(List.of(conversation), messages);
        return messages.toString();
    }

    private static Said said(Role role, Part... parts) {
        return new Said(role, List.of(parts));
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
}
