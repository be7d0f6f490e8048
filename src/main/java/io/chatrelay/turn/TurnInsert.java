package io.chatrelay.turn;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.UUID;

import jakarta.enterprise.context.ApplicationScoped;

import io.chatrelay.conversation.Conversation;
import io.chatrelay.conversation.History;
import io.chatrelay.conversation.Message;
import io.chatrelay.event.Ids;
import io.chatrelay.event.MessageParts;
import io.chatrelay.event.Role;
import io.chatrelay.event.Turn;
import io.chatrelay.upstream.Upstream;
import io.chatrelay.upstream.UpstreamRequest.ChatMessage;

/** Stores what a command begins: its conversation if that is new, its turn, and its messages. All in the caller's transaction. */
@ApplicationScoped
class TurnInsert {

    /**
     * A turn that is stored.
     *
     * @param newest the id of its newest message
     * @param before what its upstream is told of the past
     * @param span   of the turn, or null if nothing is traced
     */
    record Inserted(Turn turn, UUID newest, List<ChatMessage> before, TurnSpan span) {}

    private final Conversation.Repository conversations;
    private final Message.Repository messages;
    private final TurnRow.Repository turns;
    private final History history;
    private final TurnSpans spans;

    TurnInsert(Conversation.Repository conversations, Message.Repository messages, TurnRow.Repository turns, History history,
            TurnSpans spans) {
        this.conversations = conversations;
        this.messages = messages;
        this.turns = turns;
        this.history = history;
        this.spans = spans;
    }

    /** Stores a new conversation. */
    Conversation conversation(SendCommand command, Upstream upstream) {
        Conversation conversation = new Conversation();
        conversation.id = Ids.next();
        conversation.tenant = command.tenant();
        conversation.externalId = command.conversationId() == null ? conversation.id.toString() : command.conversationId();
        conversation.caller = command.caller();
        conversation.endUser = command.endUser();
        conversation.upstream = upstream.name();
        conversation.createdAt = turns.now();
        conversation.updatedAt = conversation.createdAt;
        conversations.persistAndFlush(conversation);
        return conversation;
    }

    /**
     * Stores a turn with its messages.
     *
     * @param fresh        whether its conversation is new
     * @param acknowledged whether its message has waited
     */
    Inserted turn(SendCommand command, Conversation conversation, Upstream upstream, UUID owner, byte[] digest,
            boolean fresh, UUID id, boolean acknowledged) {
        supersede(command, conversation, id);
        // Stored messages are authoritative; from the earlier messages of a request, only new instructions are stored.
        List<ChatMessage> earlier = fresh ? command.before() : history.newInstructions(command.before(), conversation);
        TurnRow row = row(command, conversation, upstream, owner, digest, id, earlier.size());
        row.startedAt = turns.now();
        row.acknowledged = acknowledged ? Boolean.TRUE : null;
        TurnSpan span = spans.begin(upstream, command.model());
        row.traceContext = span == null ? null : span.context().stored();
        turns.persistAndFlush(row);
        // Instructions belong to the turn: they do not count if the turn's messages do not count.
        earlier.forEach(said -> store(conversation, said, said.role() == Role.SYSTEM ? id : null, null, row.startedAt));
        List<ChatMessage> before = upstream.remembers() ? List.of() : history.before(conversation);
        UUID last = null;
        for (int i = 0; i < command.asked().size(); i++) {
            boolean newest = i == command.asked().size() - 1;
            last = store(conversation, command.asked().get(i), id, newest ? command.messageId() : null, row.startedAt);
        }
        conversation.nextPosition++;
        conversation.updatedAt = row.startedAt;
        Turn turn = row.turn(conversation.externalId);
        return new Inserted(turn, last, before, span);
    }

    /** A message id that the conversation contains is an edit, or requests a new answer: the messages from its position on are superseded. */
    private void supersede(SendCommand command, Conversation conversation, UUID turn) {
        if (command.messageId() != null) {
            messages.current(conversation.id, command.messageId())
                    .ifPresent(edited -> messages.supersede(conversation.id, edited.position, turn));
        }
    }

    private static TurnRow row(SendCommand command, Conversation conversation, Upstream upstream, UUID owner, byte[] digest,
            UUID id, int earlier) {
        TurnRow row = new TurnRow();
        row.id = id;
        row.tenant = command.tenant();
        row.conversationId = conversation.id;
        row.ordinal = ++conversation.turns;
        row.state = "running";
        row.owner = owner;
        row.upstream = upstream.name();
        row.model = command.model() == null ? upstream.name() : command.model();
        row.messageId = Ids.next();
        row.messagePosition = conversation.nextPosition + earlier + command.asked().size();
        StoredRequest request = StoredRequest.forTakeover(command, upstream);
        if (request != null) {
            row.remember(request);
        }
        row.caller = command.caller();
        row.endUser = command.endUser();
        row.idempotencyKey = command.idempotencyKey();
        row.commandDigest = digest;
        row.clientRepeats = command.maybeRepeated();
        return row;
    }

    private UUID store(Conversation conversation, ChatMessage said, UUID turn, String externalId, Instant at) {
        Message message = new Message();
        message.id = Ids.next();
        message.conversationId = conversation.id;
        message.turnId = turn;
        message.position = conversation.nextPosition++;
        message.externalId = externalId;
        message.role = said.role().wireName();
        message.name = said.name();
        message.parts = MessageParts.write(said.parts());
        message.size = message.parts.getBytes(StandardCharsets.UTF_8).length;
        message.createdAt = at;
        messages.persist(message);
        return message.id;
    }
}
