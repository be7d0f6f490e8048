package io.chatrelay.approval;

import java.time.Instant;
import java.util.List;
import java.util.UUID;

import io.chatrelay.event.ApprovalState;
import io.chatrelay.event.RawJson;
import io.quarkus.runtime.annotations.RegisterForReflection;

/**
 * An approval as callers see it.
 *
 * @param toolCallId  of the call that asked
 * @param approvalId  under which it asked, as it is in the stream
 * @param inputDigest SHA-256 of the input's canonical JSON (RFC 8785), in lower-case hex
 * @param state       {@link ApprovalState#wireName}
 * @param expiresAt   from then on nobody can decide it any more
 * @param outcome     what came of it, as the stream proves it: {@code executed}, {@code failed}, {@code denied}; or null
 * @param history     what happened to it, in order
 */
@RegisterForReflection
public record ApprovalView(UUID id, String conversationId, UUID turnId, String toolCallId, String approvalId, String toolName,
        RawJson input, String inputDigest, String state, Instant askedAt, Instant expiresAt, Instant decidedAt,
        String decidedBy, String reason, String outcome, List<Step> history) {

    /**
     * @param state    {@code proposed}, the decision, {@code sent}, {@code acknowledged}, {@code delivered}, or the outcome
     * @param by       the caller who decided, with the end user whom it named; null elsewhere
     * @param reason   of the decision, or null
     * @param attempts how often it was sent; null elsewhere
     */
    @RegisterForReflection
    public record Step(String state, Instant at, String by, String reason, Integer attempts) {}

    /** An entry of a list: its history is told where that approval is asked for. */
    public ApprovalView withoutHistory() {
        return new ApprovalView(id, conversationId, turnId, toolCallId, approvalId, toolName, input, inputDigest, state,
                askedAt,
                expiresAt, decidedAt, decidedBy, reason, outcome, null);
    }
}
