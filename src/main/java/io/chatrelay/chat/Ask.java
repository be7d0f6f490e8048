package io.chatrelay.chat;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.UUID;

import io.chatrelay.journal.Rider;

/**
 * A request for approval on its way into the ledger, in the transaction of its event: stored before it is shown.
 *
 * @param input     the JSON, fit for a text column
 * @param digest    of the input as it came
 * @param expiry    from the request on
 * @param window    from the request on: later than this no decision is sent
 * @param seenNanos when the request came, by this process' clock
 */
record Ask(UUID id, UUID turn, ChatEvent.Call call, String approvalId, String upstreamApprovalId, String toolName, String input,
        byte[] digest, Duration expiry, Duration window, long seenNanos) implements Rider {

    static Ask of(UUID turn, ChatEvent.ToolCalled called, ChatEvent.ApprovalRequested asked, byte[] digest,
            Upstream.Approvals terms, ApprovalsConfig config) {
        return new Ask(Ids.next(), turn, called.call(), asked.approvalId(), asked.upstreamApprovalId(),
                Jsonb.clean(called.toolName()), escaped(called.input().text()), digest, config.expiryWithin(terms.window()),
                terms.window(),
                System.nanoTime());
    }

    @Override
    public void ride(Connection connection) throws SQLException {
        Ledger.ask(connection, this, Duration.ofNanos(System.nanoTime() - seenNanos));
        Ledger.waits(connection, turn);
    }

    /** The same JSON without what UTF-8 cannot carry: half of a surrogate pair can only stand in a string, as an escape. */
    static String escaped(String json) {
        StringBuilder out = null;
        for (int i = 0; i < json.length(); i++) {
            char c = json.charAt(i);
            if (Character.isHighSurrogate(c) && i + 1 < json.length() && Character.isLowSurrogate(json.charAt(i + 1))) {
                if (out != null) {
                    out.append(c).append(json.charAt(i + 1));
                }
                i++;
            } else if (Character.isSurrogate(c)) {
                out = out == null ? new StringBuilder(json.length() + 8).append(json, 0, i) : out;
                out.append("\\u%04x".formatted((int) c));
            } else if (out != null) {
                out.append(c);
            }
        }
        return out == null ? json : out.toString();
    }
}
