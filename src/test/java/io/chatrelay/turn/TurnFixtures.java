package io.chatrelay.turn;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.UUID;

import io.chatrelay.event.Turn;
import io.chatrelay.journal.TransactionalEffect;
import io.chatrelay.journal.TurnOwnership;
import io.chatrelay.support.Events;

/** What tests of the rooms below need of turns. */
public final class TurnFixtures {

    private TurnFixtures() {}

    public static TurnOwnership table() {
        return new TurnStore();
    }

    /** The end of a turn that completed. */
    public static TransactionalEffect completed(Turn turn) {
        return new TurnEnd(turn, Events.COMPLETED, true, null);
    }

    public static void updateWaiting(Connection connection, UUID turn) throws SQLException {
        TurnStore.updateWaiting(connection, turn);
    }
}
