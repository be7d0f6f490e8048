package io.chatrelay.inkeep;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * The {@code message} of a choice. A server that does not stream sends it instead of deltas. Some servers that stream repeat in it the content
 * of the deltas so far, with each chunk or with the last one. So only the last message counts, and of it only what no delta contained.
 */
final class WholeMessage {

    /** What the deltas contained for a member: the length and the hash of its text, or its last value. */
    private static final class Told {
        long length;
        int hash;
        JsonNode value;

        void add(JsonNode piece) {
            value = piece;
            String text = piece.asText("");
            for (int i = 0; i < text.length(); i++) {
                hash = 31 * hash + text.charAt(i);
            }
            length += text.length();
        }

        boolean isSame(JsonNode whole) {
            return whole.isTextual() ? whole.asText().length() == length && whole.asText().hashCode() == hash
                    : whole.equals(value);
        }
    }

    /**
     * The part of the message that is still to be emitted.
     *
     * @param untold the members that no delta contained
     * @param other  the whole message if it contradicts the deltas, otherwise null
     */
    record Rest(ObjectNode untold, JsonNode other) {}

    private final Map<String, Told> told = new HashMap<>();
    private JsonNode last = MissingNode.getInstance();

    /** Records the content of a delta. */
    void told(JsonNode delta) {
        for (Map.Entry<String, JsonNode> member : delta.properties()) {
            if (!BoundedJson.isEmpty(member.getValue())) {
                told.computeIfAbsent(member.getKey(), _ -> new Told()).add(member.getValue());
            }
        }
    }

    /** Stores a new message. Returns the previous one if the new one does not continue it. */
    Optional<JsonNode> instead(JsonNode message) {
        if (message.isEmpty()) {
            return Optional.empty();
        }
        JsonNode before = last;
        last = message;
        boolean goesOn = message.path("content").asText("").startsWith(before.path("content").asText(""));
        return before.isMissingNode() || goesOn ? Optional.empty() : Optional.of(before);
    }

    /** Returns what is left of the last message, once. @param calls number of calls in the deltas */
    Rest rest(int calls) {
        JsonNode message = last;
        last = MissingNode.getInstance();
        ObjectNode untold = JsonNodeFactory.instance.objectNode();
        boolean differs = false;
        for (Map.Entry<String, JsonNode> member : message.properties()) {
            Told before = told.get(member.getKey());
            if (before == null) {
                untold.set(member.getKey(), member.getValue());
            } else if (member.getKey().equals("tool_calls")) {
                differs |= member.getValue().size() != calls;
            } else if (!member.getKey().equals("role") && !BoundedJson.isEmpty(member.getValue())) {
                differs |= !before.isSame(member.getValue());
            }
        }
        return new Rest(untold, differs ? message : null);
    }
}
