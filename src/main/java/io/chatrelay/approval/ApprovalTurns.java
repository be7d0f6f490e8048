package io.chatrelay.approval;

import java.time.Duration;
import java.util.Optional;
import java.util.UUID;

import io.chatrelay.event.Turn;

/** What the ledger asks of the turns whose calls ask for approval. The room of turns, which is above, answers. */
public interface ApprovalTurns {

    /** The turn of that id; empty where it is of another conversation. */
    Optional<UUID> inConversation(UUID conversation, UUID turn);

    /** The turn whose answer is that message. */
    Optional<UUID> answeringWith(UUID conversation, UUID message);

    /** A turn that is known to exist. */
    Turn turn(UUID id);

    /** For how long after a decision a client may still repeat it. */
    Duration retryWindow();
}
