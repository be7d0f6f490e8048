package io.chatrelay.support.sse;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;

import io.chatrelay.support.Json;

/** The description of the service's streams, to which every event that a caller is told has to keep. */
public final class StreamDocument {

    private static final JsonNode DOCUMENT = read();
    private static final Map<String, Schema> SCHEMAS = schemas();
    private static final Map<String, String> OF_TYPES = ofTypes();

    private StreamDocument() {}

    private static JsonNode read() {
        try (InputStream in = StreamDocument.class.getResourceAsStream("/META-INF/asyncapi.yaml")) {
            return new ObjectMapper(new YAMLFactory()).readTree(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static JsonNode schema(String name) {
        return DOCUMENT.at("/components/schemas/" + name);
    }

    private static Map<String, Schema> schemas() {
        SchemaRegistry registry = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);
        Map<String, Schema> schemas = new HashMap<>();
        DOCUMENT.at("/components/messages").properties().forEach(message -> {
            ObjectNode whole = Json.object();
            whole.set("$ref", message.getValue().at("/payload/$ref"));
            whole.set("components", DOCUMENT.path("components"));
            schemas.put(message.getKey(), registry.getSchema(whole.toString(), InputFormat.JSON));
        });
        return schemas;
    }

    /** The message of each type of the AI SDK's parts. */
    private static Map<String, String> ofTypes() {
        Map<String, String> messages = new HashMap<>();
        SCHEMAS.keySet().forEach(message -> Optional.of(schema(message).at("/properties/type/const").asText())
                .filter(type -> !type.isEmpty()).ifPresent(type -> messages.put(type, message)));
        return messages;
    }

    public static JsonNode document() {
        return DOCUMENT;
    }

    /** In what the payload of a message is not as described; empty if it is. */
    public static List<String> violations(String message, String payload) {
        Schema schema = SCHEMAS.get(message);
        return schema == null ? List.of("no message is described as " + message)
                : schema.validate(payload, InputFormat.JSON).stream().map(Object::toString).toList();
    }

    /** In what an event is not as described; empty if it is. */
    public static List<String> violations(SseEvent event) {
        List<String> wrong = new ArrayList<>();
        boolean json = event.data().startsWith("{");
        String message = !json ? "done" : event.name().equals(SseEvent.MESSAGE) ? message(event.json()) : event.name();
        JsonNode fields = resolved(DOCUMENT.at("/components/messages/" + message + "/headers")).path("properties");
        if (!event.id().isEmpty() && !Pattern.matches(resolved(fields.path("id")).path("pattern").asText(), event.id())) {
            wrong.add("id: " + event.id());
        }
        if (!event.name().equals(fields.at("/event/const").asText(SseEvent.MESSAGE))) {
            wrong.add("event: " + event.name());
        }
        wrong.addAll(violations(message, json ? event.data() : '"' + event.data() + '"'));
        return wrong;
    }

    private static JsonNode resolved(JsonNode node) {
        return node.has("$ref") ? DOCUMENT.at(node.path("$ref").asText().substring(1)) : node;
    }

    private static String message(JsonNode data) {
        if (data.has("type")) {
            String type = data.path("type").asText();
            return type.startsWith("data-") ? "data" : OF_TYPES.getOrDefault(type, type);
        }
        return data.has("error") ? "failure" : "chunk";
    }
}
