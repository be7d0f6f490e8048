package io.chatrelay.dev;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.StreamSupport;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.dev.Answer.Reply;

/** The errors of release 0.37.2; those that were not recorded were read in its source. */
final class LegacyErrors {

    static final Reply NOT_WAITING = recorded("37a-tool-approvals-unknown-toolcallid");
    static final Reply UNKNOWN_CONVERSATION = recorded("37b-tool-approvals-unknown-conversation");
    static final Reply UNAUTHORIZED = recorded("37d-tool-approvals-no-auth");
    static final Reply WRONG_KEY = text(401, "Invalid API key format");
    static final Reply MALFORMED = text(400, "Malformed JSON in request body");

    private static final Set<String> PARTS = Set.of("text", "image", "audio", "video", "file");

    private LegacyErrors() {}

    private static Reply recorded(String name) {
        return Reply.of(Recording.load("legacy/" + name));
    }

    private static Reply text(int status, String message) {
        return Reply.of(status, "text/plain;charset=UTF-8", message);
    }

    /** What the schema says against a decision: recording 37c. */
    static Optional<Reply> invalidDecision(JsonNode body) {
        if (!body.isObject()) {
            return Optional.of(AgentsErrors.wrongType("object", body, "[]"));
        }
        List<String> issues = new ArrayList<>();
        AgentsErrors.mismatch(body, "conversationId", "string").ifPresent(issues::add);
        AgentsErrors.mismatch(body, "toolCallId", "string").ifPresent(issues::add);
        AgentsErrors.mismatch(body, "approved", "boolean").ifPresent(issues::add);
        if (body.has("reason")) {
            AgentsErrors.mismatch(body, "reason", "string").ifPresent(issues::add);
        }
        return issues.isEmpty() ? Optional.empty() : Optional.of(AgentsErrors.zod(issues));
    }

    /** As the current server, and any part whose type it does not know, so every {@code tool-NAME}. */
    static Optional<Reply> invalidTurn(JsonNode body) {
        return AgentsErrors.invalid(body).or(() -> StreamSupport.stream(body.path("messages").spliterator(), false)
                .flatMap(message -> StreamSupport.stream(message.path("parts").spliterator(), false))
                .map(part -> Json.text(part, "type"))
                .filter(type -> !PARTS.contains(type) && !type.startsWith("data-")).findFirst()
                .map(_ -> AgentsErrors.zod(List.of("""
                        {
                          "code": "invalid_union",
                          "message": "Invalid input"
                        }""".indent(2).stripTrailing()))));
    }

    /** What a fault refuses a decision with; the shape is that of the 500 in the server's description. */
    static Reply refusedDecision(int status) {
        return Reply.of(status, "application/json",
                "{\"error\":\"Internal server error\",\"message\":\"The decision was refused\"}");
    }
}
