package io.chatrelay.chat;

import java.util.List;

/**
 * Some of a conversation's messages, newest first.
 *
 * @param more whether there are older ones
 */
public record MessagePage(List<MessageView> messages, boolean more) {}
