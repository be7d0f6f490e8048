package io.chatrelay.dev;

import static io.chatrelay.dev.Wire.quote;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.dev.Answer.Reply;

/** The errors of the run API before a stream, in their three shapes; as recorded where the body is fixed. */
final class AgentsErrors {

    static final Reply UNAUTHORIZED = recorded("40-chat-no-auth-401");
    static final Reply WRONG_KEY = recorded("43-chat-unknown-key");
    static final Reply MALFORMED = recorded("44-chat-malformed-json");
    static final Reply NO_CONVERSATION_ID = recorded("37c-approval-missing-conversation-id");
    static final Reply APPROVAL_FOR_UNKNOWN_CONVERSATION = recorded("37b-approval-unknown-conversation");
    static final Reply UNKNOWN_CONVERSATION = recorded("63d-resume-unknown-conversation");
    static final Reply NO_SUCH_ROUTE = recorded("38-tool-approvals-endpoint-head");

    private static final Set<String> ROLES = Set.of("system", "user", "assistant", "function", "tool");

    private AgentsErrors() {}

    private static Reply recorded(String name) {
        return Reply.of(Recording.load("agents/" + name));
    }

    static Reply problem(int status, String message) {
        String code = switch (status) {
            case 400 -> "bad_request";
            case 404 -> "not_found";
            case 409 -> "conflict";
            case 429 -> "too_many_requests";
            default -> "internal_server_error";
        };
        String title = switch (status) {
            case 400 -> "Bad Request";
            case 404 -> "Not Found";
            case 409 -> "Conflict";
            case 429 -> "Too Many Requests";
            default -> "Internal Server Error";
        };
        return Reply.of(status, "application/problem+json", "{\"code\":\"" + code + "\",\"title\":\"" + title
                + "\",\"status\":" + status + ",\"detail\":" + quote(message) + ",\"error\":{\"code\":\"" + code
                + "\",\"message\":" + quote(message) + "}}");
    }

    static Reply duplicateMessage(String id) {
        return problem(409, "Message with id '" + id + "' already exists in this project");
    }

    /** What the schema says against a body: recordings 45, 46 and 47c. */
    static Optional<Reply> invalid(JsonNode body) {
        if (!body.isObject()) {
            return Optional.of(wrongType("object", body, "[]"));
        }
        JsonNode messages = body.path("messages");
        if (!messages.isArray()) {
            return Optional.of(wrongType("array", messages, "[\n      \"messages\"\n    ]"));
        }
        for (int i = 0; i < messages.size(); i++) {
            String at = "[\n      \"messages\",\n      " + i;
            if (!messages.path(i).isObject()) {
                return Optional.of(wrongType("object", messages.path(i), at + "\n    ]"));
            }
            if (!ROLES.contains(Json.text(messages.path(i), "role"))) {
                return Optional.of(wrongRole(at + ",\n      \"role\"\n    ]"));
            }
        }
        return Optional.empty();
    }

    /** What a fault refuses a decision with. */
    static Reply refusedDecision(int status) {
        return problem(status, "The decision was refused");
    }

    static Reply wrongType(String expected, JsonNode received, String path) {
        return zod(List.of(issue(expected, received, path)));
    }

    /** A field that is missing or of another type. */
    static Reply missing(JsonNode body, String field, String expected) {
        return mismatch(body, field, expected).map(issue -> zod(List.of(issue))).orElseThrow();
    }

    /** The issue with a field, if it is not of a type: {@code string} or {@code boolean}. */
    static Optional<String> mismatch(JsonNode body, String field, String expected) {
        JsonNode value = body.path(field);
        return (expected.equals("string") ? value.isTextual() : value.isBoolean()) ? Optional.empty()
                : Optional.of(issue(expected, value, "[\n      \"" + field + "\"\n    ]"));
    }

    private static String issue(String expected, JsonNode received, String path) {
        String type = received.isMissingNode() ? "undefined" : received.getNodeType().name().toLowerCase(Locale.ROOT);
        return """
                {
                  "expected": "%1$s",
                  "code": "invalid_type",
                  "path": %2$s,
                  "message": "Invalid input: expected %1$s, received %3$s"
                }""".indent(2).stripTrailing().formatted(expected, path, type);
    }

    /** @param issues JSON objects, indented by two */
    static Reply zod(List<String> issues) {
        return zod("[\n" + String.join(",\n", issues) + "\n]");
    }

    private static Reply wrongRole(String path) {
        return zod("""
                [
                  {
                    "code": "invalid_value",
                    "values": [
                      "system",
                      "user",
                      "assistant",
                      "function",
                      "tool"
                    ],
                    "path": %s,
                    "message": "Invalid option: expected one of \\"system\\"|\\"user\\"|\\"assistant\\"|\
                \\"function\\"|\\"tool\\""
                  }
                ]""".formatted(path));
    }

    private static Reply zod(String message) {
        return Reply.of(400, "application/json",
                "{\"success\":false,\"error\":{\"name\":\"ZodError\",\"message\":" + quote(message) + "}}");
    }
}
