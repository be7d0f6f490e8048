package io.chatrelay.conversation;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Types;
import java.util.UUID;

import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.JsonWriter;
import io.chatrelay.event.Jsonb;
import io.chatrelay.event.Usage;

/**
 * What the end of a turn changes in its conversation. Each statement is idempotent by its {@code WHERE}, and runs in the transaction that stores the
 * turn's last event.
 */
public final class ConversationEffects {

    /** A transaction that holds the row lock updates the time itself; the journal of all turns does not wait for the lock of one conversation. */
    private static final String MOVED = """
            update conversation set updated_at = clock_timestamp()
            where id in (select id from conversation where id = ? for no key update skip locked)""";

    private static final String MESSAGE = """
            insert into message (id, conversation_id, turn_id, position, external_id, role, parts, model, finish_reason, usage,
                                 size, created_at)
            select t.message_id, t.conversation_id, t.id, t.message_position, t.message_id::text, 'assistant', m.parts::jsonb,
                   t.model, ?, m.usage::jsonb, octet_length(m.parts) + coalesce(octet_length(m.usage), 0), clock_timestamp()
            from turn t, (select ?::text as parts, ?::text as usage) m where t.id = ?
            on conflict do nothing""";

    private static final String TAKE_BACK = """
            update message set superseded_by = ? where turn_id = ? and superseded_by is null""";

    private static final String RESTORE = """
            update message set superseded_by = null where superseded_by = ? and turn_id is distinct from ?""";

    private ConversationEffects() {}

    /**
     * Stores the assistant's message.
     *
     * @param parts as JSON
     */
    public static void answered(Connection connection, UUID turn, String parts, Ended ended) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(MESSAGE)) {
            insert.setString(1, ended.finishReason() == null ? null : ended.finishReason().wireName());
            insert.setString(2, parts);
            if (ended.usage() == null) {
                insert.setNull(3, Types.VARCHAR);
            } else {
                insert.setString(3, usage(ended.usage()));
            }
            insert.setObject(4, turn);
            insert.executeUpdate();
        }
    }

    /** Updates the conversation's update time. */
    public static void moved(Connection connection, UUID conversation) throws SQLException {
        update(connection, MOVED, conversation);
    }

    /** Removes the messages of a turn from the conversation, and restores the messages that they superseded. */
    public static void takenBack(Connection connection, UUID turn) throws SQLException {
        update(connection, TAKE_BACK, turn, turn);
        update(connection, RESTORE, turn, turn);
    }

    private static String usage(Usage usage) {
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
