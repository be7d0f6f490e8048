package io.chatrelay.turn;

import jakarta.enterprise.context.ApplicationScoped;

import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Turn;
import io.micrometer.core.instrument.MeterRegistry;

/** Counts turns by outcome. */
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
    }
}
