package io.chatrelay.turn;

import io.chatrelay.approval.AwaitingTurn;
import io.chatrelay.approval.Ledger;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.ApprovalRequested;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.ChatEvent.ToolCalled;
import io.chatrelay.event.Turn;

/**
 * Receives the events of turns that run on this replica. Every bean of this type is called on the thread on which the event occurs, often within the
 * turn's monitor, so it must not block. An exception of a listener reaches neither the turn nor another listener.
 */
interface TurnListener {

    /** A call of the turn asks for a decision, or the turn was taken over with such a call. */
    default void awaitsDecision(AwaitingTurn turn) {}

    /** Every call of the turn that asked for a decision has its outcome. */
    default void awaitsNoDecision(AwaitingTurn turn) {}

    /** The upstream's first event has arrived. May be called again for the events after it. */
    default void answers(Turn turn) {}

    /** A tool call of the turn is announced: its input is complete. */
    default void called(Turn turn, ToolCalled call) {}

    /** A tool call of the turn asks for approval. */
    default void asked(Turn turn, ToolCalled call, ApprovalRequested request) {}

    /** A decision on a tool call of the turn is appended to the turn's events. */
    default void decided(Turn turn, Ledger.Due decision) {}

    /** A tool call of the turn has its outcome: it succeeded, failed or was denied. */
    default void settled(Turn turn, ToolCalled call, ChatEvent outcome) {}

    /** The turn ends; its end is not stored yet. A turn that is lost, left to others or rejected by the database has no such end. */
    default void ends(Turn turn, Ended ended) {}

    /** The turn reads nothing more on this replica: it ends, or another replica continues it. */
    default void over(AwaitingTurn turn) {}

    /** Another replica goes on with the turn, or ends it: this one gave it away or lost it. */
    default void left(Turn turn) {}

    /** The end of the turn is stored. */
    default void ended(Turn turn, Ended ended) {}
}
