package io.chatrelay.devmode;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.StreamSupport;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.devmode.Answer.Play;
import io.chatrelay.devmode.Answer.Reply;
import io.chatrelay.devmode.Answer.Reset;
import io.chatrelay.devmode.Conversations.Conversation;
import io.chatrelay.devmode.Conversations.Pending;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;

/** The run API under {@code /run}: chat, approvals, and reading a conversation's stream again. */
final class AgentsApi {

    private static final int MAX_PENDING = 20_000;
    private static final DateTimeFormatter UPDATED_AT = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSS")
            .withZone(ZoneOffset.UTC);

    private final Attempts attempts;
    private final Stats stats;
    private final Conversations conversations;
    private final Recent<String, Pending> undecided = new Recent<>(MAX_PENDING);

    AgentsApi(Vertx vertx, Attempts attempts, Stats stats) {
        this.attempts = attempts;
        this.stats = stats;
        this.conversations = new Conversations(vertx);
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
            case "POST /run/api/executions/*/approvals/*" -> decideExecution(response, path[4], path[6], body);
            default -> AgentsErrors.NO_SUCH_ROUTE.to(response);
        }
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
        List<JsonNode> decisions = decisions(body.get());
        if (decisions.isEmpty()) {
            turn(request, body.get());
        } else {
            decide(request, body.get(), decisions);
        }
    }

    private void turn(HttpServerRequest request, JsonNode body) {
        String conversationId = Json.text(body, "conversationId");
        // Of the messages only the last one of the user is read and stored, so only its id can be there already.
        String messageId = Json.text(Json.lastUserMessage(body), "id");
        if (conversations.hasMessage(messageId)) {
            AgentsErrors.duplicateMessage(messageId).to(request.response());
            return;
        }
        String text = Json.lastUserText(body);
        AgentsDialect dialect = new AgentsDialect(text, Json.text(body, "executionMode").equals("durable"),
                "true".equals(request.getHeader("x-emit-operations")));
        long messages = conversations.find(conversationId).map(Conversation::userMessages).orElse(0L) + 1;
        Answer answer = Json.lastUserMessage(body).isMissingNode()
                ? new Play(Step.sequence(dialect.open(), Step.pause(166), dialect.fail()), false)
                : Script.of(new Turn(conversationId, text, messages), dialect, attempts);
        switch (answer) {
            case Reply reply -> InkeepEmulator.send(reply, request);
            case Reset() -> request.connection().close();
            case Play play -> {
                if (!messageId.isEmpty()) {
                    conversations.rememberMessage(messageId);
                }
                play(request, body, dialect, play);
            }
        }
    }

    private void play(HttpServerRequest request, JsonNode body, AgentsDialect dialect, Play play) {
        String runId = Wire.workflowRunId();
        boolean whole = body.path("stream").isBoolean() && !body.path("stream").asBoolean();
        Outlet outlet = whole ? new WholeOutlet(request, dialect::whole)
                : stream(request, dialect.durable ? runId : null);
        Optional<Conversation> conversation = Optional.of(Json.text(body, "conversationId"))
                .filter(id -> !id.isEmpty()).map(conversations::accept);
        conversation.ifPresent(Conversation::accepted);
        Tape tape = play.readerBound() ? Tape.NONE
                : conversation.map(known -> known.record(dialect.durable)).orElse(Tape.NONE);
        new Run(play.steps(), outlet, tape, (call, run) -> {
            Pending pending = new Pending(call, run, runId, UPDATED_AT.format(Instant.now()));
            undecided.put(call.id(), pending);
            conversation.ifPresent(known -> known.waitsFor(pending));
        }, play.readerBound()).start();
    }

    private StreamOutlet stream(HttpServerRequest request, String workflowRunId) {
        request.response().putHeader("x-accel-buffering", "no").putHeader("x-vercel-ai-data-stream", "v2");
        if (workflowRunId != null) {
            request.response().putHeader("x-workflow-run-id", workflowRunId);
        }
        return plainStream(request);
    }

    private StreamOutlet plainStream(HttpServerRequest request) {
        request.response().putHeader("cache-control", "no-cache").putHeader("connection", "keep-alive")
                .putHeader("content-type", "text/event-stream");
        return new StreamOutlet(request, stats);
    }

    // --- approvals

    /** One answered approval anywhere in the messages, and the request is nothing but an answer to approvals. */
    private static List<JsonNode> decisions(JsonNode body) {
        return StreamSupport.stream(body.path("messages").spliterator(), false)
                .flatMap(message -> StreamSupport.stream(message.path("parts").spliterator(), false))
                .filter(part -> Json.text(part, "state").equals("approval-responded"))
                .toList();
    }

    private void decide(HttpServerRequest request, JsonNode body, List<JsonNode> decisions) {
        String conversationId = Json.text(body, "conversationId");
        if (conversationId.isEmpty()) {
            AgentsErrors.NO_CONVERSATION_ID.to(request.response());
        } else if (conversations.find(conversationId).isEmpty()) {
            AgentsErrors.APPROVAL_FOR_UNKNOWN_CONVERSATION.to(request.response());
        } else {
            String results = decided(decisions, request);
            if (results != null) {
                Reply.of(200, "application/json", "{\"success\":true,\"results\":[" + results + "]}")
                        .to(request.response());
            }
        }
    }

    /** Null if a durable run's stream answers the request. Whose conversation a call is in, nobody checks. */
    private String decided(List<JsonNode> decisions, HttpServerRequest request) {
        List<String> results = new ArrayList<>();
        List<Runnable> approvals = new ArrayList<>();
        List<Runnable> denials = new ArrayList<>();
        Run continued = null;
        for (JsonNode part : decisions) {
            Pending pending = undecided.remove(Json.text(part, "toolCallId"));
            results.add(result(part, pending == null));
            if (pending != null) {
                continued = pending.run().isDurable() ? pending.run() : continued;
                (approved(part) ? approvals : denials).add(() -> pending.run().decide(pending.call(), approved(part),
                        Json.text(part.path("approval"), "reason")));
            }
        }
        if (continued != null) {
            continued.continueOn(plainStream(request));
        }
        // An approved tool takes a moment to run, so a denial in the same request shows first (80a).
        denials.forEach(Runnable::run);
        approvals.forEach(Runnable::run);
        return continued != null ? null : String.join(",", results);
    }

    private static boolean approved(JsonNode part) {
        return part.path("approval").path("approved").asBoolean();
    }

    private static String result(JsonNode part, boolean deferred) {
        return "{\"toolCallId\":" + Wire.quote(Json.text(part, "toolCallId")) + ",\"approved\":" + approved(part)
                + ",\"alreadyProcessed\":false,\"deferred\":" + deferred + "}";
    }

    private void decideExecution(HttpServerResponse response, String execution, String callId, byte[] raw) {
        Pending pending = undecided.get(callId);
        JsonNode body = Json.parse(raw).orElse(null);
        if (body == null) {
            AgentsErrors.MALFORMED.to(response);
        } else if (pending == null || !pending.workflowRunId().equals(execution)) {
            AgentsErrors.problem(404, "Execution not found").to(response);
        } else {
            undecided.remove(callId);
            Reply.of(200, "application/json", "{\"success\":true}").to(response);
            pending.run().decide(pending.call(), body.path("approved").asBoolean(), Json.text(body, "reason"));
        }
    }

    private void pending(HttpServerResponse response, String conversationId) {
        Optional<Conversation> conversation = conversations.find(conversationId);
        Reply reply = conversation.isEmpty() ? AgentsErrors.UNKNOWN_CONVERSATION
                : Reply.of(200, "application/json", conversation.get().pending().map(AgentsApi::pendingJson)
                        .orElse("{\"hasPending\":false}"));
        reply.to(response);
    }

    private static String pendingJson(Pending pending) {
        return "{\"hasPending\":true,\"approval\":{\"toolCallId\":\"" + pending.call().id() + "\",\"toolName\":\""
                + pending.call().tool().wireName() + "\",\"args\":" + pending.call().tool().input()
                + ",\"isDelegated\":false,\"workflowRunId\":\"" + pending.workflowRunId() + "\",\"updatedAt\":\""
                + pending.updatedAt() + "\"}}";
    }

    // --- reading again

    private void read(HttpServerRequest request, String conversationId) {
        Optional<Conversation> conversation = conversations.find(conversationId);
        if (conversation.isEmpty()) {
            AgentsErrors.UNKNOWN_CONVERSATION.to(request.response());
        } else if (conversation.get().replay().isEmpty()) {
            request.response().setStatusCode(204).end();
        } else {
            conversation.get().replay().read(stream(request, null), InkeepEmulator.number(request, "afterIdx", -1) + 1);
        }
    }
}
