package io.chatrelay.turn;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

import io.chatrelay.event.JsonWriter;
import io.chatrelay.event.RawJson;
import io.chatrelay.event.UnlimitedJson;
import io.chatrelay.upstream.Upstream;

/**
 * The part of a turn's request beside its message, as it is stored while the turn runs.
 *
 * @param parameters request fields by name; stored as strings, so that they are read back unchanged
 * @param headers    only those that the upstream forwards: nothing else of a caller's request is ever stored
 */
record StoredRequest(Map<String, RawJson> parameters, Map<String, String> headers) {

    private static final Set<String> KNOWN = Set.of("parameters", "headers");

    /** What a takeover needs of the request; null for an upstream without memory, which is never sent a request again. */
    static StoredRequest forTakeover(SendCommand command, Upstream upstream) {
        return upstream.remembers() ? of(command, upstream) : null;
    }

    /** All that the upstream is to be given. */
    static StoredRequest of(SendCommand command, Upstream upstream) {
        return new StoredRequest(command.parameters(), upstream.passes(command.headers()));
    }

    String write() {
        JsonWriter out = new JsonWriter(128).ascii("{\"parameters\":{");
        Map<String, String> values = HashMap.newHashMap(parameters.size());
        parameters.forEach((name, value) -> values.put(name, value.text()));
        members(out, values);
        members(out.ascii("},\"headers\":{"), headers);
        return out.ascii("}}").toString();
    }

    private static void members(JsonWriter out, Map<String, String> members) {
        String separator = "";
        for (Map.Entry<String, String> member : members.entrySet()) {
            out.ascii(separator).string(member.getKey()).ascii(':').string(member.getValue());
            separator = ",";
        }
    }

    /** Empty if a version that did not store the request began the turn. Fields that a later version adds are ignored, whatever their shape. */
    static Optional<StoredRequest> read(String json) {
        if (json == null) {
            return Optional.empty();
        }
        Map<String, Map<String, String>> parts = new HashMap<>();
        try (JsonParser parser = UnlimitedJson.FACTORY.createParser(json)) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String part = parser.currentName();
                if (parser.nextToken() != JsonToken.START_OBJECT || !KNOWN.contains(part)) {
                    parser.skipChildren();
                    continue;
                }
                Map<String, String> members = parts.computeIfAbsent(part, _ -> new HashMap<>());
                while (parser.nextToken() == JsonToken.FIELD_NAME) {
                    String name = parser.currentName();
                    if (parser.nextToken() == JsonToken.VALUE_STRING) {
                        members.put(name, parser.getText());
                    }
                    parser.skipChildren();
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("a stored request cannot be read", e);
        }
        Map<String, RawJson> parameters = new HashMap<>();
        parts.getOrDefault("parameters", Map.of()).forEach((name, text) -> parameters.put(name, new RawJson(text)));
        return Optional.of(new StoredRequest(parameters, parts.getOrDefault("headers", Map.of())));
    }
}
