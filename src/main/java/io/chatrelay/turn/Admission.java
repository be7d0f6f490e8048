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
import java.util.OptionalInt;
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
 *
 * <p>Turns begin and end by the database's clock. What the statement reads, it reads before it asks for the time, so a turn starts after all turns
 * that it found ended.
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
     * @param span         of the turn, or null if nothing is traced
     * @param messages     the request's messages as they are stored: the earlier ones if they can be, then those that are asked
     * @param most         how many turns of the caller may run; empty if that is not limited
     */
    record Command(SendCommand sent, byte[] digest, String upstream, String request, boolean isForNew, boolean isForKnown,
            UUID turn, UUID conversation, UUID answer, TurnSpan span, List<StoredMessage> messages, OptionalInt most) {

        static Command of(SendCommand sent, byte[] digest, String upstream, StoredRequest request, boolean isForNew,
                boolean isForKnown, TurnSpan span, OptionalInt most) {
            UUID turn = Ids.next();
            List<StoredMessage> messages = new ArrayList<>(sent.asked().size());
            int earlier = sent.before().size();
            for (int i = isForNew ? 0 : earlier; i < earlier + sent.asked().size(); i++) {
                boolean newest = i == earlier + sent.asked().size() - 1;
                messages.add(StoredMessage.of(turn, i, i < earlier ? sent.before().get(i) : sent.asked().get(i - earlier),
                        newest ? sent.messageId() : null));
            }
            return new Command(sent, digest, upstream, request == null ? null : request.write(), isForNew, isForKnown, turn,
                    Ids.next(), Ids.next(), span, messages, most);
        }

        private Sender sender() {
            return new Sender(sent.tenant(), sent.caller());
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
     * @param isNew   whether its conversation began with it
     * @param as      the incarnation that owns it
     * @param running how many turns of the caller run now; empty if that is not limited
     */
    record Begun(Turn turn, boolean isNew, UUID as, OptionalInt running) {}

    private record Sender(String tenant, String caller) {}

    private record Row(Command command, UUID conversation, int ordinal, Instant startedAt) {}

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
                select given.*, lock is null or pg_try_advisory_xact_lock(lock) as unlocked, clock_timestamp() as at
                from held, unnest(?::uuid[], ?::uuid[], ?::uuid[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[],
                                  ?::text[], ?::text[], ?::text[], ?::bytea[], ?::bigint[], ?::boolean[], ?::boolean[], ?::boolean[],
                                  ?::integer[], ?::integer[], ?::text[], ?::integer[])
                    as given(turn_id, conversation_id, answer_id, tenant, external_id, caller, end_user, upstream, model,
                             request, idempotency_key, message_external_id, digest, lock, client_repeats, as_new, as_known,
                             earlier, asked, trace, most)),
            known as (%s),
            limited as materialized (%s),
            admitted as (%s),
            created as (%s),
            moved as (%s),
            said as (select * from unnest(?::uuid[], ?::uuid[], ?::integer[], ?::text[], ?::text[], ?::text[], ?::text[], ?::integer[])
                         as given(id, turn_id, place, external_id, role, name, parts, size)),
            stored as (%s)
            select id, conversation_id, ordinal, started_at, null as tenant, null as caller, null as running from admitted
            union all select null, null, null, null, tenant, caller, running from limited"""
            .formatted(Lease.FENCE, ConversationEffects.HOLD_KNOWN, TurnStore.COUNT_LIMITED,
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
        List<Row> began = new ArrayList<>(commands.size());
        Map<Sender, Integer> running = new HashMap<>();
        connection.setAutoCommit(true);
        try (PreparedStatement begin = connection.prepareStatement(BEGIN)) {
            begin.setObject(1, as);
            Map<UUID, Integer> most = most(commands);
            int next = bind(new SqlArrays<>(connection, begin, commands, 2), most);
            begin.setObject(next, as);
            bindMessages(new SqlArrays<>(connection, begin,
                    commands.stream().flatMap(command -> command.messages().stream()).toList(), next + 1));
            try (ResultSet rows = begin.executeQuery()) {
                while (rows.next()) {
                    UUID turn = rows.getObject(1, UUID.class);
                    if (turn == null) {
                        running.merge(new Sender(rows.getString(5), rows.getString(6)), rows.getInt(7), Integer::sum);
                    } else {
                        Command command = byTurn.get(turn);
                        began.add(new Row(command, rows.getObject(2, UUID.class), rows.getInt(3),
                                rows.getTimestamp(4).toInstant()));
                        running.merge(command.sender(), 1, Integer::sum);
                    }
                }
            }
        }
        Map<Command, Begun> begun = new IdentityHashMap<>(commands.size());
        began.forEach(row -> begun.put(row.command, begun(row, as, running)));
        return begun;
    }

    /**
     * By turn: below which number of running turns it may begin. Those before it in this statement are subtracted, whether they begin or not: a
     * command that is left out for no good reason is tried alone.
     */
    private static Map<UUID, Integer> most(List<Command> commands) {
        Map<UUID, Integer> most = new HashMap<>();
        Map<Sender, Integer> before = new HashMap<>();
        for (Command command : commands) {
            if (command.most().isPresent()) {
                int place = before.merge(command.sender(), 1, Integer::sum) - 1;
                most.put(command.turn(), command.most().getAsInt() - place);
            }
        }
        return most;
    }

    private static Begun begun(Row row, UUID as, Map<Sender, Integer> running) {
        Command command = row.command;
        UUID conversation = row.conversation;
        SendCommand sent = command.sent();
        String externalId = sent.conversationId() == null ? conversation.toString() : sent.conversationId();
        return new Begun(new Turn(command.turn(), sent.tenant(), sent.caller(), conversation, externalId, row.ordinal,
                command.upstream(), command.model(), command.answer(), row.startedAt, false,
                command.span() == null ? null : command.span().context()),
                conversation.equals(command.conversation()), as,
                command.most().isPresent() ? OptionalInt.of(running.get(command.sender())) : OptionalInt.empty());
    }

    /** @return the index of the next parameter */
    private static int bind(SqlArrays<Command> arrays, Map<UUID, Integer> most) throws SQLException {
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
                .add("text", command -> command.span() == null ? null : command.span().context().stored())
                .add("integer", command -> most.get(command.turn())).next();
    }

    private static void bindMessages(SqlArrays<StoredMessage> arrays) throws SQLException {
        arrays.add("uuid", StoredMessage::id).add("uuid", StoredMessage::turn).add("integer", StoredMessage::place)
                .add("text", StoredMessage::externalId).add("text", StoredMessage::role).add("text", StoredMessage::name)
                .add("text", StoredMessage::parts).add("integer", StoredMessage::size);
    }
}
