package io.chatrelay.event;

import java.time.Instant;
import java.util.UUID;

import org.jspecify.annotations.Nullable;

/**
 * The unit of work, from a caller's message to the end of its answer.
 *
 * @param id             this service's id of the turn, visible to callers
 * @param tenant         the owner
 * @param caller         the caller that sent the message
 * @param conversation   this service's internal id of the conversation; the upstream receives only this id
 * @param conversationId the id of the conversation that callers use
 * @param ordinal        its number among the conversation's turns, from 1; 0 if it has none
 * @param upstream       the configured name of the upstream that answers
 * @param model          the model's name in the caller's protocol
 * @param messageId      the assistant's message, the same in every replay
 * @param acknowledged   whether its sender was told that the message is stored before the turn began: it counts, whatever becomes of the turn
 * @param trace          the context of the span that was begun for it, or null if none was
 */
public record Turn(UUID id, String tenant, String caller, UUID conversation, String conversationId, int ordinal,
        String upstream, String model, UUID messageId, Instant startedAt, boolean acknowledged,
        @Nullable TraceContext trace) {

    /** A turn that its own request began, and that is not traced. */
    public Turn(UUID id, String tenant, String caller, UUID conversation, String conversationId, int ordinal,
            String upstream, String model, UUID messageId, Instant startedAt) {
        this(id, tenant, caller, conversation, conversationId, ordinal, upstream, model, messageId, startedAt, false, null);
    }

    /** The header that names its span, or null if it is not traced. */
    public @Nullable String traceparent() {
        return trace == null ? null : trace.traceparent();
    }

    /** The same turn with another span. */
    public Turn with(@Nullable TraceContext other) {
        return new Turn(id, tenant, caller, conversation, conversationId, ordinal, upstream, model, messageId, startedAt,
                acknowledged, other);
    }
}
