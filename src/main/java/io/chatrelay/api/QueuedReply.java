package io.chatrelay.api;

import java.time.Instant;
import java.util.List;
import java.util.UUID;

import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

import io.chatrelay.event.RawJson;
import io.chatrelay.turn.QueuedMessage;
import io.quarkus.runtime.annotations.RegisterForReflection;

/**
 * A message that waits for its turn.
 *
 * @param id       which its turn will have
 * @param state    {@code queued}, or {@code refused}: its turn can never begin
 * @param ahead    how many messages wait before it
 * @param messages what it asks; absent where the caller has just sent it
 * @param error    why it is refused
 */
@RegisterForReflection
public record QueuedReply(UUID id, String conversationId, String state, int ahead, String caller, String user, String model,
        List<Said> messages, Instant queuedAt, String error) {

    /** One message of the request. */
    @RegisterForReflection
    public record Said(String role, String name,
            @Schema(type = SchemaType.ARRAY, implementation = Object.class) RawJson parts) {}

    static QueuedReply of(QueuedMessage message) {
        return new QueuedReply(message.id(), message.conversationId(), message.refusal() == null ? "queued" : "refused",
                message.ahead(), message.caller(), message.endUser(), message.model(),
                message.said().isEmpty() ? null
                        : message.said().stream().map(said -> new Said(said.role(), said.name(), said.parts())).toList(),
                message.queuedAt(), message.refusal());
    }
}
