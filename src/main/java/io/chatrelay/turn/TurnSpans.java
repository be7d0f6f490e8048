package io.chatrelay.turn;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Instance;

import org.eclipse.microprofile.config.inject.ConfigProperty;

import io.chatrelay.event.Turn;
import io.chatrelay.tracing.SpanContexts;
import io.chatrelay.upstream.Upstream;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;

/**
 * Begins the spans of turns, one for each replica that runs the turn. Its methods return null if tracing is switched off; then nothing of
 * OpenTelemetry is called for a turn.
 */
@ApplicationScoped
class TurnSpans {

    /** Null if tracing is switched off. */
    private final Tracer tracer;

    /** An SDK that is switched off still makes spans, so it is not asked. */
    TurnSpans(@ConfigProperty(name = "quarkus.otel.sdk.disabled") boolean off, Instance<OpenTelemetry> telemetry) {
        this.tracer = off ? null : telemetry.get().getTracer("io.chatrelay");
    }

    /**
     * Begins the span of a new turn, within the current span: that of the request. A span that is not {@linkplain TurnSpan#ended ended} is exported
     * nowhere, so a turn that could not begin needs no further call.
     *
     * @param model that the caller asked for, or null
     */
    TurnSpan begin(Upstream upstream, String model) {
        return tracer == null ? null : span(upstream, model, Context.current());
    }

    /** Begins the span of a turn that is taken over, within the span of the replica that began it. */
    TurnSpan goOn(Upstream upstream, Turn turn) {
        TurnSpan span = tracer == null ? null : span(upstream, turn.model(), SpanContexts.parent(turn.trace()));
        if (span != null) {
            span.takesOver(turn);
        }
        return span;
    }

    private TurnSpan span(Upstream upstream, String model, Context parent) {
        Upstream.GenAi terms = upstream.genAi();
        String requested = upstream.requestModel(model);
        // A name has few values: whatever a caller sends as its model, these are configured ones.
        String name = terms.operation() + ' ' + (terms.agent() == null ? requested : terms.agent());
        return new TurnSpan(tracer, tracer.spanBuilder(name).setSpanKind(SpanKind.CLIENT).setParent(parent)
                .setAttribute(GenAiAttributes.OPERATION, terms.operation())
                .setAttribute(GenAiAttributes.PROVIDER, terms.provider())
                .setAttribute(GenAiAttributes.AGENT, terms.agent())
                .setAttribute(GenAiAttributes.MODEL, requested)
                .setAttribute(GenAiAttributes.STREAM, true)
                .setAttribute(GenAiAttributes.UPSTREAM, upstream.name())
                .setAttribute(GenAiAttributes.SERVER, terms.host())
                .setAttribute(GenAiAttributes.PORT, (long) terms.port())
                .startSpan());
    }
}
