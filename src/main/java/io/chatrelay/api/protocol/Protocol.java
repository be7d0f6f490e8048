package io.chatrelay.api.protocol;

import java.util.List;
import java.util.Optional;

import io.chatrelay.approval.ApprovalView;
import io.chatrelay.event.Transcript;
import io.chatrelay.event.Turn;

/**
 * The protocol of one kind of client. Each protocol is a bean in its own package, next to the resource that receives its requests. The code
 * that streams and answers uses only this interface.
 */
public interface Protocol {

    /** Its name, and the value of {@code ?wire=}. */
    String name();

    /**
     * Creates the writer of a turn's events for one reader.
     *
     * @param includeUsage whether the reader requested the usage, if the protocol does not send it to every reader
     */
    FrameWriter frames(Turn turn, boolean includeUsage);

    /** The complete answer of a completed turn, as JSON, for a caller that does not stream. */
    default String whole(Turn turn, Transcript transcript) {
        return Completion.of(turn, transcript);
    }

    /**
     * The answer of a turn that waits for approvals, as JSON, for a caller that does not stream.
     *
     * @param pending the pending approvals, in the order of the requests
     */
    default String waiting(Turn turn, Transcript transcript, List<ApprovalView> pending) {
        return Completion.waiting(turn, transcript, pending);
    }

    /** Whether its clients can end a stream at an approval, and continue with another request. */
    boolean pauses();

    /** The paths, from the root, that its clients call: errors there have their format. */
    List<String> paths();

    /** The format of errors for its clients. */
    ErrorFormat errors();

    /** The error for a path that this protocol knows and this service does not have; empty for any other path. */
    default Optional<String> missing(String path) {
        return Optional.empty();
    }
}
