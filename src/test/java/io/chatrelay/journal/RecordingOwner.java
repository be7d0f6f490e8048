package io.chatrelay.journal;

import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** The owner of a turn that remembers what it was told. */
class RecordingOwner implements TurnLog.Owner {

    static final String LOST = "lost";

    private final List<String> told = new CopyOnWriteArrayList<>();

    /** {@code room}, {@code refused} with its SQLSTATE, {@code lost}, {@code ended}. */
    List<String> told() {
        return told;
    }

    @Override
    public void room() {
        told.add("room");
    }

    @Override
    public void refused(SQLException cause) {
        told.add("refused " + cause.getSQLState());
    }

    @Override
    public void lost() {
        told.add(LOST);
    }

    @Override
    public void ended() {
        told.add("ended");
    }
}
