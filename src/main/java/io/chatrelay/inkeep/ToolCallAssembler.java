package io.chatrelay.inkeep;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.RawJson;
import io.chatrelay.inkeep.ToolCallIds.Tracked;

/**
 * Puts the pieces of an answer's calls together. OpenAI names a call by {@code index}; others leave it out, or say 0 of every call: so a
 * new id is a new call, and so is a name where a call is complete. Arguments come as text, or as the value itself.
 */
final class ToolCallAssembler {

    private static final class Gathered {
        final Tracked call;
        final String id;
        final String name;
        final StringBuilder arguments = new StringBuilder();
        private final Nesting nesting = new Nesting();
        /** Whether its name came once more without arguments, after all of its own: its end, or the beginning of another call. */
        boolean namedAgain;

        Gathered(Tracked call, String id, String name) {
            this.call = call;
            this.id = id;
            this.name = name;
        }

        void append(String piece) {
            for (int i = 0; i < piece.length(); i++) {
                nesting.take(piece.charAt(i));
            }
            arguments.append(piece);
        }

        boolean isComplete() {
            String text = nesting.isOpen() ? "" : arguments.toString();
            return !text.isBlank() && RawJson.of(text).equals(new RawJson(text.strip()));
        }
    }

    /** What of a JSON text is still open, a character at a time: the text is not read from its start for each of its pieces. */
    private static final class Nesting {
        private int depth;
        private boolean inString;
        private boolean escaped;

        void take(char next) {
            if (inString) {
                inString = escaped || next != '"';
                escaped = !escaped && next == '\\';
            } else {
                switch (next) {
                    case '"' -> inString = true;
                    case '{', '[' -> depth++;
                    case '}', ']' -> depth--;
                    default -> {}
                }
            }
        }

        boolean isOpen() {
            return inString || depth > 0;
        }
    }

    private static final Set<String> OF_CALL = Set.of("index", "id", "type", "function", "custom");
    private static final Set<String> OF_FUNCTION = Set.of("name", "arguments", "input");

    private final PartBoundaries brackets;
    private final List<Gathered> all = new ArrayList<>();
    private final Map<Integer, Gathered> byIndex = new HashMap<>();
    private boolean isListed;

    ToolCallAssembler(PartBoundaries brackets) {
        this.brackets = brackets;
    }

    /** Takes the pieces of one delta. What is no piece of a call, and what nobody knows of one, comes back. */
    Optional<JsonNode> take(JsonNode pieces, List<ChatEvent> out) {
        isListed |= pieces.isArray() && !pieces.isEmpty();
        return pieces(pieces, out);
    }

    /**
     * Takes a piece of the only call that an answer had before there were several: OpenAI's {@code function_call}. Beside a list of calls it says
     * one of them again, and comes back.
     */
    Optional<JsonNode> takeOnly(JsonNode function, List<ChatEvent> out) {
        if (BoundedJson.isEmpty(function)) {
            return Optional.empty();
        }
        return isListed || !function.isObject() ? Optional.of(function)
                : pieces(JsonNodeFactory.instance.arrayNode()
                        .add(JsonNodeFactory.instance.objectNode().set("function", function)), out);
    }

    private Optional<JsonNode> pieces(JsonNode pieces, List<ChatEvent> out) {
        ArrayNode rest = JsonNodeFactory.instance.arrayNode();
        if (pieces.isArray()) {
            for (JsonNode piece : pieces) {
                if (piece.isObject() && piece(piece, out)) {
                    others(piece, rest);
                } else {
                    rest.add(piece);
                }
            }
        } else if (!pieces.isMissingNode() && !pieces.isNull()) {
            rest.add(pieces);
        }
        return rest.isEmpty() ? Optional.empty() : Optional.of(rest);
    }

    private static void others(JsonNode piece, ArrayNode rest) {
        ObjectNode others = JsonNodeFactory.instance.objectNode();
        piece.properties().stream().filter(member -> !OF_CALL.contains(member.getKey()) && !member.getValue().isNull())
                .forEach(member -> others.set(member.getKey(), member.getValue()));
        function(piece).properties().stream()
                .filter(member -> !OF_FUNCTION.contains(member.getKey()) && !member.getValue().isNull())
                .forEach(member -> others.set(member.getKey(), member.getValue()));
        if (!others.isEmpty()) {
            rest.add(others.setAll((ObjectNode) JsonNodeFactory.instance.objectNode().set("id", piece.path("id"))));
        }
    }

    private static JsonNode function(JsonNode piece) {
        return piece.has("function") ? piece.path("function") : piece.path("custom");
    }

    /** False for a piece that belongs to no call. */
    private boolean piece(JsonNode piece, List<ChatEvent> out) {
        Integer index = piece.path("index").isIntegralNumber() ? Integer.valueOf(piece.get("index").asInt()) : null;
        String id = piece.path("id").asText("");
        JsonNode function = function(piece);
        String name = function.path("name").asText("");
        JsonNode arguments = function.has("arguments") ? function.get("arguments") : function.path("input");
        boolean says = !written(arguments).isBlank();
        Gathered call = known(index, id, name);
        if (call == null || beginsAnother(call, name, says)) {
            name = name.isEmpty() && call != null ? call.name : name;
            if (name.isEmpty()) {
                return false;
            }
            String upstreamId = id.isEmpty() ? "call-" + all.size() : id;
            call = new Gathered(brackets.inputStarted(upstreamId, SurrogateJoiner.of(name), out), id, name);
            all.add(call);
        } else if (!name.isEmpty() && !says) {
            call.namedAgain |= call.isComplete();
        }
        if (index != null) {
            byIndex.put(index, call);
        }
        append(call, arguments, out);
        return true;
    }

    /** Arguments as text: some send the value itself. */
    private static String written(JsonNode arguments) {
        return arguments.isMissingNode() || arguments.isNull() ? ""
                : arguments.isTextual() ? arguments.asText() : arguments.toString();
    }

    /** The call that the piece's index and id mean, or null for a new one. */
    private Gathered known(Integer index, String id, String name) {
        Gathered call = index != null ? byIndex.get(index) : id.isEmpty() ? all.isEmpty() ? null : all.getLast() : of(id);
        if (call != null && !id.isEmpty() && !call.id.isEmpty() && !id.equals(call.id)) {
            // One index for all: a piece without a name goes on with the call of its id.
            return name.isEmpty() ? of(id) : null;
        }
        return call;
    }

    /** Whether a piece begins another call of that index and id: by another name, or by what it says where this call has been named anew. */
    private static boolean beginsAnother(Gathered call, String name, boolean says) {
        return !name.isEmpty() && !name.equals(call.name)
                || says && (!name.isEmpty() || call.namedAgain) && call.isComplete();
    }

    private Gathered of(String id) {
        return all.stream().filter(one -> one.id.equals(id)).reduce((_, later) -> later).orElse(null);
    }

    private void append(Gathered call, JsonNode arguments, List<ChatEvent> out) {
        String piece = written(arguments);
        if (!piece.isEmpty()) {
            call.append(piece);
            brackets.inputDelta(call.call, piece, out);
        }
    }

    int size() {
        return all.size();
    }

    /** The answer is over: what was gathered is whole. */
    void whole(List<ChatEvent> out) {
        for (Gathered call : all) {
            String arguments = SurrogateJoiner.of(call.arguments.toString());
            brackets.called(call.call, arguments.isBlank() ? RawJson.EMPTY_OBJECT : SurrogateJoiner.of(RawJson.of(arguments)),
                    true,
                    out);
        }
    }
}
