package io.chatrelay.support;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.sse.SseEvent;

/** What a caller is told of an answer, on either wire, as a stream or in one piece, and as it is stored: as the same lines. */
public final class ToldParts {

    private final StringBuilder text = new StringBuilder();
    private final StringBuilder reasoning = new StringBuilder();
    private final StringBuilder refusal = new StringBuilder();
    private final Map<String, String> calls = new LinkedHashMap<>();
    private final List<String> others = new ArrayList<>();

    private ToldParts() {}

    public static ToldParts ofStream(Sse stream) {
        ToldParts told = new ToldParts();
        for (SseEvent event : stream.events()) {
            if (event.data().startsWith("{")) {
                assertWhole(event.json());
                told.frame(event.json());
            }
        }
        return told;
    }

    private void frame(JsonNode frame) {
        if (!frame.has("choices")) {
            part(frame);
            return;
        }
        message(frame.at("/choices/0/delta"));
        frame.at("/chat_relay/parts").forEach(this::part);
    }

    /** Of a {@code chat.completion}. */
    public static ToldParts ofWhole(JsonNode completion) {
        assertWhole(completion);
        ToldParts told = new ToldParts();
        told.message(completion.at("/choices/0/message"));
        completion.at("/chat_relay/parts").forEach(told::part);
        return told;
    }

    public static ToldParts ofStored(JsonNode message) {
        assertWhole(message);
        ToldParts told = new ToldParts();
        message.path("parts").forEach(told::stored);
        return told;
    }

    /** No half characters, which break every reader that is not UTF-16. */
    private static void assertWhole(JsonNode json) {
        assertThat(json.toString().codePoints().filter(point -> Character.getType(point) == Character.SURROGATE).count())
                .as(json.toString()).isZero();
    }

    private void message(JsonNode message) {
        text.append(message.path("content").asText(""));
        reasoning.append(message.path("reasoning_content").asText(""));
        refusal.append(message.path("refusal").asText(""));
        message.path("tool_calls").forEach(call -> called(call.path("id").asText(), call.at("/function/name").asText(),
                Json.read(call.at("/function/arguments").asText())));
    }

    private void called(String id, String name, JsonNode input) {
        assertThat(calls.put(id, "call %s %s %s".formatted(id, name, Json.sorted(input)))).as(id).matches(
                before -> before == null || before.equals("streaming %s %s".formatted(id, name)));
    }

    private void part(JsonNode part) {
        String type = part.path("type").asText();
        String id = part.path("toolCallId").asText();
        switch (type) {
            case "text-delta" -> text.append(part.path("delta").asText());
            case "reasoning-delta" -> reasoning.append(part.path("delta").asText());
            case "tool-input-start" -> assertThat(
                    calls.put(id, "streaming %s %s".formatted(id, part.path("toolName").asText()))).as(id).isNull();
            case "tool-input-available" -> called(id, part.path("toolName").asText(), part.path("input"));
            case "tool-input-error" -> calls.put(id, "refused %s %s %s: %s".formatted(id, part.path("toolName").asText(),
                    Json.sorted(part.path("input")), part.path("errorText").asText()));
            case "tool-approval-request" -> others.add("asks %s %s".formatted(id, part.path("approvalId").asText()));
            case "tool-output-available" -> settled(id, "= " + Json.sorted(part.path("output")));
            case "tool-output-error" -> settled(id, "failed: " + part.path("errorText").asText());
            case "tool-output-denied" -> settled(id, "denied");
            case "data-refusal" -> refusal.append(part.path("data").asText());
            default -> data(type, part);
        }
    }

    /** A call may tell its outcome more than once; the last one counts. */
    private void settled(String id, String outcome) {
        calls.compute(id, (_, call) -> call.split(" (=|failed:|denied)")[0] + " " + outcome);
    }

    private void data(String type, JsonNode part) {
        String id = part.has("id") ? "#%s ".formatted(part.path("id").asText()) : "";
        if (type.equals("data-tool-approval")) {
            others.add("decided %s %s".formatted(part.at("/data/toolCallId").asText(), part.at("/data/state").asText()));
        } else if (type.startsWith("data-") && !type.equals("data-operation")) {
            others.add("%s %s %s%s".formatted(part.path("transient").asBoolean() ? "transient" : "data", type, id,
                    Json.sorted(part.path("data"))));
        }
    }

    private void stored(JsonNode part) {
        String type = part.path("type").asText();
        if (type.equals("text")) {
            text.append(part.path("text").asText());
        } else if (type.equals("reasoning")) {
            reasoning.append(part.path("text").asText());
        } else if (type.startsWith("tool-")) {
            storedCall(part, type.substring("tool-".length()));
        } else {
            part(part);
        }
    }

    private void storedCall(JsonNode part, String name) {
        String id = part.path("toolCallId").asText();
        String state = part.path("state").asText();
        if (part.has("approval")) {
            others.add("asks %s %s".formatted(id, part.at("/approval/id").asText()));
        }
        ObjectNode again = part.deepCopy();
        if (!part.has("input")) {
            again.put("type", "tool-input-error").put("toolName", name).set("input", part.path("rawInput"));
            assertThat(state).isEqualTo("output-error");
            part(again);
            return;
        }
        called(id, name, part.path("input"));
        if (state.startsWith("output-")) {
            part(again.put("type", "tool-" + state));
        } else {
            assertThat(state).isEqualTo("input-available");
        }
    }

    public List<String> lines() {
        List<String> lines = new ArrayList<>(calls.values());
        lines.addAll(others);
        for (Map.Entry<String, StringBuilder> said : Map.of("text", text, "reasoning", reasoning, "refusal", refusal)
                .entrySet()) {
            if (!said.getValue().isEmpty()) {
                lines.add(said.getKey() + " " + said.getValue());
            }
        }
        return lines;
    }
}
