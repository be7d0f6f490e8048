package io.chatrelay.dev;

import java.util.Optional;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.dev.Answer.Play;
import io.chatrelay.dev.Answer.Reply;
import io.chatrelay.dev.Answer.Reset;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;

/** OpenAI's chat completions under {@code /v1}. It remembers nothing, and stops when its caller goes. */
final class CloudApi {

    private static final Reply UNAUTHORIZED = Reply.of(Recording.load("cloud/40-unauthorized"));

    private final Attempts attempts;
    private final Stats stats;
    private final Runs runs;

    CloudApi(Attempts attempts, Stats stats, Runs runs) {
        this.attempts = attempts;
        this.stats = stats;
        this.runs = runs;
    }

    void handle(HttpServerRequest request, byte[] raw) {
        HttpServerResponse response = request.response().putHeader("x-request-id", InkeepEmulator.requestId(request));
        String authorization = request.getHeader("authorization");
        if (authorization == null || !authorization.startsWith("Bearer ")
                || authorization.equals("Bearer " + InkeepEmulator.WRONG_KEY)) {
            UNAUTHORIZED.to(response);
            return;
        }
        Optional<JsonNode> body = Json.parse(raw);
        CloudDialect dialect = dialect(body);
        if (!request.method().name().equals("POST") || !request.path().equals("/v1/chat/completions")) {
            dialect.problem(404, "Unknown request URL: " + request.method() + " " + request.path()).to(response);
        } else if (body.isEmpty() || !body.get().path("messages").isArray() || body.get().path("messages").isEmpty()) {
            dialect.problem(400, body.isEmpty() ? "The body is not JSON" : "messages must hold a message").to(response);
        } else {
            answer(request, body.get(), dialect);
        }
    }

    private static CloudDialect dialect(Optional<JsonNode> body) {
        return new CloudDialect(body.map(json -> Json.text(json, "model")).filter(model -> !model.isEmpty())
                .orElse("inkeep-qa-expert"),
                body.filter(json -> json.path("stream_options").path("include_usage").asBoolean()).isPresent());
    }

    private void answer(HttpServerRequest request, JsonNode body, CloudDialect dialect) {
        String text = Json.lastUserText(body);
        switch (Script.of(new Turn("", text, body.path("messages").size()), dialect, attempts)) {
            case Reply reply -> InkeepEmulator.send(reply, request);
            case Reset() -> InkeepEmulator.reset(request);
            case Play play -> {
                boolean stream = body.path("stream").asBoolean();
                EventSink outlet = stream ? stream(request) : new WholeAnswerSink(request, dialect::whole);
                runs.start(new Run(play.steps(), outlet, RunRecorder.NONE, RunRecorder.NONE, (_, _) -> {}, true), text);
            }
        }
    }

    private StreamSink stream(HttpServerRequest request) {
        request.response().putHeader("content-type", "text/event-stream");
        return new StreamSink(request, stats);
    }
}
