package io.chatrelay.api;

import io.chatrelay.event.Turn;
import io.chatrelay.tracing.SpanContexts;
import io.opentelemetry.api.trace.Span;

/** What a trace shows of the readers of a turn. */
final class TraceLinks {

    private TraceLinks() {}

    /** Links the current request's span to the span of the turn that it reads: the turn may belong to the trace of another request. */
    static void link(Turn turn) {
        if (turn.trace() != null) {
            Span.current().addLink(SpanContexts.of(turn.trace()));
        }
    }
}
