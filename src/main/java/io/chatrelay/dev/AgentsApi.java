package io.chatrelay.dev;

import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.dev.Answer.Reply;
import io.chatrelay.dev.Approvals.Answers;
import io.chatrelay.dev.Approvals.Asked;
import io.chatrelay.dev.Approvals.Said;
import io.chatrelay.dev.Conversations.Conversation;
import io.chatrelay.dev.Conversations.Execution;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;

/** The run API under {@code /run}: chat, approvals, and reading a conversation's or a durable run's stream again. */
final class AgentsApi {

    private final Conversations conversations;
    private final Approvals approvals = new Approvals();
    private final ChatTurns turns;

    AgentsApi(Vertx vertx, Attempts attempts, Stats stats, Runs runs) {
        this.conversations = new Conversations(vertx);
        this.turns = new ChatTurns(attempts, stats, runs, conversations, approvals);
    }

    void handle(HttpServerRequest request, byte[] body) {
        HttpServerResponse response = commonHeaders(request);
        Optional<Reply> refusal = refused(request.getHeader("authorization"));
        if (refusal.isPresent()) {
            refusal.get().to(response);
            return;
        }
        String[] path = request.path().split("/");
        switch (request.method().name() + " " + request.path().replaceAll("(conversations|executions)/[^/]+", "$1/*")
                .replaceAll("approvals/[^/]+$", "approvals/*")) {
            case "POST /run/api/chat" -> chat(request, body);
            case "GET /run/v1/conversations/*/stream" -> read(request, path[4]);
            case "GET /run/v1/conversations/*/pending-approvals" -> pending(response, path[4]);
            case "POST /run/api/executions/*/approvals/*" -> decideExecution(request, path[4], path[6], body);
            case "GET /run/api/executions/*/stream" -> readExecution(request, path[4]);
            default -> AgentsErrors.NO_SUCH_ROUTE.to(response);
        }
    }

    /** The conversation of a path that names an execution, for the log. */
    Optional<String> conversationOf(String path) {
        String[] parts = path.split("/");
        return parts.length > 4 && parts[3].equals("executions")
                ? conversations.execution(parts[4]).map(Execution::conversationId)
                : Optional.empty();
    }

    private static HttpServerResponse commonHeaders(HttpServerRequest request) {
        return request.response()
                .putHeader("access-control-allow-credentials", "true")
                .putHeader("access-control-allow-origin", "*")
                .putHeader("access-control-expose-headers", "Content-Length")
                .putHeader("referrer-policy", "strict-origin-when-cross-origin")
                .putHeader("x-content-type-options", "nosniff")
                .putHeader("x-request-id", InkeepEmulator.requestId(request))
                .putHeader("x-xss-protection", "0");
    }

    private static Optional<Reply> refused(String authorization) {
        if (authorization == null || !authorization.startsWith("Bearer ")) {
            return Optional.of(AgentsErrors.UNAUTHORIZED);
        }
        return authorization.equals("Bearer " + InkeepEmulator.WRONG_KEY)
                ? Optional.of(AgentsErrors.WRONG_KEY)
                : Optional.empty();
    }

    // --- chat

    private void chat(HttpServerRequest request, byte[] raw) {
        Optional<JsonNode> body = Json.parse(raw);
        Optional<Reply> invalid = body.map(AgentsErrors::invalid).orElse(Optional.of(AgentsErrors.MALFORMED));
        if (invalid.isPresent()) {
            invalid.get().to(request.response());
            return;
        }
        List<Said> decisions = decisions(body.get());
        if (decisions.isEmpty()) {
            turn(request, body.get());
        } else {
            decide(request, Json.text(body.get(), "conversationId"), decisions);
        }
    }

    private void turn(HttpServerRequest request, JsonNode body) {
        // Of the messages only the last one of the user is read and stored, so only its id can be there already.
        String messageId = Json.text(Json.lastUserMessage(body), "id");
        if (conversations.hasMessage(messageId)) {
            AgentsErrors.duplicateMessage(messageId).to(request.response());
            return;
        }
        boolean durable = Json.text(body, "executionMode").equals("durable");
        boolean emitsOperations = "true".equals(request.getHeader("x-emit-operations"));
        turns.turn(request, body, text -> new AgentsDialect(text, durable, emitsOperations), () -> {
            if (!messageId.isEmpty()) {
                conversations.rememberMessage(messageId);
            }
        });
    }

    // --- approvals

    /** One answered approval anywhere in the messages, and the request is nothing but an answer to approvals. */
    private static List<Said> decisions(JsonNode body) {
        return StreamSupport.stream(body.path("messages").spliterator(), false)
                .flatMap(message -> StreamSupport.stream(message.path("parts").spliterator(), false))
                .filter(part -> Json.text(part, "state").equals("approval-responded"))
                .map(part -> new Said(Json.text(part, "toolCallId"), part.path("approval").path("approved").asBoolean(),
                        Json.text(part.path("approval"), "reason")))
                .toList();
    }

    private void decide(HttpServerRequest request, String conversationId, List<Said> decisions) {
        if (conversationId.isEmpty()) {
            AgentsErrors.NO_CONVERSATION_ID.to(request.response());
        } else if (conversations.find(conversationId).isEmpty()) {
            AgentsErrors.APPROVAL_FOR_UNKNOWN_CONVERSATION.to(request.response());
        } else {
            approvals.hear(request, decisions, new Answers() {
                @Override
                public Reply refusal(int status) {
                    return AgentsErrors.refusedDecision(status);
                }

                @Override
                public Reply results(List<Said> said, List<Boolean> waited) {
                    return Reply.of(200, "application/json", IntStream.range(0, said.size())
                            .mapToObj(i -> result(said.get(i), !waited.get(i)))
                            .collect(Collectors.joining(",", "{\"success\":true,\"results\":[", "]}")));
                }

                @Override
                public Optional<EventSink> continuation() {
                    return Optional.of(turns.plainStream(request));
                }
            });
        }
    }

    private static String result(Said said, boolean deferred) {
        return "{\"toolCallId\":" + Wire.quote(said.callId()) + ",\"approved\":" + said.approved()
                + ",\"alreadyProcessed\":false,\"deferred\":" + deferred + "}";
    }

    /** A success for every call of an execution that exists, whether it waits or not: executions.ts of inkeep/agents. */
    private void decideExecution(HttpServerRequest request, String execution, String callId, byte[] raw) {
        JsonNode body = Json.parse(raw).orElse(null);
        if (body == null) {
            AgentsErrors.MALFORMED.to(request.response());
        } else if (!body.path("approved").isBoolean()) {
            AgentsErrors.missing(body, "approved", "boolean").to(request.response());
        } else if (conversations.execution(execution).isEmpty()) {
            AgentsErrors.problem(404, "Execution not found").to(request.response());
        } else {
            // A call of another execution is one that nobody here waits for.
            String known = approvals.isOf(callId, execution) ? callId : "";
            approvals.hear(request,
                    List.of(new Said(known, body.path("approved").asBoolean(), Json.text(body, "reason"))), new Answers() {
                        @Override
                        public Reply refusal(int status) {
                            return AgentsErrors.refusedDecision(status);
                        }

                        @Override
                        public Reply results(List<Said> said, List<Boolean> waited) {
                            return Reply.of(200, "application/json", "{\"success\":true}");
                        }
                    });
        }
    }

    private void pending(HttpServerResponse response, String conversationId) {
        Optional<Conversation> conversation = conversations.find(conversationId);
        Reply reply = conversation.isEmpty() ? AgentsErrors.UNKNOWN_CONVERSATION
                : Reply.of(200, "application/json", conversation.get().pending().map(AgentsApi::pendingJson)
                        .orElse("{\"hasPending\":false}"));
        reply.to(response);
    }

    private static String pendingJson(Asked asked) {
        return "{\"hasPending\":true,\"approval\":{\"toolCallId\":\"" + asked.call.id() + "\",\"toolName\":\""
                + asked.call.tool().wireName() + "\",\"args\":" + asked.call.tool().input()
                + ",\"isDelegated\":false,\"workflowRunId\":\"" + asked.executionId + "\",\"updatedAt\":\""
                + asked.updatedAt + "\"}}";
    }

    // --- reading again

    private void read(HttpServerRequest request, String conversationId) {
        Optional<Conversation> conversation = conversations.find(conversationId);
        if (conversation.isEmpty()) {
            AgentsErrors.UNKNOWN_CONVERSATION.to(request.response());
        } else if (conversation.get().replay().isEmpty()) {
            request.response().setStatusCode(204).end();
        } else {
            conversation.get().replay().read(turns.stream(request, null),
                    InkeepEmulator.number(request.getParam("afterIdx"), -1) + 1);
        }
    }

    private void readExecution(HttpServerRequest request, String executionId) {
        Optional<Execution> execution = conversations.execution(executionId);
        if (execution.isEmpty()) {
            AgentsErrors.problem(404, "Execution not found").to(request.response());
        } else {
            execution.get().stream().read(turns.plainStream(request),
                    InkeepEmulator.number(request.getHeader("x-stream-start-index"), 0));
        }
    }
}
