package io.chatrelay.turn;

import jakarta.enterprise.context.ApplicationScoped;

import io.chatrelay.approval.AwaitingTurn;
import io.chatrelay.approval.DecisionOutbox;

/** Registers the turns that wait for decisions with the decision outbox. */
@ApplicationScoped
class DecisionListener implements TurnListener {

    private final DecisionOutbox outbox;

    DecisionListener(DecisionOutbox outbox) {
        this.outbox = outbox;
    }

    @Override
    public void awaitsDecision(AwaitingTurn turn) {
        outbox.watch(turn);
    }

    @Override
    public void awaitsNoDecision(AwaitingTurn turn) {
        outbox.forget(turn);
    }

    @Override
    public void over(AwaitingTurn turn) {
        outbox.forget(turn);
    }
}
