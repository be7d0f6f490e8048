package io.chatrelay.inkeep;

import java.util.HashMap;
import java.util.Map;

import io.chatrelay.event.TraceContext;
import io.chatrelay.event.Turn;

/**
 * The headers that make Inkeep's spans a part of the turn's trace. They are sent with every request about a turn that is traced, and replace those
 * that the caller sent, which name its own span. Source: W3C Trace Context.
 */
final class TraceHeaders {

    static final String PARENT = "traceparent";
    static final String STATE = "tracestate";

    private TraceHeaders() {}

    /** @return the same headers if the turn is not traced */
    static Map<String, String> with(Map<String, String> headers, Turn turn) {
        TraceContext trace = turn.trace();
        if (trace == null) {
            return headers;
        }
        Map<String, String> traced = new HashMap<>(headers);
        traced.put(PARENT, trace.traceparent());
        traced.remove(STATE);
        if (trace.tracestate() != null) {
            traced.put(STATE, trace.tracestate());
        }
        return traced;
    }

    /** The value of the header {@value #PARENT}, or null. */
    static String parent(Turn turn) {
        return turn.trace() == null ? null : turn.trace().traceparent();
    }

    /** The value of the header {@value #STATE}, or null. */
    static String state(Turn turn) {
        return turn.trace() == null ? null : turn.trace().tracestate();
    }
}
