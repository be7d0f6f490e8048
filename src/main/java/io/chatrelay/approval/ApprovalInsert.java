package io.chatrelay.approval;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.UUID;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.Ids;
import io.chatrelay.event.JsonWriter;
import io.chatrelay.event.Jsonb;
import io.chatrelay.event.SurrogatePairs;
import io.chatrelay.journal.TransactionalEffect;
import io.chatrelay.upstream.Upstream;

/**
 * Stores a request for approval in the transaction of its event: the request is stored before readers see it.
 *
 * @param input     the JSON, valid for a text column
 * @param digest    of the input as received
 * @param expiry    from the request on
 * @param window    from the request on: no decision is sent after it
 * @param seenNanos when the request arrived, by this process' clock
 */
public record ApprovalInsert(UUID id, UUID turn, ChatEvent.Call call, String approvalId, String upstreamApprovalId,
        String toolName, String input,
        byte[] digest, Duration expiry, Duration window, long seenNanos) implements TransactionalEffect {

    private static final String INSERT = """
            insert into tool_approval (id, tenant, conversation_id, turn_id, call_id, approval_id, tool_name, input, input_digest,
                                       call_number, upstream_call_id, upstream_approval_id, asked_at, expires_at, send_before,
                                       size)
            select a.id, t.tenant, t.conversation_id, t.id, a.call, a.approval, a.tool, a.input, ?, ?, ?, ?, a.at,
                   a.at + ? * interval '1 millisecond', a.at + ? * interval '1 millisecond',
                   octet_length(a.tool) + octet_length(a.input)
            from turn t, (select ?::uuid as id, ?::text as call, ?::text as approval, ?::text as tool, ?::text as input,
                                 clock_timestamp() - ? * interval '1 millisecond' as at) a
            where t.id = ?
            on conflict (turn_id, call_id) do nothing""";

    public static ApprovalInsert of(UUID turn, ChatEvent.ToolCalled called, ChatEvent.ApprovalRequested asked, byte[] digest,
            Upstream.Approvals terms, ApprovalsConfig config) {
        return new ApprovalInsert(Ids.next(), turn, called.call(), asked.approvalId(), asked.upstreamApprovalId(),
                Jsonb.clean(called.toolName()), SurrogatePairs.escapeLone(called.input().text()), digest,
                config.expiryWithin(terms.window()),
                terms.window(),
                System.nanoTime());
    }

    @Override
    public void apply(Connection connection) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(INSERT)) {
            insert.setBytes(1, digest);
            insert.setInt(2, call.number());
            insert.setString(3, ofUpstream(call.upstreamId(), call.id()));
            insert.setString(4, ofUpstream(upstreamApprovalId, approvalId));
            insert.setLong(5, expiry.toMillis());
            insert.setLong(6, window.toMillis());
            insert.setObject(7, id);
            insert.setString(8, call.id());
            insert.setString(9, approvalId);
            insert.setString(10, toolName);
            insert.setString(11, input);
            // The insert may have waited for the database.
            insert.setLong(12, Duration.ofNanos(System.nanoTime() - seenNanos).toMillis());
            insert.setObject(13, turn);
            insert.executeUpdate();
        }
    }

    /** An upstream's id as a JSON string, because a text column may reject its characters; null if it equals this service's id. */
    private static String ofUpstream(String id, String ours) {
        return id.equals(ours) ? null : new JsonWriter(64).string(id).toString();
    }
}
