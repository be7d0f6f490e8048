package io.chatrelay.approval;

import io.chatrelay.event.ChatException;

/** A decision that is rejected, with the recorded approval. */
public final class ApprovalException extends ChatException {

    private static final long serialVersionUID = 1;

    private final transient ApprovalView recorded;

    private ApprovalException(Kind kind, String field, String message, ApprovalView recorded) {
        super(kind, field, message, null);
        this.recorded = recorded;
    }

    static ApprovalException decided(String field, String message, ApprovalView recorded) {
        return new ApprovalException(Kind.APPROVAL_DECIDED, field, message, recorded);
    }

    static ApprovalException expired(String field, String message, ApprovalView recorded) {
        return new ApprovalException(Kind.APPROVAL_EXPIRED, field, message, recorded);
    }

    static ApprovalException inputChanged(String field, String message, ApprovalView recorded) {
        return new ApprovalException(Kind.INPUT_CHANGED, field, message, recorded);
    }

    /** @param pending the approval that waits for a decision */
    static ApprovalException ambiguous(String field, String message, ApprovalView pending) {
        return new ApprovalException(Kind.APPROVAL_AMBIGUOUS, field, message, pending);
    }

    /** The recorded approval. */
    public ApprovalView recorded() {
        return recorded;
    }
}
