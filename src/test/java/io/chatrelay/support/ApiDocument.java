package io.chatrelay.support;

import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;

/** The service's OpenAPI document, as far as requests are made of it and answers are compared with it. */
public final class ApiDocument {

    /** @param in path, query or header */
    public record Parameter(String name, String in, JsonNode schema) {}

    /**
     * One call.
     *
     * @param body      the schema of its JSON body; missing where it has none
     * @param examples  bodies that the document gives
     * @param responses by status, or {@code default}
     */
    public record Operation(String method, String path, List<Parameter> parameters, JsonNode body, List<JsonNode> examples,
            JsonNode responses) {

        private boolean isAt(String method, String path) {
            return this.method.equals(method)
                    && Pattern.matches(this.path.replaceAll("\\{[^/]+}", "[^/]+"), path);
        }
    }

    /** A stream without an end: nobody waits for all of a good answer. */
    public static final String ENDLESS = "/run/v1/tool-approvals/stream";

    private static final String STREAM = "text/event-stream";
    private static final Set<String> METHODS = Set.of("get", "put", "post", "delete", "patch", "options", "head", "trace");

    private final JsonNode document;
    private final List<Operation> operations = new ArrayList<>();

    public ApiDocument(JsonNode document) {
        this.document = document;
        document.path("paths").properties().forEach(path -> path.getValue().properties().stream()
                .filter(method -> METHODS.contains(method.getKey()))
                .forEach(method -> operations
                        .add(operation(method.getKey(), path.getKey(), path.getValue(), method.getValue()))));
    }

    private Operation operation(String method, String path, JsonNode shared, JsonNode described) {
        List<Parameter> parameters = new ArrayList<>();
        for (JsonNode list : List.of(shared.path("parameters"), described.path("parameters"))) {
            list.forEach(reference -> {
                JsonNode parameter = resolved(reference);
                parameters.add(new Parameter(parameter.path("name").asText(), parameter.path("in").asText(),
                        resolved(parameter.path("schema"))));
            });
        }
        JsonNode content = resolved(described.path("requestBody")).path("content").path("application/json");
        List<JsonNode> examples = new ArrayList<>();
        content.path("examples").forEach(example -> examples.add(example.path("value")));
        return new Operation(method.toUpperCase(Locale.ROOT), path, parameters, resolved(content.path("schema")), examples,
                described.path("responses"));
    }

    public List<Operation> operations() {
        return operations;
    }

    /** The call that a request makes, if the document knows it. {@code HEAD} is described where {@code GET} is. */
    public Optional<Operation> operation(String method, String path) {
        String described = method.equals("HEAD") ? "GET" : method;
        return operations.stream().filter(operation -> operation.isAt(described, path)).findFirst();
    }

    /** What a call's answer of that status looks like; empty where the document has nothing of it. */
    private Optional<JsonNode> response(Operation operation, int status) {
        JsonNode exact = operation.responses().path(Integer.toString(status));
        JsonNode found = exact.isMissingNode() && status >= 400 ? operation.responses().path("default") : exact;
        return found.isMissingNode() ? Optional.empty() : Optional.of(resolved(found));
    }

    /**
     * What of an answer is not as the document has it: its status, its type and its JSON.
     *
     * @param type of its body, without parameters
     * @param body empty where it has none
     */
    public List<String> undocumented(Operation operation, int status, String type, String body) {
        Optional<JsonNode> response = response(operation, status);
        if (response.isEmpty()) {
            return List.of("a status that is not documented: " + status);
        }
        if (body.isEmpty()) {
            return List.of();
        }
        JsonNode content = response.get().path("content");
        if (content.isEmpty()) {
            return status >= 400 ? List.of("a body that is not documented for " + status) : List.of();
        }
        if (content.path(type).isMissingNode()) {
            return List.of("a type that is not documented for %d: '%s'".formatted(status, type));
        }
        if (type.equals(STREAM)) {
            return List.of();
        }
        try {
            return violations(content.path(type).path("schema"), Json.read(body), status + ": body");
        } catch (UncheckedIOException e) {
            return List.of(status + ": a body that is no JSON");
        }
    }

    /** The schema of that name. */
    public JsonNode schema(String name) {
        return document.path("components").path("schemas").path(name);
    }

    /** What a reference means; anything else means itself. */
    public JsonNode resolved(JsonNode node) {
        JsonNode found = node;
        while (found.has("$ref")) {
            found = document.at(found.get("$ref").asText().substring(1));
        }
        return found == null ? MissingNode.getInstance() : found;
    }

    /** What of a value is not as its schema says: required members, types and choices. */
    private List<String> violations(JsonNode schema, JsonNode value, String at) {
        List<String> found = new ArrayList<>();
        JsonNode meant = resolved(schema);
        if (meant.has("type") && !isOneOf(meant.get("type"), value)) {
            found.add(at + " is no " + meant.get("type"));
            return found;
        }
        if (meant.has("enum") && !contains(meant.get("enum"), value)) {
            found.add(at + " is none of " + meant.get("enum"));
        }
        if (value.isObject()) {
            meant.path("required").forEach(name -> {
                if (!value.has(name.asText())) {
                    found.add(at + "." + name.asText() + " is missing");
                }
            });
            for (Map.Entry<String, JsonNode> member : value.properties()) {
                found.addAll(violations(meant.path("properties").path(member.getKey()), member.getValue(),
                        at + "." + member.getKey()));
            }
        }
        for (int i = 0; value.isArray() && i < value.size(); i++) {
            found.addAll(violations(meant.path("items"), value.get(i), at + "[" + i + "]"));
        }
        return found;
    }

    private static boolean contains(JsonNode choices, JsonNode value) {
        for (JsonNode choice : choices) {
            if (choice.equals(value)) {
                return true;
            }
        }
        return false;
    }

    private static boolean isOneOf(JsonNode types, JsonNode value) {
        if (!types.isArray()) {
            return is(types.asText(), value);
        }
        for (JsonNode type : types) {
            if (is(type.asText(), value)) {
                return true;
            }
        }
        return false;
    }

    private static boolean is(String type, JsonNode value) {
        return switch (type) {
            case "object" -> value.isObject();
            case "array" -> value.isArray();
            case "string" -> value.isTextual();
            case "integer" -> value.isIntegralNumber();
            case "number" -> value.isNumber();
            case "boolean" -> value.isBoolean();
            case "null" -> value.isNull();
            default -> throw new IllegalStateException("the document has a type that is not known here: " + type);
        };
    }
}
