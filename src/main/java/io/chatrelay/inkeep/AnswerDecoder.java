package io.chatrelay.inkeep;

import java.time.Duration;
import java.util.List;
import java.util.Optional;

import io.chatrelay.event.ChatEvent;

/**
 * Translates the frames of one answer into chat events. It is a pure function of the frames: read again from its start
 * through a fresh decoder, the same answer gives the same events.
 */
interface AnswerDecoder {

    /**
     * Takes the next frame.
     *
     * @param event its {@code event} field, or null where it has none
     * @param data  its data
     * @param out gets the events; after an {@link ChatEvent.Ended} nothing is decoded any more
     */
    void decode(String event, String data, List<ChatEvent> out);

    /** The body ended properly. Gives the end, if it has not come; none where the run goes on in another body. */
    void ended(List<ChatEvent> out);

    /** The connection broke. Gives the end, if it has not come; none where the run goes on in another body. */
    void broken(List<ChatEvent> out);

    /** Told before a frame is decoded. @param sinceNanos since when it was waited for */
    default void heard(String data, long sinceNanos) {}

    /**
     * How much longer to wait for what comes next; after that the body is left, as if it had {@linkplain #broken broken}. Empty for
     * ever: silence alone says nothing.
     *
     * @param sinceNanos since when it is waited for
     */
    default Optional<Duration> patience(long sinceNanos) {
        return Optional.empty();
    }
}
