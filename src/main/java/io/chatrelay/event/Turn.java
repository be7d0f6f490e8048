package io.chatrelay.event;

import java.time.Instant;
import java.util.UUID;

/**
 * The unit of work, passed along from a caller's message to the end of its answer.
 *
 * @param id             our own id, known to callers
 * @param tenant         whose it is
 * @param caller         who asked
 * @param conversation   our own id of the conversation: the only one that the upstream is given
 * @param conversationId the id by which callers know the conversation
 * @param ordinal        its place among the conversation's turns, from 1; 0 where it has none
 * @param upstream       the configured name of the upstream that answers
 * @param model          what the caller's wire calls the model
 * @param messageId      the assistant's message, the same in every replay
 */
public record Turn(UUID id, String tenant, String caller, UUID conversation, String conversationId, int ordinal,
        String upstream, String model, UUID messageId, Instant startedAt) {}
