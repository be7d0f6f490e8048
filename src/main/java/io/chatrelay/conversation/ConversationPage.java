package io.chatrelay.conversation;

import java.util.List;

/**
 * A page of conversations, newest first.
 *
 * @param more whether older conversations exist
 */
public record ConversationPage(List<ConversationView> conversations, boolean more) {}
