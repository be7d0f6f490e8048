package io.chatrelay.chat;

import java.util.UUID;

/**
 * A decision as it is recorded.
 *
 * @param alreadyDecided whether it was recorded before this command
 */
public record Decided(UUID id, Turn turn, String toolCallId, boolean approved, boolean alreadyDecided) {}
