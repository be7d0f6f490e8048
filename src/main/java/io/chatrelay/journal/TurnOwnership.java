package io.chatrelay.journal;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.UUID;

import org.jspecify.annotations.Nullable;

/**
 * The journal's access to the table of turns. The package of turns, which owns that table, implements it, on the journal's connection and in
 * its transaction. An owner is an incarnation of a replica.
 */
public interface TurnOwnership {

    /** The turns that an owner runs. */
    List<UUID> running(Connection connection, UUID owner) throws SQLException;

    /** The owner's turns that a caller has asked to cancel. */
    List<UUID> cancelRequested(Connection connection, UUID owner) throws SQLException;

    /** Assigns running turns of dead owners to a new owner, a limited number at a time. Returns the turns that the new owner now has. */
    List<UUID> claim(Connection connection, List<UUID> gone, UUID owner) throws SQLException;

    /** Moves running turns from one owner to another. */
    void giveAway(Connection connection, List<UUID> turns, UUID from, UUID to) throws SQLException;

    /**
     * A turn that ended at least a minute ago, and marks it as compacted; null if there is none. The delay is needed because a writer that lost
     * a commit's answer retries its rows and must find them unchanged.
     */
    @Nullable
    UUID nextToCompact(Connection connection) throws SQLException;

    /** Locks a turn until the transaction ends, so that an erased turn stays erased. False if it is erased. */
    boolean lock(Connection connection, UUID turn) throws SQLException;
}
