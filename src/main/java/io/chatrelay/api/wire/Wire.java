package io.chatrelay.api.wire;

import java.util.Map;

import io.chatrelay.chat.ChatEvent;
import io.chatrelay.chat.ChatEvent.Ended;
import io.chatrelay.chat.JsonText;
import io.chatrelay.chat.Turn;

/**
 * How a turn's events look to one kind of client. One event is at most one numbered frame, whose {@code id} names the turn's
 * ordinal and the event's number ({@code 3.17}); what a wire adds of its own carries none.
 */
public interface Wire {

    /** Headers of the answer, beside those of every event stream. */
    Map<String, String> headers();

    /**
     * Whether the stream opens with a comment, so that a proxy sees a body before the first event. There are clients that log an error
     * for every comment.
     */
    boolean opensWithComment();

    /** Whether the connection breaks after this end, because clients of this wire take a clean close for success. */
    boolean breaksAfter(Ended end);

    /** Writes the event's frame; nothing where this wire has none for it. */
    void render(long number, ChatEvent event, JsonText out);

    /** Opens a numbered frame; what follows is its data. */
    static JsonText open(Turn turn, long number, JsonText out) {
        out.ascii("id: ");
        if (turn.ordinal() > 0) {
            out.number(turn.ordinal()).ascii('.');
        }
        return out.number(number).ascii("\ndata: ");
    }

    /** Closes a frame. */
    static void close(JsonText out) {
        out.ascii("\n\n");
    }
}
