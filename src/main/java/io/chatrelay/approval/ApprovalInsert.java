package io.chatrelay.approval;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.UUID;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.Ids;
import io.chatrelay.event.Jsonb;
import io.chatrelay.event.Surrogates;
import io.chatrelay.journal.TransactionalEffect;
import io.chatrelay.upstream.Upstream;

/**
 * A request for approval on its way into the ledger, in the transaction of its event: stored before it is shown.
 *
 * @param input     the JSON, fit for a text column
 * @param digest    of the input as it came
 * @param expiry    from the request on
 * @param window    from the request on: later than this no decision is sent
 * @param seenNanos when the request came, by this process' clock
 */
public record ApprovalInsert(UUID id, UUID turn, ChatEvent.Call call, String approvalId, String upstreamApprovalId,
        String toolName, String input,
        byte[] digest, Duration expiry, Duration window, long seenNanos) implements TransactionalEffect {

    public static ApprovalInsert of(UUID turn, ChatEvent.ToolCalled called, ChatEvent.ApprovalRequested asked, byte[] digest,
            Upstream.Approvals terms, ApprovalsConfig config) {
        return new ApprovalInsert(Ids.next(), turn, called.call(), asked.approvalId(), asked.upstreamApprovalId(),
                Jsonb.clean(called.toolName()), Surrogates.escapeLone(called.input().text()), digest,
                config.expiryWithin(terms.window()),
                terms.window(),
                System.nanoTime());
    }

    @Override
    public void apply(Connection connection) throws SQLException {
        Ledger.ask(connection, this, Duration.ofNanos(System.nanoTime() - seenNanos));
        Ledger.waits(connection, turn);
    }
}
