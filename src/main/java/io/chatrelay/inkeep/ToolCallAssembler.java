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
 * Assembles the pieces of an answer's calls. OpenAI identifies a call by {@code index}; other servers omit it, or send 0 for every call. So a
 * new id starts a new call, and so does a name if the current call is complete. Arguments arrive as text, or as the JSON value itself.
 */
final class ToolCallAssembler {

    private static final class Gathered {
        final Tracked call;
        final String id;
        final String name;
        final StringBuilder arguments = new StringBuilder();
        private final Nesting nesting = new Nesting();
        /** Whether its name arrived once more without arguments, after its arguments were complete: its end, or the beginning of another call. */
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

    /** Tracks what is still open in a JSON text, one character at a time, so that the text is not parsed from its start for each piece. */
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

    /** Takes the pieces of one delta. Returns what is not a piece of a call, and unknown members of calls. */
    Optional<JsonNode> take(JsonNode pieces, List<ChatEvent> out) {
        isListed |= pieces.isArray() && !pieces.isEmpty();
        return pieces(pieces, out);
    }

    /**
     * Takes a piece of the only call that an answer had before there were several: OpenAI's {@code function_call}. If the answer also has a
     * list of calls, the piece repeats one of them, and is returned.
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

    /** False if the piece belongs to no call. */
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

    /** Arguments as text: some servers send the JSON value itself. */
    private static String written(JsonNode arguments) {
        return arguments.isMissingNode() || arguments.isNull() ? ""
                : arguments.isTextual() ? arguments.asText() : arguments.toString();
    }

    /** The call that the piece's index and id identify, or null for a new one. */
    private Gathered known(Integer index, String id, String name) {
        Gathered call = index != null ? byIndex.get(index) : id.isEmpty() ? all.isEmpty() ? null : all.getLast() : of(id);
        if (call != null && !id.isEmpty() && !call.id.isEmpty() && !id.equals(call.id)) {
            // One index for all calls: a piece without a name continues the call with its id.
            return name.isEmpty() ? of(id) : null;
        }
        return call;
    }

    /**
     * Whether a piece begins another call with that index and id: its name differs, or it has arguments and this complete call was named again.
     */
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

    /** The answer is over: emits the gathered calls as complete. */
    void whole(List<ChatEvent> out) {
        for (Gathered call : all) {
            String arguments = SurrogateJoiner.of(call.arguments.toString());
            brackets.called(call.call, arguments.isBlank() ? RawJson.EMPTY_OBJECT : SurrogateJoiner.of(RawJson.of(arguments)),
                    true,
                    out);
        }
    }
}
