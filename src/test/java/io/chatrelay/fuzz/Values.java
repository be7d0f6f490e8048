package io.chatrelay.fuzz;

import java.util.List;
import java.util.Random;
import java.util.UUID;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.ApiDocument;

/** Values that a schema allows, and values that no schema does. */
final class Values {

    /** In every text that a user could have written: none of it may be found in the log. */
    static final String MARK = "zq7secret";
    static final int CONVERSATIONS = 40;

    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    private static final List<String> ODD = List.of("", " ", "\u0000", "null", "true", "-1", "0", "1e999", "NaN",
            "\ud83e\udd8a", "\ud83e", "\udd8a", "\u202e", "\r\n", "a\tb", "../../etc/passwd", "%00", "%ff", "' or 1=1 --",
            "${jndi:x}", "{{7*7}}",
            "é".repeat(200), "x".repeat(300), "x".repeat(70_000), "<script>", "\\", "\"", "ÿþ", "🦊".repeat(130),
            "fuzz-1", "00000000-0000-0000-0000-000000000000", "9".repeat(400));

    private final ApiDocument document;
    private final Random random;

    Values(ApiDocument document, Random random) {
        this.document = document;
        this.random = random;
    }

    boolean chance(int percent) {
        return random.nextInt(100) < percent;
    }

    <T> T of(List<T> choices) {
        return choices.get(random.nextInt(choices.size()));
    }

    String conversation() {
        return "fuzz-" + random.nextInt(CONVERSATIONS);
    }

    String odd() {
        String odd = of(ODD);
        return chance(50) ? odd : MARK + odd;
    }

    /** A short question, for each of its words is answered at the pace of a model; now and then one whose tool asks for approval. */
    private String question() {
        return chance(2) ? "use tool delete_file" : "echo " + MARK + random.nextInt(1000);
    }

    /** A value as a schema describes it, of a member of that name. */
    JsonNode valid(JsonNode schema, String name, int depth) {
        JsonNode meant = document.resolved(schema);
        switch (name) {
            case "conversationId", "id" -> {
                return JSON.textNode(conversation());
            }
            case "model" -> {
                return JSON.textNode(of(List.of("agents", "cloud")));
            }
            case "role" -> {
                return JSON.textNode(chance(85) ? "user" : of(List.of("system", "assistant", "tool")));
            }
            case "content" -> {
                return JSON.textNode(question());
            }
            case "parts" -> {
                return JSON.arrayNode().add(JSON.objectNode().put("type", "text").put("text", question()));
            }
            default -> {}
        }
        if (meant.has("enum")) {
            return meant.get("enum").get(random.nextInt(meant.get("enum").size()));
        }
        JsonNode type = meant.path("type");
        String one = type.isArray() ? type.get(random.nextInt(type.size())).asText() : type.asText("string");
        return switch (one) {
            case "object" -> object(meant, depth);
            case "array" -> array(meant, name, depth);
            case "integer" -> JSON.numberNode(meant.path("minimum").asLong(0) + random.nextInt(3));
            case "number" -> JSON.numberNode(meant.path("minimum").asDouble(0) + random.nextDouble());
            case "boolean" -> JSON.booleanNode(random.nextBoolean());
            case "null" -> JSON.nullNode();
            default -> JSON.textNode(meant.path("format").asText().equals("uuid") ? new UUID(random.nextLong(), 7).toString()
                    : MARK + random.nextInt(100));
        };
    }

    private ObjectNode object(JsonNode schema, int depth) {
        ObjectNode object = JSON.objectNode();
        schema.path("properties").properties().forEach(member -> {
            boolean required = false;
            for (JsonNode name : schema.path("required")) {
                required |= name.asText().equals(member.getKey());
            }
            if (required || depth < 3 && chance(7)) {
                object.set(member.getKey(), valid(member.getValue(), member.getKey(), depth + 1));
            }
        });
        saysSomething(object, schema.path("properties"), depth);
        return object;
    }

    /** What a message has to say, and to whom, the schema cannot tell. */
    private void saysSomething(ObjectNode object, JsonNode members, int depth) {
        if (members.has("content") && !object.has("content") && !object.has("parts")) {
            String name = chance(50) ? "content" : "parts";
            object.set(name, valid(members.path(name), name, depth + 1));
        }
        if (members.has("model") && !object.has("model") && chance(95)) {
            object.set("model", valid(members.path("model"), "model", depth + 1));
        }
    }

    private ArrayNode array(JsonNode schema, String name, int depth) {
        ArrayNode array = JSON.arrayNode();
        int size = Math.max(schema.path("minItems").asInt(0), random.nextInt(3));
        for (int i = 0; i < size; i++) {
            array.add(valid(schema.path("items"), name + "[]", depth + 1));
        }
        return array;
    }

    /** A value of any type. */
    JsonNode any() {
        return switch (random.nextInt(12)) {
            case 0 -> JSON.nullNode();
            case 1 -> JSON.booleanNode(random.nextBoolean());
            case 2 -> JSON.numberNode(random.nextLong());
            case 3 -> JSON.numberNode(random.nextDouble() * 1e300);
            case 4 -> JSON.arrayNode();
            case 5 -> JSON.objectNode();
            case 6 -> JSON.arrayNode().add(JSON.arrayNode().add(JSON.nullNode()));
            case 7 -> JSON.objectNode().put(odd(), odd());
            case 8 -> JSON.numberNode(-1);
            default -> JSON.textNode(odd());
        };
    }
}
