package io.chatrelay.conversation;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.UUID;

import io.chatrelay.event.JsonWriter;
import io.chatrelay.event.Jsonb;
import io.chatrelay.event.Usage;

/**
 * What the begin and the end of a turn change in its conversation. What the end changes is idempotent by its {@code WHERE}, and runs in the
 * transaction that stores the turn's last event. The texts are parts of the statements for many turns, which name their other parts
 * {@code command}, {@code admitted} (the turns that begin) and {@code ended}.
 */
public final class ConversationEffects {

    /**
     * Moves the conversations of {@code ended} turns. A transaction that holds the row lock updates the time itself; the journal of all turns does not
     * wait for the lock of one conversation.
     */
    public static final String MOVE_ENDED = """
            update conversation set updated_at = clock_timestamp()
            where id in (select c.id from conversation c join ended e on e.conversation_id = c.id
                         where e.counts for no key update of c skip locked)""";

    /** Stores the assistant's messages of {@code ended} turns. */
    public static final String INSERT_ANSWERS = """
            insert into message (id, conversation_id, turn_id, position, external_id, role, parts, model, finish_reason, usage,
                                 size, created_at)
            select t.message_id, t.conversation_id, t.id, t.message_position, t.message_id::text, 'assistant', e.parts::jsonb,
                   t.model, e.finish_reason, e.usage::jsonb, octet_length(e.parts) + coalesce(octet_length(e.usage), 0),
                   clock_timestamp()
            from ended e join turn t on t.id = e.turn_id where e.parts is not null
            on conflict do nothing""";

    private static final String TAKE_BACK = """
            update message set superseded_by = ? where turn_id = ? and superseded_by is null""";

    private static final String RESTORE = """
            update message set superseded_by = null where superseded_by = ? and turn_id is distinct from ?""";

    /** Holds the conversations of new commands until the transaction ends, but waits for none. */
    public static final String HOLD_KNOWN = """
            select c.id, c.tenant, c.external_id, c.upstream, c.next_position, c.turns
            from conversation c join command n on c.tenant = n.tenant and c.external_id = n.external_id
            for no key update of c skip locked""";

    /** A command's new conversation. */
    public static final String INSERT_NEW = """
            insert into conversation (id, tenant, external_id, caller, end_user, upstream, properties_size, next_position, turns,
                                      created_at, updated_at)
            select n.conversation_id, n.tenant, coalesce(n.external_id, n.conversation_id::text), n.caller, n.end_user, n.upstream,
                   2, a.message_position + 1, a.ordinal, n.at, n.at
            from admitted a join command n on n.turn_id = a.id and n.conversation_id = a.conversation_id""";

    /** A known conversation goes on. */
    public static final String MOVE_KNOWN = """
            update conversation c set next_position = a.message_position + 1, turns = a.ordinal, updated_at = n.at
            from admitted a join command n on n.turn_id = a.id and n.conversation_id <> a.conversation_id
            where c.id = a.conversation_id""";

    /**
     * The messages of commands, as {@code said}. Earlier messages count in a new conversation only; instructions among them belong to the turn: they
     * do not count if its messages do not count.
     */
    public static final String INSERT_SAID = """
            insert into message (id, conversation_id, turn_id, position, external_id, role, name, parts, size, created_at)
            select s.id, a.conversation_id, case when s.place >= n.earlier or s.role = 'system' then a.id end,
                   a.message_position - n.asked - n.earlier + s.place, s.external_id, s.role, s.name, s.parts::jsonb, s.size, n.at
            from said s join admitted a on a.id = s.turn_id join command n on n.turn_id = a.id
            where s.place >= n.earlier or n.conversation_id = a.conversation_id""";

    private ConversationEffects() {}

    /** Removes the messages of a turn from the conversation, and restores the messages that they superseded. */
    public static void takenBack(Connection connection, UUID turn) throws SQLException {
        update(connection, TAKE_BACK, turn, turn);
        update(connection, RESTORE, turn, turn);
    }

    /** As {@link #INSERT_ANSWERS} stores it. */
    public static String usage(Usage usage) {
        JsonWriter out = new JsonWriter(160).ascii("{\"promptTokens\":").number(usage.promptTokens())
                .ascii(",\"completionTokens\":")
                .number(usage.completionTokens()).ascii(",\"totalTokens\":").number(usage.totalTokens());
        if (usage.counted() != null) {
            out.ascii(",\"counted\":").raw(Jsonb.clean(usage.counted()));
        }
        return out.ascii('}').toString();
    }

    private static void update(Connection connection, String sql, UUID... parameters) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                update.setObject(i + 1, parameters[i]);
            }
            update.executeUpdate();
        }
    }
}
