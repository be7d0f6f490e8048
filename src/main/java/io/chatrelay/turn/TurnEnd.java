package io.chatrelay.turn;

import java.sql.Connection;
import java.sql.SQLException;

import io.chatrelay.approval.Ledger;
import io.chatrelay.conversation.ConversationEffects;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Outcome;
import io.chatrelay.event.Turn;
import io.chatrelay.journal.TransactionalEffect;

/**
 * The changes that are stored together with a turn's last event: its state, the assistant's message, and the conversation's update time. A turn that
 * failed before the upstream's first event releases its idempotency key, and its message is removed from the conversation: nothing was acknowledged,
 * and the caller will send it again. A message that it edited is restored. A cancelled turn keeps both: a retry must not begin it again.
 *
 * @param parts the message's parts, or null if no message is to be stored
 */
record TurnEnd(Turn turn, Ended ended, boolean started, String parts) implements TransactionalEffect {

    @Override
    public void apply(Connection connection) throws SQLException {
        if (parts != null) {
            ConversationEffects.answered(connection, turn.id(), parts, ended);
        }
        TurnStore.end(connection, turn.id(), ended, counts());
        Ledger.supersede(connection, turn.id());
        if (counts()) {
            ConversationEffects.moved(connection, turn.conversation());
        } else {
            ConversationEffects.takenBack(connection, turn.id());
        }
    }

    private boolean counts() {
        return started || ended.outcome() == Outcome.CANCELLED;
    }
}
