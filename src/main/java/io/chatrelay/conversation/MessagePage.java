package io.chatrelay.conversation;

import java.util.List;

/**
 * Some of a conversation's messages, in the order that was asked for.
 *
 * @param more whether there are others beyond the last of them
 */
public record MessagePage(List<MessageView> messages, boolean more) {}
