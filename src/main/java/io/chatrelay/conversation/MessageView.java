package io.chatrelay.conversation;

import java.time.Instant;
import java.util.UUID;

import io.chatrelay.event.RawJson;

/**
 * A stored message as callers see it.
 *
 * @param id       the caller's id where it gave one, else ours
 * @param position its place in the conversation
 * @param name     who of several speaks, or null
 * @param parts    an array of AI SDK message parts
 * @param usage    tokens, or null
 */
public record MessageView(String id, int position, String role, String name, RawJson parts, UUID turnId, String model,
        String finishReason,
        RawJson usage, Instant createdAt) {}
