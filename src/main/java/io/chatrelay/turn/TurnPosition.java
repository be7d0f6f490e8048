package io.chatrelay.turn;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

import io.chatrelay.journal.TransactionalEffect;

/** The upstream's own id of a turn's answer, stored with the event that names it: the first one counts. */
record TurnPosition(UUID turn, String upstreamMessageId) implements TransactionalEffect {

    @Override
    public void apply(Connection connection) throws SQLException {
        TurnStore.positions(connection, Map.of(turn, upstreamMessageId));
    }

    @Override
    public Together together() {
        return Kind.ALL;
    }

    private enum Kind implements Together {
        ALL;

        @Override
        public void apply(Connection connection, List<TransactionalEffect> effects) throws SQLException {
            Map<UUID, String> first = new LinkedHashMap<>();
            effects.stream().map(TurnPosition.class::cast)
                    .forEach(position -> first.putIfAbsent(position.turn, position.upstreamMessageId));
            TurnStore.positions(connection, first);
        }
    }
}
