package io.chatrelay.event;

import static io.chatrelay.support.Events.json;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import io.chatrelay.support.Events;

class MessagePartsTest {

    static List<Part> parts() {
        return List.of(new Part.Text("Hi \"you\"\n🦊"), new Part.Text(""),
                new Part.File("image/png", "data:image/png;base64,AA", "a.png", null),
                new Part.File("image/*", "https://e.com/a", null, "low"), new Part.Refusal("No."),
                new Part.ToolCall("c", "get-time", json("{\"a\":1.50}"), null),
                new Part.ToolCall("c", "t", json("{}"), json("[1,null]")),
                new Part.ToolCall("c", "t", json("null"), json("null")),
                new Part.ToolResult("c", "noon"), new Part.ToolResult("c", ""));
    }

    @ParameterizedTest
    @MethodSource("parts")
    void aPartComesBack(Part part) {
        assertThat(MessageParts.read(MessageParts.write(List.of(part)))).containsExactly(part);
    }

    @Test
    void partsComeBackInTheirOrder() {
        assertThat(MessageParts.read(MessageParts.write(parts()))).isEqualTo(parts());
    }

    @Test
    void aMessageWithoutPartsIsAnEmptyArray() {
        assertThat(MessageParts.write(List.of())).isEqualTo("[]");
        assertThat(MessageParts.read("[]")).isEmpty();
    }

    @Test
    void aDataPartIsStoredButNotToldAgain() {
        String stored = MessageParts.write(List.of(new Part.Data("data-x", "1", json("{\"a\":1}")), new Part.Text("Hi")));

        assertThat(stored)
                .isEqualTo("[{\"type\":\"data-x\",\"id\":\"1\",\"data\":{\"a\":1}},{\"type\":\"text\",\"text\":\"Hi\"}]");
        assertThat(MessageParts.read(stored)).containsExactly(new Part.Text("Hi"));
        assertThat(MessageParts.whole(stored)).as("but to the upstream that it was meant for")
                .containsExactly(new Part.Data("data-x", "1", json("{\"a\":1}")), new Part.Text("Hi"));
    }

    @Test
    void whatJsonbRefusesIsReplaced() {
        assertThat(MessageParts
                .write(List.of(new Part.Text("a\u0000"), new Part.ToolCall("c\u0000", "t\ud83e", json("\"\\u0000\""), null))))
                .isEqualTo("[{\"type\":\"text\",\"text\":\"a\ufffd\"},{\"type\":\"tool-t\ufffd\",\"toolCallId\":\"c\ufffd\","
                        + "\"state\":\"input-available\",\"input\":\"\ufffd\"}]");
    }

    @Test
    void whatATurnLeftIsReadAsTextAndCalls() {
        Transcript transcript = new Transcript();
        Events.OF_EVERY_KIND.forEach(transcript::apply);

        assertThat(MessageParts.read(transcript.parts())).containsExactly(new Part.Text("Let me see."),
                new Part.ToolCall("c1", "get_time", json("{\"tz\":\"UTC\"}"), json("{\"now\":1.50}")),
                new Part.ToolCall("c2", "delete_file", json("{}"), null),
                new Part.ToolCall("c3", "boom", json("{}"), json("\"exploded\"")),
                new Part.Text("Noon."), new Part.ToolCall("c1~2", "get_time", json("{}"), null));
    }

    @Test
    void membersAndSpacesThatPostgresqlAddsOrALaterVersionKnowsDoNotMatter() {
        assertThat(
                MessageParts.read("[{\"text\": \"Hi\", \"type\": \"text\", \"new\": {\"a\": [1]}}, {\"type\": \"brand-new\"}]"))
                .containsExactly(new Part.Text("Hi"));
    }
}
