package io.chatrelay.turn;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.UUID;

import io.chatrelay.journal.TransactionalEffect;

/** The upstream's own id of the answer, stored with the turn's first event. It identifies the run when it is resumed. */
record UpstreamPosition(UUID turn, String upstreamMessageId) implements TransactionalEffect {

    @Override
    public void apply(Connection connection) throws SQLException {
        TurnStore.position(connection, turn, upstreamMessageId);
    }
}
