package io.chatrelay.chat;

import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

import jakarta.enterprise.context.ApplicationScoped;

/** What an upstream without memory is told of what was said before: the newest that fit, and every system message. */
@ApplicationScoped
class History {

    private final Message.Repository messages;
    private final HistoryConfig config;

    History(Message.Repository messages, HistoryConfig config) {
        this.messages = messages;
        this.config = config;
    }

    /** The conversation's messages before the ones that are being sent, oldest first, within the budget. */
    List<Question.Said> before(Conversation conversation) {
        List<Message> window = messages.page(conversation.id, Integer.MAX_VALUE, config.maxMessages(),
                config.maxBytes().asLongValue(), false);
        return Stream.concat(messages.system(conversation.id).stream().filter(system -> !window.contains(system)),
                window.stream()).sorted(Comparator.comparingInt(message -> message.position))
                .map(Message::said).toList();
    }
}
