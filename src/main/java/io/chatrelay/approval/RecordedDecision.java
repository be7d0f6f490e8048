package io.chatrelay.approval;

import java.util.UUID;

import io.chatrelay.event.Turn;

/**
 * A recorded decision.
 *
 * @param alreadyDecided whether it was recorded before this command
 */
public record RecordedDecision(UUID id, Turn turn, String toolCallId, boolean approved, boolean alreadyDecided) {}
