package io.chatrelay.conversation;

import java.time.Instant;
import java.util.UUID;

import io.chatrelay.event.RawJson;

/**
 * The view of a stored message for callers.
 *
 * @param id       the caller's id if it gave one, otherwise this service's id
 * @param position in the conversation
 * @param name     of the speaker among several, or null
 * @param parts    an array of AI SDK message parts
 * @param usage    tokens, or null
 */
public record MessageView(String id, int position, String role, String name, RawJson parts, UUID turnId, String model,
        String finishReason,
        RawJson usage, Instant createdAt) {}
