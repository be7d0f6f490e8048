package io.chatrelay.dev;

import java.util.List;
import java.util.Optional;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.dev.Answer.Reply;
import io.chatrelay.dev.Approvals.Answers;
import io.chatrelay.dev.Approvals.Said;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;

/**
 * Release 0.37.2 under {@code /legacy}: chat, and an endpoint of its own for approvals. There is no replay and no
 * durable mode, and the message ids of callers are not read, so nothing is a duplicate.
 */
final class LegacyApi {

    private final Conversations conversations;
    private final Approvals approvals = new Approvals();
    private final ChatTurns turns;

    LegacyApi(Vertx vertx, Attempts attempts, Stats stats, Runs runs) {
        this.conversations = new Conversations(vertx);
        this.turns = new ChatTurns(attempts, stats, runs, conversations, approvals);
    }

    void handle(HttpServerRequest request, byte[] body) {
        HttpServerResponse response = request.response()
                .putHeader("access-control-allow-origin", "*")
                .putHeader("access-control-expose-headers", "Content-Length")
                .putHeader("x-request-id", InkeepEmulator.requestId(request));
        String authorization = request.getHeader("authorization");
        if (authorization == null || !authorization.startsWith("Bearer ")) {
            LegacyErrors.UNAUTHORIZED.to(response);
            return;
        }
        if (authorization.equals("Bearer " + InkeepEmulator.WRONG_KEY)) {
            LegacyErrors.WRONG_KEY.to(response);
            return;
        }
        switch (request.method().name() + " " + request.path()) {
            case "POST /legacy/api/chat" -> chat(request, body);
            case "POST /legacy/api/tool-approvals" -> decide(request, body);
            default -> AgentsErrors.NO_SUCH_ROUTE.to(response);
        }
    }

    private void chat(HttpServerRequest request, byte[] raw) {
        Optional<JsonNode> body = Json.parse(raw);
        Optional<Reply> invalid = body.map(LegacyErrors::invalidTurn).orElse(Optional.of(LegacyErrors.MALFORMED));
        if (invalid.isPresent()) {
            invalid.get().to(request.response());
            return;
        }
        boolean emitsOperations = "true".equals(request.getHeader("x-emit-operations"));
        turns.turn(request, body.get(),
                text -> new LegacyDialect(text, Json.text(body.get(), "conversationId"), emitsOperations), () -> {});
    }

    private void decide(HttpServerRequest request, byte[] raw) {
        Optional<JsonNode> body = Json.parse(raw);
        Optional<Reply> invalid = body.map(LegacyErrors::invalidDecision).orElse(Optional.of(LegacyErrors.MALFORMED));
        if (invalid.isPresent()) {
            invalid.get().to(request.response());
        } else if (conversations.find(Json.text(body.get(), "conversationId")).isEmpty()) {
            LegacyErrors.UNKNOWN_CONVERSATION.to(request.response());
        } else {
            Said said = new Said(Json.text(body.get(), "toolCallId"), body.get().path("approved").asBoolean(),
                    Json.text(body.get(), "reason"));
            approvals.hear(request, List.of(said), new Answers() {
                @Override
                public Reply refusal(int status) {
                    return LegacyErrors.refusedDecision(status);
                }

                @Override
                public Reply results(List<Said> decisions, List<Boolean> waited) {
                    return waited.getFirst() ? taken(said.approved()) : LegacyErrors.NOT_WAITING;
                }
            });
        }
    }

    private static Reply taken(boolean approved) {
        return Reply.of(200, "application/json",
                "{\"success\":true,\"message\":\"Tool execution " + (approved ? "approved" : "denied") + "\"}");
    }
}
