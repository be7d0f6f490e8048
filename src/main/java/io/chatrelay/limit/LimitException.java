package io.chatrelay.limit;

import io.chatrelay.event.ChatException;

/** A limit of the caller was reached. Nothing is stored, and the idempotency key can be used again. */
public final class LimitException extends ChatException {

    private static final long serialVersionUID = 1;

    private final transient Quota.Left left;

    /** @param retryAfter seconds */
    LimitException(Quota.Left left, String message, long retryAfter) {
        super(Kind.LIMIT_REACHED, null, message, retryAfter);
        this.left = left;
    }

    /** What the caller may have, of which nothing is left. */
    public Quota.Left left() {
        return left;
    }

    public Limit limit() {
        return left.quota().limit();
    }
}
