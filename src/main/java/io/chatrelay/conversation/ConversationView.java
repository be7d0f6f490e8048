package io.chatrelay.conversation;

import java.time.Instant;
import java.util.UUID;

import io.chatrelay.event.RawJson;
import io.chatrelay.event.TurnView;

/**
 * The view of a conversation for callers.
 *
 * @param id      the id that callers use
 * @param cursor  its position in a list
 * @param properties null if they are too large for a list
 * @param running the running turn, or null
 */
public record ConversationView(String id, UUID cursor, String title, RawJson properties, String upstream, String endUser,
        Instant createdAt, Instant updatedAt, TurnView running) {}
