package io.chatrelay.conversation;

import java.util.Optional;
import java.util.UUID;

import io.chatrelay.event.TurnView;

/** What the view of a conversation shows of its turns. The room of turns, which is above, answers. */
public interface RunningTurns {

    /** The turn that runs in a conversation. @param externalId the id by which callers know the conversation */
    Optional<TurnView> running(UUID conversation, String externalId);
}
