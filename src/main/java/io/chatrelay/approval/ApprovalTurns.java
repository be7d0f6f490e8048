package io.chatrelay.approval;

import java.time.Duration;
import java.util.Optional;
import java.util.UUID;

import io.chatrelay.event.Turn;

/** What the ledger requires from the turns whose calls request approval. The package {@code turn} implements it. */
public interface ApprovalTurns {

    /** The turn with this id; empty if it belongs to another conversation. */
    Optional<UUID> inConversation(UUID conversation, UUID turn);

    /** The turn whose answer is this message. */
    Optional<UUID> answeringWith(UUID conversation, UUID message);

    /** A turn that is known to exist. */
    Turn turn(UUID id);

    /**
     * Whose message a turn answers.
     *
     * @param upstream the configured name of the upstream that answers
     */
    record Asked(String upstream, Person by) {}

    /** The same of a turn that is known to exist. */
    Asked asked(UUID turn);

    /** How long after a decision a client may still retry it. */
    Duration retryWindow();
}
