package io.chatrelay.inkeep;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.ToolCalled;
import io.chatrelay.event.ChatEvent.ToolInputStarted;

/** Which call a piece belongs to, whatever of index, id and name its upstream repeats. */
class ToolCallAssemblerTest {

    private static final String WHOLE = "{\"q\":\"a\"}";
    private static final String ANOTHER = "{\"q\":\"b\"}";

    private final List<ChatEvent> events = new ArrayList<>();
    private final ToolCallAssembler calls = new ToolCallAssembler(new PartBoundaries());

    /** What is null is left out. */
    private void take(Integer index, String id, String name, String arguments) {
        ObjectNode piece = JsonNodeFactory.instance.objectNode();
        if (index != null) {
            piece.put("index", index);
        }
        if (id != null) {
            piece.put("id", id);
        }
        ObjectNode function = piece.putObject("function");
        if (name != null) {
            function.put("name", name);
        }
        if (arguments != null) {
            function.put("arguments", arguments);
        }
        assertThat(calls.take(JsonNodeFactory.instance.arrayNode().add(piece), events)).as("belongs to a call").isEmpty();
    }

    /** Each call in the order in which they began, once the answer is over: its id, its tool and its input. */
    private List<String> told() {
        calls.whole(events);
        List<String> called = events.stream().filter(ToolCalled.class::isInstance).map(ToolCalled.class::cast)
                .map(call -> "%s %s %s".formatted(call.callId(), call.toolName(), call.input().text())).toList();
        assertThat(events.stream().filter(ToolInputStarted.class::isInstance)).hasSameSizeAs(called);
        return called;
    }

    @ParameterizedTest
    @CsvSource({ "0,c1,search", "0,c1,", "0,,search", "0,'',search", ",c1,search", ",c1,", ",,search", ",,", "0,," })
    void aClosingPieceBeginsNoOtherCall(Integer index, String id, String name) {
        take(0, "c1", "search", WHOLE);

        take(index, id, name, "");
        take(index, id, name, null);

        assertThat(told()).containsExactly("c1 search " + WHOLE);
    }

    /** Some name the call in each of its pieces, and what was pretty-printed ends with a line break. */
    @ParameterizedTest
    @CsvSource({ "0,c1", "0,", ",c1", "," })
    void whiteSpaceBehindTheArgumentsBeginsNone(Integer index, String id) {
        for (String piece : List.of("{\n  \"q\":", " \"a\"", "\n}", "\n", " ")) {
            take(index, id, "search", piece);
        }

        assertThat(told()).containsExactly((id == null ? "call-0" : id) + " search {   \"q\": \"a\" }");
    }

    @Test
    void aPieceOfAnIdAloneGoesOnWithTheCallOfThatId() {
        take(null, "c1", "search", "{\"q\":");
        take(null, "c2", "search", "{\"q\":");
        take(null, "c1", null, "\"a\"");
        take(null, "c2", null, "\"b\"}");
        take(null, "c1", null, "}");

        assertThat(told()).containsExactly("c1 search " + WHOLE, "c2 search " + ANOTHER);
    }

    /** As some count who say 0 of every call. */
    @Test
    void anIdCountsForMoreThanAnIndex() {
        take(0, "c1", "search", "{\"q\":");
        take(0, "c2", "search", "{\"q\":");
        take(0, "c1", null, "\"a\"");
        take(0, null, null, "}");
        take(0, "c2", null, "\"b\"}");

        assertThat(told()).containsExactly("c1 search " + WHOLE, "c2 search " + ANOTHER);
    }

    @ParameterizedTest
    @ValueSource(strings = { "{\n  \"q\": \"a\"\n}", "{\n  \"q\": \"a\"\n}\n", "{\r\n  \"q\": \"a\"\r\n}\r\n",
            " {   \"q\": \"a\" } \t" })
    void prettyPrintedArgumentsAreWholeSoThatTheNextOfTheirNameIsAnotherCall(String arguments) {
        take(0, null, "search", arguments);
        take(0, null, "search", ANOTHER);

        List<String> told = told();

        assertThat(told).hasSize(2).last().isEqualTo("call-1 search " + ANOTHER);
        assertThat(told.getFirst().replace(" ", "")).isEqualTo("call-0search" + WHOLE);
    }

    @ParameterizedTest
    @CsvSource({ "0,c1,search", "0,,search", ",c1,search", ",,search", "0,c1,", "0,,", ",c1,", ",," })
    void argumentsMayComeInPieces(Integer index, String id, String name) {
        take(0, "c1", "search", "");
        for (String piece : List.of("{", "\"q", "\":\"", "a", "\"}")) {
            take(index, id, name, piece);
        }
        take(1, "c2", "lookup", "{}");

        assertThat(told()).containsExactly("c1 search " + WHOLE, "c2 lookup {}");
    }

    @Test
    void bracketsAndQuotesInsideTextEndNothing() {
        for (String piece : List.of("{\"q\":\"}]", "\\", "\"}", "\\\\", "\"}")) {
            take(0, null, "search", piece);
        }
        take(0, null, "search", WHOLE);

        assertThat(told()).containsExactly("call-0 search {\"q\":\"}]\\\"}\\\\\"}", "call-1 search " + WHOLE);
    }

    /** It begins as the one before it would be closed: only what comes next says which it was. */
    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void anotherCallOfTheSameNameMayBeginWithoutArguments(boolean counts) {
        Integer index = counts ? 0 : null;
        take(index, null, "search", "");
        take(index, null, null, WHOLE);

        take(index, null, "search", "");
        take(index, null, null, "{\"q\":");
        take(index, null, null, "\"b\"}");

        assertThat(told()).containsExactly("call-0 search " + WHOLE, "call-1 search " + ANOTHER);
    }

    @Test
    void anotherNameIsAnotherCallThoughTheOneBeforeItHasNoArguments() {
        take(0, null, "now", "");
        take(0, null, "search", WHOLE);

        assertThat(told()).containsExactly("call-0 now {}", "call-1 search " + WHOLE);
    }

    @Test
    void whatIsBehindWholeArgumentsIsKeptWithThem() {
        take(0, "c1", "search", WHOLE);
        take(0, null, null, " and more");

        assertThat(told()).containsExactly("c1 search \"{\\\"q\\\":\\\"a\\\"} and more\"");
    }

    @Test
    void aPieceOfNoCallComesBack() {
        ObjectNode piece = JsonNodeFactory.instance.objectNode().put("id", "c9");
        piece.putObject("function").put("arguments", "{}");

        assertThat(calls.take(JsonNodeFactory.instance.arrayNode().add(piece), events)).isPresent();
        assertThat(told()).isEmpty();
    }
}
