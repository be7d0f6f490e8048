package io.chatrelay.approval;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.UUID;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.Jsonb;
import io.chatrelay.journal.TransactionalEffect;

/** The outcome of a call that requested approval, stored in the transaction of the outcome event. It proves that the decision was delivered. */
public record CallOutcome(UUID turn, String callId, String outcome) implements TransactionalEffect {

    /** Null for an event that is not an outcome. */
    public static CallOutcome of(UUID turn, ChatEvent event) {
        if (event instanceof ChatEvent.ToolSucceeded(var callId, _)) {
            return new CallOutcome(turn, Jsonb.clean(callId), "executed");
        }
        if (event instanceof ChatEvent.ToolFailed(var callId, _)) {
            return new CallOutcome(turn, Jsonb.clean(callId), "failed");
        }
        return event instanceof ChatEvent.ToolDenied(var callId) ? new CallOutcome(turn, Jsonb.clean(callId), "denied") : null;
    }

    @Override
    public void apply(Connection connection) throws SQLException {
        Ledger.settle(connection, turn, callId, outcome);
    }
}
