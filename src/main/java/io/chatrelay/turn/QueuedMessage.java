package io.chatrelay.turn;

import java.time.Instant;
import java.util.List;
import java.util.UUID;

import org.jspecify.annotations.Nullable;

import io.chatrelay.event.RawJson;

/**
 * A message that waits for its turn.
 *
 * @param id       which its turn will have
 * @param place    in the conversation's queue: that of the next one is smaller than those of the others
 * @param ahead    how many messages are before it
 * @param said     what is asked
 * @param refusal  why its turn cannot begin, so that it waits no longer; or null
 */
public record QueuedMessage(UUID id, String conversationId, int place, int ahead, String caller, @Nullable String endUser,
        String model, List<Said> said, Instant queuedAt, @Nullable String refusal) {

    /**
     * One message of the request.
     *
     * @param parts an array of AI SDK message parts
     */
    public record Said(String role, @Nullable String name, RawJson parts) {}
}
