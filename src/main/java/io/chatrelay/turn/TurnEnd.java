package io.chatrelay.turn;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Types;
import java.util.UUID;

import io.chatrelay.approval.Ledger;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.JsonText;
import io.chatrelay.event.Jsonb;
import io.chatrelay.event.Outcome;
import io.chatrelay.event.Turn;
import io.chatrelay.event.Usage;
import io.chatrelay.journal.TransactionalEffect;

/**
 * What becomes true together with a turn's last event: its state, the assistant's message, and that the conversation moved.
 * A turn that failed before Inkeep's first event gives its idempotency key back, and its message is no longer part of the
 * conversation: nothing was acknowledged, and the caller will send it again. What it edited is part of it as before. One that
 * was cancelled keeps both: a repeat of what somebody stopped must not begin it again.
 *
 * @param parts the message's parts, or null where nothing is to be kept
 */
public record TurnEnd(Turn turn, Ended ended, boolean started, String parts) implements TransactionalEffect {

    private static final String END = """
            update turn set state = ?, finish_reason = ?, error_code = ?, error_message = ?,
                   last_event = (select last from turn_event where turn_id = turn.id order by first desc limit 1),
                   idempotency_key = case when ? then idempotency_key end,
                   command_digest = case when ? then command_digest end,
                   request = null,
                   ended_at = clock_timestamp()
            where id = ? and state in ('running', 'awaiting_approval')""";

    /** Whoever holds the row has moved it already; the journal of all turns does not wait for one conversation's lock. */
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

    @Override
    public void apply(Connection connection) throws SQLException {
        if (parts != null) {
            message(connection);
        }
        end(connection);
        Ledger.supersede(connection, turn.id());
        if (counts()) {
            update(connection, MOVED, turn.conversation());
        } else {
            update(connection, "update message set superseded_by = ? where turn_id = ? and superseded_by is null", turn.id(),
                    turn.id());
            // What it would have said anew stands as it was.
            update(connection, "update message set superseded_by = null where superseded_by = ? and turn_id is distinct from ?",
                    turn.id(), turn.id());
        }
    }

    private boolean counts() {
        return started || ended.outcome() == Outcome.CANCELLED;
    }

    private void end(Connection connection) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(END)) {
            update.setString(1, ended.outcome().wireName());
            update.setString(2, reason());
            update.setString(3, ended.failure() == null ? null : ended.failure().name());
            update.setString(4, ended.failure() == null ? null : Jsonb.clean(ended.failure().message()));
            update.setBoolean(5, counts());
            update.setBoolean(6, counts());
            update.setObject(7, turn.id());
            update.executeUpdate();
        }
    }

    private void message(Connection connection) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(MESSAGE)) {
            insert.setString(1, reason());
            insert.setString(2, parts);
            if (ended.usage() == null) {
                insert.setNull(3, Types.VARCHAR);
            } else {
                insert.setString(3, usage(ended.usage()));
            }
            insert.setObject(4, turn.id());
            insert.executeUpdate();
        }
    }

    private static String usage(Usage usage) {
        JsonText out = new JsonText(160).ascii("{\"promptTokens\":").number(usage.promptTokens())
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

    private String reason() {
        return ended.finishReason() == null ? null : ended.finishReason().wireName();
    }
}
