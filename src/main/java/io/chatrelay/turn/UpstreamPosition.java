package io.chatrelay.turn;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.UUID;

import io.chatrelay.event.Jsonb;
import io.chatrelay.journal.TransactionalEffect;

/** Inkeep's own id of the answer, stored with the turn's first event: by it a run that is read again is known. */
record UpstreamPosition(UUID turn, String upstreamMessageId) implements TransactionalEffect {

    @Override
    public void apply(Connection connection) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(
                "update turn set upstream_position = ? where id = ? and upstream_position is null and ended_at is null")) {
            update.setString(1, Jsonb.clean(upstreamMessageId));
            update.setObject(2, turn);
            update.executeUpdate();
        }
    }
}
