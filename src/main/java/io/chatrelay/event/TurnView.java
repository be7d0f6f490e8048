package io.chatrelay.event;

import java.time.Instant;
import java.util.UUID;

import io.quarkus.runtime.annotations.RegisterForReflection;

/**
 * A turn as callers see it.
 *
 * @param state        {@code running}, {@code awaiting_approval}, or the outcome
 * @param outcome      null while it runs
 * @param finishReason null unless it completed
 * @param lastEvent    the number of its last stored event; 0 if there is none
 */
@RegisterForReflection
public record TurnView(UUID id, String conversationId, String state, String outcome, String finishReason, long lastEvent,
        Instant startedAt, Instant endedAt) {}
