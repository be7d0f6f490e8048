package io.chatrelay.conversation;

import java.util.List;

/**
 * A page of a conversation's messages, in the requested order.
 *
 * @param more whether messages exist after the last of them
 */
public record MessagePage(List<MessageView> messages, boolean more) {}
