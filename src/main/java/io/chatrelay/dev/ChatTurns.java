package io.chatrelay.dev;

import java.util.Optional;
import java.util.function.Function;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.dev.Answer.Play;
import io.chatrelay.dev.Answer.Reply;
import io.chatrelay.dev.Answer.Reset;
import io.chatrelay.dev.Conversations.Conversation;
import io.vertx.core.http.HttpServerRequest;

/** The turns of one Agents server, whichever release it is. */
final class ChatTurns {

    private final Attempts attempts;
    private final Stats stats;
    private final Runs runs;
    private final Conversations conversations;
    private final Approvals approvals;

    ChatTurns(Attempts attempts, Stats stats, Runs runs, Conversations conversations, Approvals approvals) {
        this.attempts = attempts;
        this.stats = stats;
        this.runs = runs;
        this.conversations = conversations;
        this.approvals = approvals;
    }

    /**
     * Answers a valid request for a turn.
     *
     * @param dialect  from the last message of the user
     * @param accepted is run once the turn is sure to run
     */
    void turn(HttpServerRequest request, JsonNode body, Function<String, AgentsDialect> dialect, Runnable accepted) {
        String conversationId = Json.text(body, "conversationId");
        String text = Json.lastUserText(body);
        AgentsDialect spoken = dialect.apply(text);
        long messages = conversations.find(conversationId).map(Conversation::userMessages).orElse(0L) + 1;
        Answer answer = Json.lastUserMessage(body).isMissingNode()
                ? new Play(Step.sequence(spoken.open(), Step.pause(166), spoken.fail()), false)
                : Script.of(new Turn(conversationId, text, messages), spoken, attempts);
        switch (answer) {
            case Reply reply -> InkeepEmulator.send(reply, request);
            case Reset() -> InkeepEmulator.reset(request);
            case Play play -> {
                accepted.run();
                play(request, body, spoken, play);
            }
        }
    }

    private void play(HttpServerRequest request, JsonNode body, AgentsDialect dialect, Play play) {
        String executionId = Wire.workflowRunId();
        boolean whole = body.path("stream").isBoolean() && !body.path("stream").asBoolean();
        EventSink outlet = whole ? new WholeAnswerSink(request, dialect::whole)
                : stream(request, dialect.durable ? executionId : null);
        Optional<Conversation> conversation = Optional.of(Json.text(body, "conversationId"))
                .filter(id -> !id.isEmpty()).map(conversations::accept);
        conversation.ifPresent(Conversation::accepted);
        Optional<Conversation> recorded = conversation.filter(_ -> !play.readerBound());
        RunRecorder execution = recorded.filter(_ -> dialect.durable)
                .map(known -> conversations.recordExecution(executionId, known)).orElse(RunRecorder.NONE);
        RunRecorder tape = recorded.map(known -> RunRecorder.both(known.record(dialect.durable), execution))
                .orElse(RunRecorder.NONE);
        runs.start(new Run(play.steps(), outlet, tape, execution, (call, run) -> {
            Approvals.Asked asked = approvals.ask(call, run, executionId);
            conversation.ifPresent(known -> known.waitsFor(asked));
        }, play.readerBound()), Json.lastUserText(body));
    }

    /** @param executionId of a durable run; null for any other */
    StreamSink stream(HttpServerRequest request, String executionId) {
        request.response().putHeader("x-accel-buffering", "no").putHeader("x-vercel-ai-data-stream", "v2");
        if (executionId != null) {
            request.response().putHeader("x-workflow-run-id", executionId);
        }
        return plainStream(request);
    }

    StreamSink plainStream(HttpServerRequest request) {
        request.response().putHeader("cache-control", "no-cache").putHeader("connection", "keep-alive")
                .putHeader("content-type", "text/event-stream");
        return new StreamSink(request, stats);
    }
}
