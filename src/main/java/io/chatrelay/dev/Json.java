package io.chatrelay.dev;

import java.io.IOException;
import java.util.Optional;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.MissingNode;

/** Reads what callers and scripts write. */
final class Json {

    // No table of names that all requests share: whoever tries names that collide would make others' unreadable.
    static final ObjectMapper MAPPER = JsonMapper
            .builder(JsonFactory.builder().disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES).build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

    private Json() {}

    /** Empty for anything that is not one JSON value. */
    static Optional<JsonNode> parse(byte[] body) {
        try {
            return Optional.of(MAPPER.readTree(body)).filter(node -> !node.isMissingNode());
        } catch (IOException _) {
            return Optional.empty();
        }
    }

    /** The data of an event; a missing node for {@code [DONE]} and for what a script broke on purpose. */
    static JsonNode ofEvent(String event) {
        try {
            return event.startsWith("data: ") ? MAPPER.readTree(event.substring(6)) : MissingNode.getInstance();
        } catch (JsonProcessingException _) {
            return MissingNode.getInstance();
        }
    }

    /** A field's text, or nothing: Jackson would read a null as the word "null". */
    static String text(JsonNode object, String field) {
        JsonNode value = object.path(field);
        return value.isTextual() ? value.asText() : "";
    }

    /** The text of the last message of the user, or nothing: of {@code content}, or joined from its text parts. */
    static String lastUserText(JsonNode body) {
        JsonNode last = lastUserMessage(body);
        JsonNode content = last.path("content");
        if (content.isTextual()) {
            return content.asText();
        }
        StringBuilder text = new StringBuilder();
        (content.isArray() ? content : last.path("parts")).forEach(part -> text.append(text(part, "text")));
        return text.toString();
    }

    static JsonNode lastUserMessage(JsonNode body) {
        JsonNode messages = body.path("messages");
        for (int i = messages.size() - 1; i >= 0; i--) {
            if (text(messages.path(i), "role").equals("user")) {
                return messages.path(i);
            }
        }
        return MissingNode.getInstance();
    }
}
