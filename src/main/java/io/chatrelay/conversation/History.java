package io.chatrelay.conversation;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.stream.Stream;

import jakarta.enterprise.context.ApplicationScoped;

import io.chatrelay.event.ChatException;
import io.chatrelay.event.MessageParts;
import io.chatrelay.event.Role;
import io.chatrelay.upstream.UpstreamRequest.ChatMessage;

/**
 * The history that is sent to an upstream without memory: the current instructions, and the newest messages that fit beside them. The current
 * instructions are all instructions of the newest request that contained any, in its order. Older instructions remain among the conversation's
 * messages, but are no longer sent.
 */
@ApplicationScoped
public class History {

    private final Message.Repository messages;
    private final HistoryConfig config;

    History(Message.Repository messages, HistoryConfig config) {
        this.messages = messages;
        this.config = config;
    }

    /** The instructions, followed by the conversation's messages before the ones that are being sent, oldest first. */
    public List<ChatMessage> before(Conversation conversation) {
        List<Message> instructions = instructionsOf(conversation);
        long left = maxBytes() - instructions.stream().mapToLong(message -> size(message.said())).sum();
        return Stream.concat(instructions.stream(), messages.said(conversation.id, config.maxMessages(), left).stream())
                .map(Message::said).toList();
    }

    /** The same for a conversation that begins with these messages, as they are stored. */
    public List<ChatMessage> ofNew(List<ChatMessage> earlier) {
        List<ChatMessage> instructions = earlier.stream().filter(said -> said.role() == Role.SYSTEM)
                .map(said -> stored(said, MessageParts.write(said.parts()))).toList();
        long left = maxBytes() - instructions.stream().mapToLong(History::size).sum();
        Deque<ChatMessage> newest = new ArrayDeque<>();
        for (ChatMessage said : earlier.reversed()) {
            if (said.role() != Role.SYSTEM) {
                String parts = MessageParts.write(said.parts());
                left -= bytes(parts);
                if (left < 0 || newest.size() >= config.maxMessages()) {
                    break;
                }
                newest.addFirst(stored(said, parts));
            }
        }
        return Stream.concat(instructions.stream(), newest.stream()).toList();
    }

    private static ChatMessage stored(ChatMessage said, String parts) {
        return new ChatMessage(said.role(), MessageParts.read(parts), said.name());
    }

    /**
     * The instructions of a command that must be stored: all of them, or none if they are already current. A command without instructions keeps the
     * current ones.
     */
    public List<ChatMessage> newInstructions(List<ChatMessage> before, Conversation conversation) {
        List<ChatMessage> given = before.stream().filter(said -> said.role() == Role.SYSTEM).toList();
        return given.isEmpty()
                || written(given).equals(written(instructionsOf(conversation).stream().map(Message::said).toList()))
                        ? List.of()
                        : given;
    }

    /**
     * Rejects instructions that do not fit: none is omitted, because they state what the model must not do.
     *
     * @param before   the earlier messages in the request
     * @param beforeAt the positions of these messages in the request
     * @throws ChatException that names the message that exceeds the limit
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
        return bytes(MessageParts.write(said.parts()));
    }

    private static int bytes(String parts) {
        return parts.getBytes(StandardCharsets.UTF_8).length;
    }

    /** In stored form: an instruction that a caller repeats may differ in single characters. */
    private static List<List<String>> written(List<ChatMessage> instructions) {
        return instructions.stream().map(said -> List.of(MessageParts.write(said.parts()), String.valueOf(said.name())))
                .toList();
    }
}
