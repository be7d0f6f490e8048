package io.chatrelay.api;

import java.time.Instant;
import java.util.UUID;

import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

import io.chatrelay.conversation.MessageView;
import io.chatrelay.event.RawJson;
import io.quarkus.runtime.annotations.RegisterForReflection;

/** A message in the format of {@code useChat}: this service's own data is in its metadata. */
@RegisterForReflection
public record MessageReply(String id, String role,
        @Schema(type = SchemaType.ARRAY, implementation = Object.class) RawJson parts, Instant createdAt, Metadata metadata) {

    /** @param name the author's name if there are several authors, or null */
    @RegisterForReflection
    public record Metadata(String conversationId, UUID turnId, String name, String model, String finishReason, RawJson usage) {}

    static MessageReply of(String conversation, MessageView view) {
        return new MessageReply(view.id(), view.role(), view.parts(), view.createdAt(),
                new Metadata(conversation, view.turnId(),
                        view.name(), view.model(), view.finishReason(), view.usage()));
    }
}
