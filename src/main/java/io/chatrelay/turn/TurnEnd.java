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
 * What becomes true together with a turn's last event: its state, the assistant's message, and that the conversation moved.
 * A turn that failed before the upstream's first event gives its idempotency key back, and its message is no longer part of the
 * conversation: nothing was acknowledged, and the caller will send it again. What it edited is part of it as before. One that
 * was cancelled keeps both: a repeat of what somebody stopped must not begin it again.
 *
 * @param parts the message's parts, or null where nothing is to be kept
 */
public record TurnEnd(Turn turn, Ended ended, boolean started, String parts) implements TransactionalEffect {

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
