package io.chatrelay.turn;

import jakarta.enterprise.context.ApplicationScoped;

import io.chatrelay.approval.AwaitingTurn;
import io.chatrelay.approval.DecisionOutbox;
import io.chatrelay.approval.Ledger;

/** Connects turns with the decision outbox, which passes decisions to the waiting turns and delivers the decisions that are ready. */
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
    public void decisionReady(AwaitingTurn turn, Ledger.Due decision) {
        outbox.send(turn, decision);
    }

    @Override
    public void over(AwaitingTurn turn) {
        outbox.forget(turn);
    }
}
