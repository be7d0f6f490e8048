package io.chatrelay.turn;

import jakarta.enterprise.context.ApplicationScoped;

import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Turn;
import io.chatrelay.limit.Limits;

/** Counts the tokens of a stored answer among its caller's. */
@ApplicationScoped
class TokenCounter implements TurnListener {

    private final Limits limits;

    TokenCounter(Limits limits) {
        this.limits = limits;
    }

    @Override
    public void ended(Turn turn, Ended ended) {
        if (ended.usage() != null) {
            limits.of(turn.tenant(), turn.caller()).used(ended.usage().totalTokens());
        }
    }
}
