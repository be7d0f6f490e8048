package io.chatrelay.approval;

import java.time.Instant;
import java.util.List;
import java.util.UUID;

import io.chatrelay.event.ApprovalState;
import io.chatrelay.event.RawJson;
import io.quarkus.runtime.annotations.RegisterForReflection;

/**
 * The view of an approval for callers.
 *
 * @param toolCallId  of the call that requested approval
 * @param approvalId  of the request, as in the stream
 * @param inputDigest SHA-256 of the input's canonical JSON (RFC 8785), in lower-case hex
 * @param state       {@link ApprovalState#wireName}
 * @param expiresAt   from then on it cannot be decided
 * @param outcome     of the call, as the stream proves it: {@code executed}, {@code failed}, {@code denied}; or null
 * @param history     the steps of the approval, in order
 */
@RegisterForReflection
public record ApprovalView(UUID id, String conversationId, UUID turnId, String toolCallId, String approvalId, String toolName,
        RawJson input, String inputDigest, String state, Instant askedAt, Instant expiresAt, Instant decidedAt,
        String decidedBy, String reason, String outcome, List<Step> history) {

    /**
     * @param state    {@code proposed}, the decision, {@code sent}, {@code acknowledged}, {@code delivered}, or the outcome
     * @param by       the caller who decided, with the end user whom it named; null for other steps
     * @param reason   of the decision, or null
     * @param attempts how often it was sent; null for other steps
     */
    @RegisterForReflection
    public record Step(String state, Instant at, String by, String reason, Integer attempts) {}

    /** The entry of a list: only a request for the single approval returns its history. */
    public ApprovalView withoutHistory() {
        return new ApprovalView(id, conversationId, turnId, toolCallId, approvalId, toolName, input, inputDigest, state,
                askedAt,
                expiresAt, decidedAt, decidedBy, reason, outcome, null);
    }
}
