package io.chatrelay.turn;

import io.chatrelay.event.Turn;

/** What became of a command. */
public sealed interface Sent {

    /** The turn that it began, or attached to. */
    record InTurn(Turn turn) implements Sent {}

    /** It waits until the turns before it have ended. */
    record Queued(QueuedMessage message) implements Sent {}
}
