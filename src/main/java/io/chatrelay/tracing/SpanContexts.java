package io.chatrelay.tracing;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import io.chatrelay.event.TraceContext;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;

/** A turn's {@link TraceContext} is what OpenTelemetry calls the context of a span. */
public final class SpanContexts {

    private static final String TRACEPARENT = "traceparent";
    private static final String TRACESTATE = "tracestate";
    private static final W3CTraceContextPropagator W3C = W3CTraceContextPropagator.getInstance();

    private static final class Headers implements TextMapGetter<TraceContext> {

        @Override
        public Iterable<String> keys(TraceContext trace) {
            return List.of(TRACEPARENT, TRACESTATE);
        }

        @Override
        public @Nullable String get(@Nullable TraceContext trace, String name) {
            if (trace == null) {
                return null;
            }
            return name.equals(TRACEPARENT) ? trace.traceparent() : name.equals(TRACESTATE) ? trace.tracestate() : null;
        }
    }

    private SpanContexts() {}

    /** A context whose span is that of the trace context; it began in this process or in another. */
    public static Context parent(@Nullable TraceContext trace) {
        return trace == null ? Context.root() : W3C.extract(Context.root(), trace, new Headers());
    }

    public static SpanContext of(TraceContext trace) {
        return Span.fromContext(parent(trace)).getSpanContext();
    }

    /** @param span valid */
    public static TraceContext of(Span span) {
        Map<String, String> headers = new HashMap<>();
        W3C.inject(Context.root().with(span), headers, (carrier, name, value) -> {
            if (carrier != null) {
                carrier.put(name, value);
            }
        });
        String parent = headers.get(TRACEPARENT);
        if (parent == null) {
            throw new IllegalArgumentException("no valid span");
        }
        return new TraceContext(parent, headers.get(TRACESTATE));
    }
}
