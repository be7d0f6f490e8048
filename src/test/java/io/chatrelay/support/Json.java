package io.chatrelay.support;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.StreamSupport;

import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** JSON of requests and answers. */
public final class Json {

    private static final ObjectMapper MAPPER = new ObjectMapper();

    private Json() {}

    public static JsonNode read(String json) {
        try {
            return MAPPER.readTree(json);
        } catch (IOException e) {
            throw new UncheckedIOException("not JSON: " + json, e);
        }
    }

    /** An empty one. */
    public static ObjectNode object() {
        return MAPPER.createObjectNode();
    }

    /** As text, its members in the order of their names: what is stored keeps no other. */
    public static String sorted(JsonNode json) {
        try {
            return MAPPER.writer(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
                    .writeValueAsString(MAPPER.treeToValue(json, Object.class));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As text, all but ASCII escaped: so that half a character can be seen. */
    public static String ascii(JsonNode json) {
        try {
            return MAPPER.writer().with(JsonWriteFeature.ESCAPE_NON_ASCII).writeValueAsString(json);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Single quotes instead of double ones, so that a test can be read. */
    public static ObjectNode of(String json) {
        return (ObjectNode) read(json.replace('\'', '"'));
    }

    /** A request that asks one thing. */
    public static ObjectNode ask(String text) {
        ObjectNode body = MAPPER.createObjectNode();
        body.putArray("messages").addObject().put("role", "user").put("content", text);
        return body;
    }

    public static ObjectNode ask(String conversation, String text) {
        return ask(text).put("conversationId", conversation);
    }

    /** The strings at a JSON pointer of each element. */
    public static List<String> each(Iterable<JsonNode> nodes, String pointer) {
        return StreamSupport.stream(nodes.spliterator(), false).map(node -> node.at(pointer).asText()).toList();
    }

    /** The text of a stored message. */
    public static String text(JsonNode message) {
        List<String> text = new ArrayList<>();
        message.path("parts").forEach(part -> text.add(part.path("text").asText("")));
        return String.join("", text);
    }
}
