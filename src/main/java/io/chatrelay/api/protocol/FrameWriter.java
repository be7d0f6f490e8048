package io.chatrelay.api.protocol;

import java.util.Map;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.JsonWriter;
import io.chatrelay.event.Turn;

/**
 * Writes a turn's events as the frames of one protocol, for one reader. It is a fold: its output depends on the events and on
 * nothing else, so a reader that resumes receives the same frames that any other reader receives at that position.
 *
 * <p>The {@code id} of a numbered frame is its complete position: the turn's ordinal and the event's number ({@code 3.17}), and if one
 * event is several frames, the frame's number, from 1 ({@code 3.17.2}). Frames that a protocol adds itself have no id.
 */
public interface FrameWriter {

    /** Headers of the answer, in addition to those of every event stream. */
    Map<String, String> headers();

    /**
     * Whether the stream opens with a comment, so that a proxy receives a body before the first event. Some clients log an error
     * for every comment.
     */
    boolean opensWithComment();

    /** Whether the connection breaks after this end, because clients of this protocol treat a clean close as success. */
    boolean breaksAfter(Ended end);

    /** Writes the event's frames; writes nothing if the protocol has none for it. */
    void write(long number, ChatEvent event, JsonWriter out);

    /** Whether the frames of an event depend on earlier events. If so, {@link #skip} is called for each event that the reader already has. */
    default boolean dependsOnEarlierEvents() {
        return false;
    }

    /** Folds an event whose frames the reader already has. */
    default void skip(ChatEvent event) {}

    /** Ends a stream whose turn waits for an approval. Only for a protocol whose clients {@linkplain Protocol#pauses pause} there. */
    default void pause(UnclosedParts open, JsonWriter out) {
        throw new UnsupportedOperationException("no client of this protocol pauses");
    }

    /** Begins the stream after a pause. @param open the parts that the pause has closed */
    default void resume(UnclosedParts open, JsonWriter out) {
        throw new UnsupportedOperationException("no client of this protocol pauses");
    }

    /** Opens the only numbered frame of an event; its data follows. */
    static JsonWriter open(Turn turn, long number, JsonWriter out) {
        place(turn, number, out.ascii("id: "));
        return out.ascii("\ndata: ");
    }

    /**
     * Opens one of several numbered frames of an event. A turn that an earlier version began has no ordinal. Its frames then have no id,
     * because a reader would confuse it with another event's id.
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
