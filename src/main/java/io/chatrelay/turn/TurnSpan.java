package io.chatrelay.turn;

import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

import io.chatrelay.approval.Ledger;
import io.chatrelay.event.ApprovalState;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.ApprovalRequested;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.ChatEvent.ToolCalled;
import io.chatrelay.event.Outcome;
import io.chatrelay.event.TraceContext;
import io.chatrelay.event.Turn;
import io.chatrelay.tracing.SpanContexts;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;

/**
 * The span of a turn on this replica. It learns of the turn as every listener does, and is never the current span of a thread: no event of an answer
 * costs anything. Tool calls and approvals are spans within it that are made when they end. No attribute holds what a user, a model or a tool said.
 *
 * <p>Only the end that is stored ends the span. If this replica loses the turn, another goes on within this span, which then ends as {@code left}.
 */
final class TurnSpan implements TurnListener {

    private static final String LEFT = "left";
    private static final String TOOL = "execute_tool";
    private static final String FAILED = "tool_failed";

    /** A call without outcome; without the call itself if another replica read it. */
    private static final class Open {
        final ToolCalled call;
        Instant since;
        /** What it waits for, until it is decided; else null. */
        ApprovalRequested waits;

        Open(ToolCalled call, Instant since) {
            this.call = call;
            this.since = since;
        }
    }

    private final Tracer tracer;
    private final Span span;
    private final TraceContext context;
    private final Instant begun = Instant.now();
    private final long begunNanos = System.nanoTime();
    private Map<String, Open> calls = Map.of();
    private boolean answers;

    TurnSpan(Tracer tracer, Span span) {
        this.tracer = tracer;
        this.span = span;
        this.context = SpanContexts.of(span);
    }

    /** For the upstream, for whoever takes the turn over, and for its readers. */
    TraceContext context() {
        return context;
    }

    /** The turn is stored. */
    void of(Turn turn) {
        span.setAttribute(GenAiAttributes.CONVERSATION, turn.conversationId());
        span.setAttribute(GenAiAttributes.TURN, turn.id().toString());
        span.setAttribute(GenAiAttributes.TENANT, turn.tenant());
        span.setAttribute(GenAiAttributes.CALLER, turn.caller());
    }

    void takesOver(Turn turn) {
        of(turn);
        span.setAttribute(GenAiAttributes.TAKEN_OVER, true);
        // The time to its first event is another replica's.
        answers = true;
    }

    @Override
    public synchronized void answers(Turn turn) {
        if (!answers) {
            answers = true;
            span.setAttribute(GenAiAttributes.FIRST_CHUNK,
                    Duration.ofNanos(System.nanoTime() - begunNanos).toNanos() / 1e9);
        }
    }

    @Override
    public synchronized void called(Turn turn, ToolCalled call) {
        // Its caller runs the tool, and tells the result to another turn.
        if (!call.callerRuns() && span.isRecording()) {
            open(call.callId(), call);
        }
    }

    private void open(String callId, ToolCalled call) {
        if (calls.isEmpty()) {
            calls = new HashMap<>();
        }
        calls.put(callId, new Open(call, Instant.now()));
    }

    @Override
    public synchronized void asked(Turn turn, ToolCalled call, ApprovalRequested request) {
        Open open = calls.get(call.callId());
        if (open != null) {
            open.since = Instant.now();
            open.waits = request;
        }
    }

    @Override
    public synchronized void decided(Turn turn, Ledger.Due decision) {
        if (span.isRecording()) {
            approval(decision.toolName(), decision.callId(), decision.approvalId(), decision.state(), decision.askedAt(),
                    decision.decidedAt());
        }
        Open open = calls.get(decision.callId());
        if (open != null) {
            open.waits = null;
            open.since = Instant.now();
        } else {
            open(decision.callId(), null);
        }
    }

    @Override
    public synchronized void settled(Turn turn, ToolCalled call, ChatEvent outcome) {
        Open open = calls.remove(call.callId());
        // A tool that was denied did not run.
        if (span.isRecording() && !call.callerRuns() && !(outcome instanceof ChatEvent.ToolDenied)) {
            tool(call, open == null ? begun : open.since, outcome instanceof ChatEvent.ToolFailed ? FAILED : null);
        }
    }

    @Override
    public synchronized void left(Turn turn) {
        span.setAttribute(GenAiAttributes.OUTCOME, LEFT);
        span.end();
    }

    @Override
    public synchronized void ended(Turn turn, Ended ended) {
        for (Open open : calls.values()) {
            if (open.waits == null && open.call != null) {
                tool(open.call, open.since, ended.outcome().wireName());
            } else if (open.waits != null) {
                approval(open.call.toolName(), open.call.callId(), open.waits.approvalId(), ApprovalState.SUPERSEDED,
                        open.since, Instant.now());
            }
        }
        calls = Map.of();
        span.setAttribute(GenAiAttributes.OUTCOME, ended.outcome().wireName());
        if (ended.finishReason() != null) {
            span.setAttribute(GenAiAttributes.FINISH_REASONS,
                    List.of(ended.finishReason().name().toLowerCase(Locale.ROOT)));
        }
        if (ended.usage() != null) {
            span.setAttribute(GenAiAttributes.INPUT_TOKENS, ended.usage().promptTokens());
            span.setAttribute(GenAiAttributes.OUTPUT_TOKENS, ended.usage().completionTokens());
        }
        if (ended.outcome() == Outcome.FAILED || ended.outcome() == Outcome.INTERRUPTED) {
            fails(span, ended.failure() == null ? "_OTHER" : ended.failure().name());
        }
        span.end();
    }

    private static void fails(Span failed, String type) {
        failed.setStatus(StatusCode.ERROR);
        failed.setAttribute(GenAiAttributes.ERROR, type);
    }

    /** @param error null if the tool succeeded */
    private void tool(ToolCalled call, Instant since, String error) {
        Span tool = within(TOOL, call.toolName(), call.callId()).setAttribute(GenAiAttributes.OPERATION, TOOL)
                .setStartTimestamp(since).startSpan();
        if (error != null) {
            fails(tool, error);
        }
        tool.end(Instant.now());
    }

    private void approval(String toolName, String callId, String id, ApprovalState state, Instant since, Instant until) {
        within("approval", toolName, callId).setAttribute(GenAiAttributes.APPROVAL, id)
                .setAttribute(GenAiAttributes.APPROVAL_STATE, state.wireName()).setStartTimestamp(since).startSpan()
                .end(until);
    }

    private SpanBuilder within(String name, String toolName, String callId) {
        return tracer.spanBuilder(name + ' ' + toolName).setParent(Context.root().with(span))
                .setAttribute(GenAiAttributes.TOOL, toolName).setAttribute(GenAiAttributes.CALL, callId);
    }
}
