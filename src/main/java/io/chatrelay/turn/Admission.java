package io.chatrelay.turn;

import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

import io.chatrelay.cluster.Lease;
import io.chatrelay.conversation.ConversationEffects;
import io.chatrelay.database.SqlArrays;
import io.chatrelay.event.Ids;
import io.chatrelay.event.MessageParts;
import io.chatrelay.event.Turn;
import io.chatrelay.journal.GroupCommit;
import io.chatrelay.upstream.UpstreamRequest.ChatMessage;

/**
 * Begins the turns of many commands in one statement: it reads the fence, holds the conversations, checks, and inserts turns, conversations and
 * messages. It begins the plain turns only: a command that another transaction, a running turn, a used key or an edit stands in the way of is left
 * out, and {@link Turns} accepts it in a transaction of its own, or refuses it with the reason.
 */
final class Admission implements GroupCommit.SharedStatement<Admission.Command, Admission.Begun> {

    /**
     * A command with the ids that its turn gets.
     *
     * @param upstream     of the turn; a conversation that belongs to another one leaves the command out
     * @param request      what is stored of the request beside its messages, or null
     * @param isForNew     whether a new conversation can begin with it
     * @param isForKnown   whether a known conversation can go on with it
     * @param conversation the id of the conversation if it is new
     * @param answer       the id of the assistant's message
     * @param messages     the request's messages as they are stored: the earlier ones if they can be, then those that are asked
     */
    record Command(SendCommand sent, byte[] digest, String upstream, String request, boolean isForNew, boolean isForKnown,
            UUID turn, UUID conversation, UUID answer, List<StoredMessage> messages, Instant at) {

        static Command of(SendCommand sent, byte[] digest, String upstream, StoredRequest request, boolean isForNew,
                boolean isForKnown) {
            UUID turn = Ids.next();
            List<StoredMessage> messages = new ArrayList<>(sent.asked().size());
            int earlier = sent.before().size();
            for (int i = isForNew ? 0 : earlier; i < earlier + sent.asked().size(); i++) {
                boolean newest = i == earlier + sent.asked().size() - 1;
                messages.add(StoredMessage.of(turn, i, i < earlier ? sent.before().get(i) : sent.asked().get(i - earlier),
                        newest ? sent.messageId() : null));
            }
            return new Command(sent, digest, upstream, request == null ? null : request.write(), isForNew, isForKnown, turn,
                    Ids.next(), Ids.next(), messages, Instant.now());
        }

        String model() {
            return sent.model() == null ? upstream : sent.model();
        }

        /** The lock of a client that may send the command again while it is being stored; or null. */
        Long lock() {
            return sent.maybeRepeated() ? CommandDigest.lock(digest) : null;
        }

        /** The id of the newest message. */
        UUID newest() {
            return messages.getLast().id();
        }

        long size() {
            return messages.stream().mapToLong(StoredMessage::size).sum() + (request == null ? 0 : request.length());
        }
    }

    /**
     * @param isNew whether its conversation began with it
     * @param as    the incarnation that owns it
     */
    record Begun(Turn turn, boolean isNew, UUID as) {}

    /**
     * A message of a request.
     *
     * @param place      among the request's messages, from 0
     * @param externalId the sender's id, or null
     * @param parts      as JSON
     * @param size       of the parts, in bytes
     */
    record StoredMessage(UUID id, UUID turn, int place, String externalId, String role, String name, String parts, int size) {

        static StoredMessage of(UUID turn, int place, ChatMessage message, String externalId) {
            String parts = MessageParts.write(message.parts());
            return new StoredMessage(Ids.next(), turn, place, externalId, message.role().wireName(), message.name(), parts,
                    parts.getBytes(StandardCharsets.UTF_8).length);
        }
    }

    private static final String BEGIN = """
            with held as (%s),
            command as materialized (
                select given.*, lock is null or pg_try_advisory_xact_lock(lock) as unlocked
                from held, unnest(?::uuid[], ?::uuid[], ?::uuid[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[],
                                  ?::text[], ?::text[], ?::text[], ?::bytea[], ?::bigint[], ?::boolean[], ?::boolean[], ?::boolean[],
                                  ?::integer[], ?::integer[], ?::timestamptz[])
                    as given(turn_id, conversation_id, answer_id, tenant, external_id, caller, end_user, upstream, model,
                             request, idempotency_key, message_external_id, digest, lock, client_repeats, as_new, as_known,
                             earlier, asked, at)),
            known as (%s),
            admitted as (%s),
            created as (%s),
            moved as (%s),
            said as (select * from unnest(?::uuid[], ?::uuid[], ?::integer[], ?::text[], ?::text[], ?::text[], ?::text[], ?::integer[])
                         as given(id, turn_id, place, external_id, role, name, parts, size)),
            stored as (%s)
            select id, conversation_id, ordinal from admitted"""
            .formatted(Lease.FENCE, ConversationEffects.HOLD_KNOWN,
                    TurnStore.INSERT_ADMITTED, ConversationEffects.INSERT_NEW, ConversationEffects.MOVE_KNOWN,
                    ConversationEffects.INSERT_SAID);

    @Override
    public Object key(Command command) {
        String conversation = command.sent().conversationId();
        return conversation == null ? command.turn() : List.of(command.sent().tenant(), conversation);
    }

    @Override
    public long size(Command command) {
        return command.size();
    }

    @Override
    public Map<Command, Begun> run(Connection connection, UUID as, List<Command> commands) throws SQLException {
        Map<UUID, Command> byTurn = HashMap.newHashMap(commands.size());
        commands.forEach(command -> byTurn.put(command.turn(), command));
        Map<Command, Begun> begun = new IdentityHashMap<>(commands.size());
        connection.setAutoCommit(true);
        try (PreparedStatement begin = connection.prepareStatement(BEGIN)) {
            begin.setObject(1, as);
            int next = bind(new SqlArrays<>(connection, begin, commands, 2));
            begin.setObject(next, as);
            bindMessages(new SqlArrays<>(connection, begin,
                    commands.stream().flatMap(command -> command.messages().stream()).toList(), next + 1));
            try (ResultSet rows = begin.executeQuery()) {
                while (rows.next()) {
                    Command command = byTurn.get(rows.getObject(1, UUID.class));
                    UUID conversation = rows.getObject(2, UUID.class);
                    begun.put(command, begun(command, conversation, rows.getInt(3), as));
                }
            }
        }
        return begun;
    }

    private static Begun begun(Command command, UUID conversation, int ordinal, UUID as) {
        SendCommand sent = command.sent();
        String externalId = sent.conversationId() == null ? conversation.toString() : sent.conversationId();
        return new Begun(new Turn(command.turn(), sent.tenant(), sent.caller(), conversation, externalId, ordinal,
                command.upstream(), command.model(), command.answer(), command.at()),
                conversation.equals(command.conversation()), as);
    }

    /** @return the index of the next parameter */
    private static int bind(SqlArrays<Command> arrays) throws SQLException {
        return arrays.add("uuid", Command::turn).add("uuid", Command::conversation).add("uuid", Command::answer)
                .add("text", command -> command.sent().tenant()).add("text", command -> command.sent().conversationId())
                .add("text", command -> command.sent().caller()).add("text", command -> command.sent().endUser())
                .add("text", Command::upstream).add("text", Command::model)
                .add("text", Command::request)
                .add("text", command -> command.sent().idempotencyKey()).add("text", command -> command.sent().messageId())
                .add("bytea", Command::digest).add("bigint", Command::lock)
                .add("boolean", command -> command.sent().maybeRepeated())
                .add("boolean", Command::isForNew).add("boolean", Command::isForKnown)
                .add("integer", command -> command.sent().before().size())
                .add("integer", command -> command.sent().asked().size())
                .add("timestamptz", command -> command.at().toString()).next();
    }

    private static void bindMessages(SqlArrays<StoredMessage> arrays) throws SQLException {
        arrays.add("uuid", StoredMessage::id).add("uuid", StoredMessage::turn).add("integer", StoredMessage::place)
                .add("text", StoredMessage::externalId).add("text", StoredMessage::role).add("text", StoredMessage::name)
                .add("text", StoredMessage::parts).add("integer", StoredMessage::size);
    }
}
