package io.chatrelay.support.inkeep;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;

/** A server of both APIs that answers a question with the case that it names ({@code case NAME …}); where the case waits, after a decision. */
public final class CaseInkeep extends StandIn {

    /** A question, and the decisions that followed it. */
    public static final class Asked {
        private final JsonNode body;
        private final List<JsonNode> decisions = new CopyOnWriteArrayList<>();
        private final HttpServerResponse response;
        private final List<String> pieces;
        private int next;

        private Asked(JsonNode body, HttpServerResponse response, List<String> pieces) {
            this.body = body;
            this.response = response;
            this.pieces = pieces;
        }

        JsonNode body() {
            return body;
        }

        /** Each as the id that it names, a JSON string, and yes or no. */
        public List<String> heard() {
            return decisions.stream()
                    .map(part -> Json.ascii(part.path("toolCallId")) + " " + Json.ascii(part.at("/approval/id")) + " "
                            + (part.at("/approval/approved").asBoolean() ? "yes" : "no"))
                    .toList();
        }

        private synchronized void goOn() {
            response.write(pieces.get(next++));
            if (next == pieces.size()) {
                response.end();
            }
        }
    }

    private static final Pattern CASE = Pattern.compile("case ((?:agents|cloud)/\\S+)");
    public static final CaseInkeep INSTANCE = new CaseInkeep();

    private final Map<String, Asked> running = new ConcurrentHashMap<>();
    private final List<Asked> asked = new CopyOnWriteArrayList<>();

    private CaseInkeep() {}

    @Override
    void answer(HttpServerRequest request, Buffer sent) {
        boolean chat = request.path().endsWith("/chat") || request.path().endsWith("/completions");
        if (!chat || !request.method().name().equals("POST")) {
            // As a current server says that it has no such route.
            request.response().setStatusCode(404).putHeader("content-type", "text/plain").end("404 Not Found");
            return;
        }
        JsonNode body = Json.read(sent.toString());
        if (body.at("/messages/0/parts/0/state").asText().equals("approval-responded")) {
            decided(running.get(body.path("conversationId").asText()), body.at("/messages/0/parts"), request);
            return;
        }
        JsonNode last = body.path("messages").path(body.path("messages").size() - 1);
        Matcher named = CASE.matcher(last.toString());
        Asked question = new Asked(body, request.response().setChunked(true).putHeader("content-type", "text/event-stream"),
                named.find() ? UpstreamCase.pieces(named.group(1)) : UpstreamCase.pieces("cloud/07b-finish-END_TURN"));
        asked.add(question);
        running.put(body.path("conversationId").asText(), question);
        question.goOn();
    }

    private static void decided(Asked question, JsonNode parts, HttpServerRequest request) {
        ObjectNode answer = Json.of("{'success':true,'results':[]}");
        parts.forEach(part -> {
            question.decisions.add(part);
            answer.withArray("/results").addObject().put("toolCallId", part.path("toolCallId").asText())
                    .put("approved", part.at("/approval/approved").asBoolean()).put("alreadyProcessed", false)
                    .put("deferred", false);
        });
        request.response().putHeader("content-type", "application/json").end(answer.toString());
        question.goOn();
    }

    /** The newest question whose messages hold that text. */
    public JsonNode latest(String text) {
        return asked.reversed().stream().map(Asked::body).filter(body -> body.toString().contains(text)).findFirst()
                .orElseThrow();
    }

    /** The question whose newest message holds that text. */
    public Asked asked(String text) {
        return asked.stream().filter(one -> {
            JsonNode messages = one.body().path("messages");
            return messages.path(messages.size() - 1).toString().contains(text);
        }).findFirst().orElseThrow();
    }
}
