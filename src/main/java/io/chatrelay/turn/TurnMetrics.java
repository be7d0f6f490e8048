package io.chatrelay.turn;

import jakarta.enterprise.context.ApplicationScoped;

import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Turn;
import io.micrometer.core.instrument.MeterRegistry;

/** Counts turns by outcome, and the tokens that upstreams told of. */
@ApplicationScoped
class TurnMetrics implements TurnListener {

    private final MeterRegistry metrics;

    TurnMetrics(MeterRegistry metrics) {
        this.metrics = metrics;
    }

    @Override
    public void ended(Turn turn, Ended ended) {
        metrics.counter("chat.relay.turns", "outcome", ended.outcome().wireName(), "code",
                ended.failure() == null ? "none" : ended.failure().name(), "upstream", turn.upstream()).increment();
        if (ended.usage() != null) {
            tokens(turn, "input", ended.usage().promptTokens());
            tokens(turn, "output", ended.usage().completionTokens());
        }
    }

    private void tokens(Turn turn, String kind, long count) {
        metrics.counter("chat.relay.tokens", "upstream", turn.upstream(), "kind", kind).increment(count);
    }
}
