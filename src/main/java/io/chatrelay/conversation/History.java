package io.chatrelay.conversation;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;

import jakarta.enterprise.context.ApplicationScoped;

import io.chatrelay.event.ChatException;
import io.chatrelay.event.MessageParts;
import io.chatrelay.event.Role;
import io.chatrelay.upstream.UpstreamRequest.ChatMessage;

/**
 * What an upstream without memory is told of what was said before: the instructions that are in force, and the newest messages that fit
 * beside them. The newest instructions count: those of the newest request that gave any, all of them, in its order. Older ones stay among
 * the conversation's messages, and are not told any more.
 */
@ApplicationScoped
public class History {

    private final Message.Repository messages;
    private final HistoryConfig config;

    History(Message.Repository messages, HistoryConfig config) {
        this.messages = messages;
        this.config = config;
    }

    /** The instructions, and after them the conversation's messages before the ones that are being sent, oldest first. */
    public List<ChatMessage> before(Conversation conversation) {
        List<Message> instructions = instructionsOf(conversation);
        long left = maxBytes() - instructions.stream().mapToLong(message -> size(message.said())).sum();
        return Stream.concat(instructions.stream(), messages.said(conversation.id, config.maxMessages(), left).stream())
                .map(Message::said).toList();
    }

    /**
     * The instructions of a command that have to be stored: all that it gives, or none where they are in force already. A command that gives
     * none keeps what is in force.
     */
    public List<ChatMessage> newInstructions(List<ChatMessage> before, Conversation conversation) {
        List<ChatMessage> given = before.stream().filter(said -> said.role() == Role.SYSTEM).toList();
        return given.isEmpty()
                || written(given).equals(written(instructionsOf(conversation).stream().map(Message::said).toList()))
                        ? List.of()
                        : given;
    }

    /**
     * Refuses instructions that would not fit: none of them is left out, for they say what the model must not do.
     *
     * @param before   what the request says was said before
     * @param beforeAt the places of these messages in the request
     * @throws ChatException that names the message which is too much
     */
    public void check(List<ChatMessage> before, List<Integer> beforeAt) {
        int count = 0;
        long bytes = 0;
        for (int i = 0; i < before.size(); i++) {
            ChatMessage said = before.get(i);
            if (said.role() == Role.SYSTEM) {
                bytes += size(said);
                if (++count > config.maxInstructions()) {
                    throw ChatException.invalid(place(beforeAt.get(i)),
                            "is one too many: a request gives %d instructions at the most".formatted(config.maxInstructions()));
                }
                if (bytes > maxBytes()) {
                    throw ChatException.invalid(place(beforeAt.get(i)),
                            "makes the instructions larger than %d bytes, which is what goes up of them and the history together"
                                    .formatted(maxBytes()));
                }
            }
        }
    }

    private List<Message> instructionsOf(Conversation conversation) {
        return messages.instructions(conversation.id, config.maxInstructions(), maxBytes());
    }

    private long maxBytes() {
        return config.maxBytes().asLongValue();
    }

    private static String place(int index) {
        return "messages[%d]".formatted(index);
    }

    private static int size(ChatMessage said) {
        return MessageParts.write(said.parts()).getBytes(StandardCharsets.UTF_8).length;
    }

    /** As they are stored: what a caller repeats is not the same in every character. */
    private static List<List<String>> written(List<ChatMessage> instructions) {
        return instructions.stream().map(said -> List.of(MessageParts.write(said.parts()), String.valueOf(said.name())))
                .toList();
    }
}
