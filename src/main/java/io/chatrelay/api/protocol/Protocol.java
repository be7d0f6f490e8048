package io.chatrelay.api.protocol;

import java.util.List;
import java.util.Optional;

import io.chatrelay.approval.ApprovalView;
import io.chatrelay.event.Transcript;
import io.chatrelay.event.Turn;

/**
 * What one kind of client reads. Each protocol is a bean in a package of its own, beside the resource that takes its requests; the machine that
 * streams and answers knows this interface only.
 */
public interface Protocol {

    /** Its name, also the value of {@code ?wire=}. */
    String name();

    /**
     * Writes the events of a turn for one reader.
     *
     * @param includeUsage whether the reader asked for the usage, where the protocol does not tell it to everyone
     */
    FrameWriter frames(Turn turn, boolean includeUsage);

    /** The whole answer of a turn that completed, as JSON, for a caller that does not stream. */
    default String whole(Turn turn, Transcript transcript) {
        return Completion.of(turn, transcript);
    }

    /**
     * The answer of a turn that waits for approvals, as JSON, for a caller that does not stream.
     *
     * @param pending what waits, in the order in which it asked
     */
    default String waiting(Turn turn, Transcript transcript, List<ApprovalView> pending) {
        return Completion.waiting(turn, transcript, pending);
    }

    /** Whether its clients can end a stream at an approval, and go on with another request. */
    boolean pauses();

    /** The paths, from the root, whose callers are its clients: errors there are written for them. */
    List<String> paths();

    /** How an error is written for its clients. */
    ErrorFormat errors();

    /** What a client is told that asks for a path which this protocol knows and this service does not have; empty for any other path. */
    default Optional<String> missing(String path) {
        return Optional.empty();
    }
}
