package io.chatrelay.api;

import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;

/**
 * The kind of a reader of a turn's stream.
 *
 * @param nothing      the answer if there is nothing more to read, or null for the caller that sent the message. A reader with such an answer
 *                     never gets an error for a temporary condition, because a status ends an {@code EventSource} for good and a cut does not
 * @param hasBegun     whether the reader has the turn's first events: its answer is then always a stream, and begins at once
 * @param leavingStops whether the turn is cancelled when the reader disconnects
 */
public record ReaderKind(Response nothing, boolean hasBegun, boolean leavingStops) {

    static final Response NOTHING = Response.noContent().build();

    /** The caller that sent the turn's message. */
    public static ReaderKind whoAsked(boolean leavingStops) {
        return new ReaderKind(null, false, leavingStops);
    }

    /**
     * A reader that resumes, or only watches: 204 means that there is nothing (more) to read, which stops an {@code EventSource}.
     *
     * @param after the number of the last event that it has; 0 if it has none
     */
    static ReaderKind whoComesBack(long after) {
        return new ReaderKind(NOTHING, after > 0, false);
    }

    /**
     * A client that posts the same request again to resume after the last event that it has. Its answer is always a stream, even if there is
     * nothing to read: the client would treat another status as an error.
     */
    static ReaderKind whoRepeats(String conversation, boolean leavingStops) {
        return new ReaderKind(
                Response.ok(new byte[0], MediaType.SERVER_SENT_EVENTS_TYPE).header(ConversationHeader.NAME, conversation)
                        .header(HttpHeaders.CACHE_CONTROL, "no-cache").build(),
                true, leavingStops);
    }

    /** Whether it is the caller that sent the turn's message, and has nothing of the answer yet. */
    boolean asked() {
        return nothing == null && !hasBegun;
    }

    boolean comesBack() {
        return nothing != null;
    }
}
