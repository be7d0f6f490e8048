package io.chatrelay.journal;

import java.sql.Connection;
import java.util.List;
import java.util.UUID;

/** A table of turns without a turn. */
class NoTurns implements TurnOwnership {

    @Override
    public List<UUID> running(Connection connection, UUID owner) {
        return List.of();
    }

    @Override
    public List<UUID> cancelRequested(Connection connection, UUID owner) {
        return List.of();
    }

    @Override
    public List<UUID> claim(Connection connection, List<UUID> gone, UUID owner) {
        return List.of();
    }

    @Override
    public void giveAway(Connection connection, List<UUID> turns, UUID from, UUID to) {}

    @Override
    public UUID nextToCompact(Connection connection) {
        return null;
    }

    @Override
    public boolean lock(Connection connection, UUID turn) {
        return true;
    }
}
