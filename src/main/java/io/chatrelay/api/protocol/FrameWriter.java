package io.chatrelay.api.protocol;

import java.util.Map;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.JsonWriter;
import io.chatrelay.event.Turn;

/**
 * Writes a turn's events as the frames of one protocol, for one reader. It is a fold over the events: what it writes depends on them and on
 * nothing else, so a reader that comes back is given the frames that another one would have had there.
 *
 * <p>The {@code id} of a numbered frame names its place whole: the turn's ordinal and the event's number ({@code 3.17}), and where one
 * event is several frames, the frame, from 1 ({@code 3.17.2}). What a protocol adds of its own carries none.
 */
public interface FrameWriter {

    /** Headers of the answer, beside those of every event stream. */
    Map<String, String> headers();

    /**
     * Whether the stream opens with a comment, so that a proxy sees a body before the first event. There are clients that log an error
     * for every comment.
     */
    boolean opensWithComment();

    /** Whether the connection breaks after this end, because clients of this protocol take a clean close for success. */
    boolean breaksAfter(Ended end);

    /** Writes the event's frames; nothing where the protocol has none for it. */
    void write(long number, ChatEvent event, JsonWriter out);

    /** Whether the frames of an event depend on the events before it. If so, {@link #skip} is called for each event that the reader has already. */
    default boolean dependsOnEarlierEvents() {
        return false;
    }

    /** Folds an event whose frames the reader has already. */
    default void skip(ChatEvent event) {}

    /** Ends a stream whose turn waits for an approval. Only for a protocol whose clients {@linkplain Protocol#pauses pause} there. */
    default void pause(OpenParts open, JsonWriter out) {
        throw new UnsupportedOperationException("no client of this protocol pauses");
    }

    /** Begins the stream that follows a pause. @param open what the pause has closed */
    default void resume(OpenParts open, JsonWriter out) {
        throw new UnsupportedOperationException("no client of this protocol pauses");
    }

    /** Opens the only numbered frame of an event; what follows is its data. */
    static JsonWriter open(Turn turn, long number, JsonWriter out) {
        place(turn, number, out.ascii("id: "));
        return out.ascii("\ndata: ");
    }

    /**
     * Opens one of several numbered frames of an event. A turn that an earlier version began has no place in its conversation: its frames have
     * no id then, for a reader would take it for another event's.
     *
     * @param frame from 1
     */
    static JsonWriter open(Turn turn, long number, int frame, JsonWriter out) {
        if (turn.ordinal() > 0) {
            place(turn, number, out.ascii("id: ")).ascii('.').number(frame).ascii('\n');
        }
        return out.ascii("data: ");
    }

    private static JsonWriter place(Turn turn, long number, JsonWriter out) {
        if (turn.ordinal() > 0) {
            out.number(turn.ordinal()).ascii('.');
        }
        return out.number(number);
    }

    /** Closes a frame. */
    static void close(JsonWriter out) {
        out.ascii("\n\n");
    }
}
