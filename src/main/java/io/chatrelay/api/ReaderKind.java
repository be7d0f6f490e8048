package io.chatrelay.api;

import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;

/**
 * Who reads a turn's stream.
 *
 * @param nothing      the answer if there is nothing more to read, or null for the caller that sent the message. Who has such an answer is
 *                     never refused for what passes, because a status ends an {@code EventSource} for good and a cut does not
 * @param hasBegun     whether the reader has the turn's first events: then its answer is a stream whatever comes next, and begins at once
 * @param leavingStops whether the turn is stopped when the reader disconnects
 */
public record ReaderKind(Response nothing, boolean hasBegun, boolean leavingStops) {

    static final Response NOTHING = Response.noContent().build();

    /** The caller whose turn it is. */
    public static ReaderKind whoAsked(boolean leavingStops) {
        return new ReaderKind(null, false, leavingStops);
    }

    /**
     * One that comes back, or looks on: 204 says that there is nothing (more) to read, which stops an {@code EventSource}.
     *
     * @param after the number of the last event that it has; 0 if it has none
     */
    static ReaderKind whoComesBack(long after) {
        return new ReaderKind(NOTHING, after > 0, false);
    }

    /**
     * A client that posts the same request again to go on after the last event that it has. Its answer is a stream whatever there is to
     * read: another status would be an error to it.
     */
    static ReaderKind whoRepeats(String conversation, boolean leavingStops) {
        return new ReaderKind(
                Response.ok(new byte[0], MediaType.SERVER_SENT_EVENTS_TYPE).header(ConversationHeader.NAME, conversation)
                        .header(HttpHeaders.CACHE_CONTROL, "no-cache").build(),
                true, leavingStops);
    }

    boolean comesBack() {
        return nothing != null;
    }
}
