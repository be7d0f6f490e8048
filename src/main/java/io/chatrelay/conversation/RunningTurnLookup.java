package io.chatrelay.conversation;

import java.util.Optional;
import java.util.UUID;

import io.chatrelay.event.TurnView;

/** The turn data that the view of a conversation requires. The package {@code turn} implements it. */
public interface RunningTurnLookup {

    /** The running turn of a conversation. @param externalId the id by which callers know the conversation */
    Optional<TurnView> running(UUID conversation, String externalId);
}
