package io.chatrelay.journal;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.UUID;

/**
 * What the journal asks of the table of turns and of the turns in it. The room of turns, which owns that table, answers, on the journal's
 * connection and in its transaction. An owner is an incarnation of a replica.
 */
public interface TurnOwnership {

    /** The turns that an owner runs. */
    List<UUID> running(Connection connection, UUID owner) throws SQLException;

    /** Those of them that a caller has asked to cancel. */
    List<UUID> cancelRequested(Connection connection, UUID owner) throws SQLException;

    /** Makes running turns of owners that are gone, some at a time, those of another; the turns that are its own now. */
    List<UUID> claim(Connection connection, List<UUID> gone, UUID owner) throws SQLException;

    /** Makes running turns of one owner those of another. */
    void giveAway(Connection connection, List<UUID> turns, UUID from, UUID to) throws SQLException;

    /**
     * A turn that has ended a minute ago or more, marked as compacted; null where there is none. Not right after its end: a writer whose
     * commit's answer was lost tries its rows again, and has to find them as they were.
     */
    UUID nextToCompact(Connection connection) throws SQLException;

    /** Locks a turn until the transaction ends, so that one which is erased stays erased. False if it is erased. */
    boolean lock(Connection connection, UUID turn) throws SQLException;
}
