package io.chatrelay.turn;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

import io.chatrelay.approval.Ledger;
import io.chatrelay.conversation.ConversationEffects;
import io.chatrelay.database.SqlArrays;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Jsonb;
import io.chatrelay.event.Outcome;
import io.chatrelay.event.Turn;
import io.chatrelay.journal.TransactionalEffect;

/**
 * The changes that are stored together with a turn's last event: its state, the assistant's message, and the conversation's update time; of all turns
 * that end in one transaction in one statement. A turn that failed before the upstream's first event releases its idempotency key, and its message is
 * removed from the conversation: nothing was acknowledged, and the caller will send it again. A message that it edited is restored. A cancelled turn
 * keeps both: a retry must not begin it again. So does a turn whose message had waited: its sender was told that it is stored, and sends it no more.
 *
 * @param parts the message's parts, or null if no message is to be stored
 */
record TurnEnd(Turn turn, Ended ended, boolean started, String parts) implements TransactionalEffect {

    /**
     * Maximum characters of the messages in one statement. The database's answer to a statement is waited for only so long, and a batch that takes
     * longer is tried again: with a message each of as many turns as may end at once it would never succeed.
     */
    private static final long LONGEST = 1 << 20;

    private static final String END = """
            with ended as (select * from unnest(?::uuid[], ?::uuid[], ?::text[], ?::text[], ?::text[], ?::text[], ?::boolean[],
                                                ?::text[], ?::text[])
                               as given(turn_id, conversation_id, state, finish_reason, error_code, error_message, counts, parts, usage)),
            answers as (%s),
            moved as (%s)
            %s"""
            .formatted(ConversationEffects.INSERT_ANSWERS, ConversationEffects.MOVE_ENDED, TurnStore.END_ALL);

    private static final Together ALL = new Together() {
        @Override
        public void apply(Connection connection, List<TransactionalEffect> effects) throws SQLException {
            List<TurnEnd> part = new ArrayList<>();
            long length = 0;
            for (TransactionalEffect effect : effects) {
                TurnEnd end = (TurnEnd) effect;
                int more = end.parts == null ? 0 : end.parts.length();
                if (length + more > LONGEST && !part.isEmpty()) {
                    end(connection, part);
                    part.clear();
                    length = 0;
                }
                part.add(end);
                length += more;
            }
            end(connection, part);
        }

        @Override
        public boolean endsTurns() {
            return true;
        }
    };

    @Override
    public void apply(Connection connection) throws SQLException {
        end(connection, List.of(this));
    }

    @Override
    public Together together() {
        return ALL;
    }

    private static void end(Connection connection, List<TurnEnd> ends) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(END)) {
            new SqlArrays<>(connection, update, ends, 1)
                    .add("uuid", end -> end.turn.id()).add("uuid", end -> end.turn.conversation())
                    .add("text", end -> end.ended.outcome().wireName())
                    .add("text", end -> end.ended.finishReason() == null ? null : end.ended.finishReason().wireName())
                    .add("text", end -> end.ended.failure() == null ? null : end.ended.failure().name())
                    .add("text", end -> end.ended.failure() == null ? null : Jsonb.clean(end.ended.failure().message()))
                    .add("boolean", TurnEnd::counts).add("text", TurnEnd::parts)
                    .add("text", end -> end.ended.usage() == null ? null : ConversationEffects.usage(end.ended.usage()));
            update.executeUpdate();
        }
        Ledger.supersede(connection, ends.stream().map(end -> end.turn.id()).toList());
        for (TurnEnd end : ends) {
            if (!end.counts()) {
                ConversationEffects.takenBack(connection, end.turn.id());
            }
        }
    }

    private boolean counts() {
        return started || turn.acknowledged() || ended.outcome() == Outcome.CANCELLED;
    }
}
