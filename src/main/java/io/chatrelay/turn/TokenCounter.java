package io.chatrelay.turn;

import jakarta.enterprise.context.ApplicationScoped;

import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Turn;
import io.chatrelay.event.Usage;
import io.chatrelay.limit.Limits;
import io.micrometer.core.instrument.MeterRegistry;

/** Counts the tokens of a stored answer, as its upstream tells them: among its caller's, and in the metrics. */
@ApplicationScoped
class TokenCounter implements TurnListener {

    private final Limits limits;
    private final MeterRegistry metrics;

    TokenCounter(Limits limits, MeterRegistry metrics) {
        this.limits = limits;
        this.metrics = metrics;
    }

    @Override
    public void ended(Turn turn, Ended ended) {
        Usage usage = ended.usage();
        if (usage != null) {
            limits.of(turn.tenant(), turn.caller()).used(usage.totalTokens());
            count(turn, "input", usage.promptTokens());
            count(turn, "output", usage.completionTokens());
        }
    }

    private void count(Turn turn, String kind, long tokens) {
        metrics.counter("chat.relay.tokens", "upstream", turn.upstream(), "kind", kind).increment(tokens);
    }
}
