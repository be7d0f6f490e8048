package io.chatrelay.turn;

import java.util.List;
import java.util.function.Consumer;

import org.jboss.logging.Logger;

import io.chatrelay.approval.AwaitingTurn;
import io.chatrelay.approval.Ledger;
import io.chatrelay.defect.Trace;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.ApprovalRequested;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.ChatEvent.ToolCalled;
import io.chatrelay.event.Turn;
import io.chatrelay.logging.LogIds;

/** Combines several listeners and calls them in order. An exception of one listener is logged and does not prevent the next call. */
record TurnListeners(List<TurnListener> all) implements TurnListener {

    private static final Logger LOG = Logger.getLogger(TurnListeners.class);

    @Override
    public void awaitsDecision(AwaitingTurn turn) {
        each(turn.turn(), listener -> listener.awaitsDecision(turn));
    }

    @Override
    public void awaitsNoDecision(AwaitingTurn turn) {
        each(turn.turn(), listener -> listener.awaitsNoDecision(turn));
    }

    @Override
    public void answers(Turn turn) {
        each(turn, listener -> listener.answers(turn));
    }

    @Override
    public void called(Turn turn, ToolCalled call) {
        each(turn, listener -> listener.called(turn, call));
    }

    @Override
    public void asked(Turn turn, ToolCalled call, ApprovalRequested request) {
        each(turn, listener -> listener.asked(turn, call, request));
    }

    @Override
    public void decided(Turn turn, Ledger.Due decision) {
        each(turn, listener -> listener.decided(turn, decision));
    }

    @Override
    public void settled(Turn turn, ToolCalled call, ChatEvent outcome) {
        each(turn, listener -> listener.settled(turn, call, outcome));
    }

    @Override
    public void ends(Turn turn, Ended ended) {
        each(turn, listener -> listener.ends(turn, ended));
    }

    @Override
    public void over(AwaitingTurn turn) {
        each(turn.turn(), listener -> listener.over(turn));
    }

    @Override
    public void left(Turn turn) {
        each(turn, listener -> listener.left(turn));
    }

    @Override
    public void ended(Turn turn, Ended ended) {
        each(turn, listener -> listener.ended(turn, ended));
    }

    private void each(Turn turn, Consumer<TurnListener> call) {
        for (TurnListener listener : all) {
            try {
                call.accept(listener);
            } catch (RuntimeException e) {
                LogIds.ofTurn(turn.id(), turn.conversationId(), turn.traceparent())
                        .run(() -> LOG.errorf("turn %s: %s has a defect: %s", turn.id(),
                                listener.getClass().getSimpleName(), Trace.of(e)));
            }
        }
    }
}
