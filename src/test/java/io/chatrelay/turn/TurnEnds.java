package io.chatrelay.turn;

import io.chatrelay.event.Events;
import io.chatrelay.event.Turn;
import io.chatrelay.journal.TransactionalEffect;

/** Ends of turns, for tests of what becomes of their approvals. */
public final class TurnEnds {

    private TurnEnds() {}

    public static TransactionalEffect completed(Turn turn) {
        return new TurnEnd(turn, Events.COMPLETED, true, null);
    }
}
