package io.chatrelay.inkeep;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;

import io.chatrelay.event.JsonWriter;
import io.chatrelay.event.RawJson;
import io.chatrelay.event.UntrustedJsonFactory;

/** The members of one JSON object: strings are decoded, every other value keeps its original text, so that it is passed on unchanged. */
final class JsonMembers {

    // The frame size is already bounded; this only prevents a number or a name from filling the whole frame.
    private static final JsonFactory JSON = UntrustedJsonFactory
            .builder(StreamReadConstraints.builder().maxStringLength(Integer.MAX_VALUE).maxNumberLength(10_000)
                    .maxNameLength(10_000).maxNestingDepth(500).build())
            .build();

    private final Map<String, Object> members;

    private JsonMembers(Map<String, Object> members) {
        this.members = members;
    }

    /** @throws IOException if the text is not exactly one complete JSON object */
    static JsonMembers of(String json) throws IOException {
        Map<String, Object> members = HashMap.newHashMap(4);
        try (JsonParser parser = JSON.createParser(json)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new IOException("not a JSON object");
            }
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String name = parser.currentName();
                JsonToken value = parser.nextToken();
                if (value == JsonToken.VALUE_STRING) {
                    members.put(name, parser.getText());
                } else if (value != JsonToken.VALUE_NULL) {
                    members.put(name, raw(parser, json));
                }
            }
            if (parser.nextToken() != null) {
                throw new IOException("more than one JSON object");
            }
        }
        return new JsonMembers(members);
    }

    private static RawJson raw(JsonParser parser, String json) throws IOException {
        int start = (int) parser.currentTokenLocation().getCharOffset();
        parser.skipChildren();
        parser.finishToken();
        return new RawJson(json.substring(start, end(parser)));
    }

    /** The end position of the value: after its closing bracket, or after the last character of a number or a literal. */
    private static int end(JsonParser parser) throws IOException {
        int start = (int) parser.currentTokenLocation().getCharOffset();
        JsonToken token = parser.currentToken();
        return token == JsonToken.END_OBJECT || token == JsonToken.END_ARRAY ? start + 1 : start + parser.getTextLength();
    }

    boolean has(String name) {
        return members.containsKey(name);
    }

    /** The string of that name as valid Unicode, or null if there is none. */
    String text(String name) {
        String piece = piece(name);
        return piece == null ? null : SurrogateJoiner.of(piece);
    }

    /** The string of that name as received, which may begin or end with half a surrogate pair; or null if there is none. */
    String piece(String name) {
        return members.get(name) instanceof String text ? text : null;
    }

    /** The value of that name as JSON of valid Unicode, or null if there is none. */
    RawJson json(String name) {
        return switch (members.get(name)) {
            case null -> null;
            case RawJson raw -> SurrogateJoiner.of(raw);
            case Object text -> RawJson.string(SurrogateJoiner.of(text.toString()));
        };
    }

    boolean isTrue(String name) {
        return members.get(name) instanceof RawJson raw && raw.text().equals("true");
    }

    /**
     * An object of the members that are in neither set, with those that identify what they belong to; or null if there are none.
     *
     * @param naming the known members that are always included
     */
    RawJson others(Set<String> known, Set<String> naming) {
        if (known.containsAll(members.keySet())) {
            return null;
        }
        JsonWriter out = new JsonWriter(128).ascii('{');
        String separator = "";
        for (String name : new TreeSet<>(members.keySet())) {
            if (!known.contains(name) || naming.contains(name)) {
                out.ascii(separator).string(SurrogateJoiner.of(name)).ascii(':').raw(json(name));
                separator = ",";
            }
        }
        return new RawJson(out.ascii('}').toString());
    }

    /** The object of that name, or one without members. */
    JsonMembers object(String name) throws IOException {
        return members.get(name) instanceof RawJson raw && raw.text().startsWith("{") ? of(raw.text())
                : new JsonMembers(Map.of());
    }
}
