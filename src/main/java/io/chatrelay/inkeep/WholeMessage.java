package io.chatrelay.inkeep;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * The {@code message} of a choice. A server that does not stream gives it in place of deltas; some that do repeat in it what the deltas have
 * said so far, with each chunk or with the last one. So the last one counts, and of it what no delta has told.
 */
final class WholeMessage {

    /** What deltas told of a member: the length and the hash of its text, or its last value. */
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
     * What is left to be told of it.
     *
     * @param untold the members that no delta told
     * @param other  the whole message where it says otherwise than the deltas did, else null
     */
    record Rest(ObjectNode untold, JsonNode other) {}

    private final Map<String, Told> told = new HashMap<>();
    private JsonNode last = MissingNode.getInstance();

    /** What a delta says. */
    void told(JsonNode delta) {
        for (Map.Entry<String, JsonNode> member : delta.properties()) {
            if (!BoundedJson.isEmpty(member.getValue())) {
                told.computeIfAbsent(member.getKey(), _ -> new Told()).add(member.getValue());
            }
        }
    }

    /** Takes another message; gives the one before where the new one does not go on with it. */
    Optional<JsonNode> instead(JsonNode message) {
        if (message.isEmpty()) {
            return Optional.empty();
        }
        JsonNode before = last;
        last = message;
        boolean goesOn = message.path("content").asText("").startsWith(before.path("content").asText(""));
        return before.isMissingNode() || goesOn ? Optional.empty() : Optional.of(before);
    }

    /** Once: what is left of the last one. @param calls how many the deltas told */
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
