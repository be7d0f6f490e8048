package io.chatrelay.inkeep;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

import io.chatrelay.event.ChatEvent;

/**
 * Translates the frames of one answer into chat events. It is a pure function of the frames: a fresh decoder that reads the same answer from
 * its start emits the same events.
 */
interface AnswerDecoder {

    /**
     * Takes the next frame.
     *
     * @param event its {@code event} field, or null if it has none
     * @param data  its data
     * @param out   receives the events; after an {@link ChatEvent.Ended} nothing more is decoded
     */
    void decode(String event, String data, List<ChatEvent> out);

    /** The body ended properly. Emits the end if it was not emitted yet; emits none if the run continues in another body. */
    void ended(List<ChatEvent> out);

    /** The connection broke. Emits the end if it was not emitted yet; emits none if the run continues in another body. */
    void broken(List<ChatEvent> out);

    /** Called before a frame is decoded. @param sinceNanos since when the frame was awaited */
    default void heard(String data, long sinceNanos) {}

    /**
     * How much longer to wait for the next frame; after that the body is abandoned, as if it had {@linkplain #broken broken}. Empty means no
     * limit: silence alone proves nothing.
     *
     * @param sinceNanos since when the frame is awaited
     */
    default Optional<Duration> patience(long sinceNanos) {
        return Optional.empty();
    }
}
