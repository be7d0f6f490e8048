package io.chatrelay.api;

import jakarta.ws.rs.core.Response;

/**
 * Who reads a turn's stream.
 *
 * @param nothing      the answer if there is nothing more to read, or null for the caller that sent the message. Who has such an answer is
 *                     never refused for what passes, because a status ends an {@code EventSource} for good and a cut does not
 * @param hasBegun     whether the reader has the turn's first events: then its answer is a stream whatever comes next, and begins at once
 * @param leavingStops whether the turn is stopped when the reader disconnects
 */
record Reader(Response nothing, boolean hasBegun, boolean leavingStops) {

    static final Response NOTHING = Response.noContent().build();

    /** The caller whose turn it is. */
    static Reader whoAsked(boolean leavingStops) {
        return new Reader(null, false, leavingStops);
    }

    /**
     * One that comes back, or looks on: 204 says that there is nothing (more) to read, which stops an {@code EventSource}.
     *
     * @param after the number of the last event that it has; 0 if it has none
     */
    static Reader whoComesBack(long after) {
        return new Reader(NOTHING, after > 0, false);
    }

    /**
     * The caller whose turn it is, back after a drop.
     *
     * @param after the number of the last event that it has; 0 if it has none
     */
    static Reader whoRepeats(long after, boolean leavingStops) {
        return new Reader(null, after > 0, leavingStops);
    }

    boolean comesBack() {
        return nothing != null;
    }
}
