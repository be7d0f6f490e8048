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

    private static final Together ALL = TurnPosition::store;

    @Override
    public void apply(Connection connection) throws SQLException {
        ALL.apply(connection, List.of(this));
    }

    @Override
    public Together together() {
        return ALL;
    }

    private static void store(Connection connection, List<TransactionalEffect> positions) throws SQLException {
        Map<UUID, String> first = new LinkedHashMap<>();
        positions.stream().map(TurnPosition.class::cast)
                .forEach(position -> first.putIfAbsent(position.turn, position.upstreamMessageId));
        TurnStore.positions(connection, first);
    }
}
