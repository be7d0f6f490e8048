package io.chatrelay.support.sse;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.Json;

/**
 * A server-sent event.
 *
 * @param id   that stands in it; empty where none does, which is what a protocol adds of its own
 * @param name by which an {@code EventSource} dispatches it
 */
public record SseEvent(String id, String name, String data) {

    static final String MESSAGE = "message";

    /** One without a name of its own. */
    public SseEvent(String id, String data) {
        this(id, MESSAGE, data);
    }

    /** Its place in its turn, which is the end of its id; 0 where it has none. */
    public long number() {
        return id.isEmpty() ? 0 : Long.parseLong(id.substring(id.indexOf('.') + 1));
    }

    public JsonNode json() {
        return Json.read(data);
    }

    /** The AI SDK's name of the part, or an empty text. */
    public String type() {
        return data.startsWith("{") ? json().path("type").asText("") : "";
    }

    /** The answer's text in it, on either wire; an empty text where it has none. */
    public String text() {
        if (!data.startsWith("{")) {
            return "";
        }
        JsonNode json = json();
        return json.path("type").asText().equals("text-delta") ? json.path("delta").asText()
                : json.at("/choices/0/delta/content").asText("");
    }
}
