package io.chatrelay.conversation;

import java.time.Instant;
import java.util.UUID;

import io.chatrelay.event.RawJson;
import io.chatrelay.event.TurnView;

/**
 * A conversation as callers see it.
 *
 * @param id      the id that callers use
 * @param cursor  its place in a list
 * @param properties null where they are too large for a list
 * @param running the turn that runs in it, or null
 */
public record ConversationView(String id, UUID cursor, String title, RawJson properties, String upstream, String endUser,
        Instant createdAt, Instant updatedAt, TurnView running) {}
