package io.chatrelay.event;

/** A command that is refused, before anything was stored. Rooms above give it what they know: a turn, or an approval. */
public class ChatException extends RuntimeException {

    /** What is wrong with it. */
    public enum Kind {
        /** A field is wrong; {@link ChatException#field} names it. */
        INVALID,
        /** It is not there, or not yours. */
        NOT_FOUND,
        /** A turn runs in this conversation. */
        TURN_RUNNING,
        /** No turn runs that could be stopped. */
        NOT_RUNNING,
        /** The approval was decided otherwise, or its turn has ended. */
        APPROVAL_DECIDED,
        /** The approval expired before it was decided. */
        APPROVAL_EXPIRED,
        /** What was to be approved is not what was shown. */
        INPUT_CHANGED,
        /** Several approvals may be meant. */
        APPROVAL_AMBIGUOUS,
        /** The idempotency key belongs to another command. */
        KEY_REUSED,
        /** This process cannot take turns now. */
        UNAVAILABLE
    }

    private final transient Kind kind;
    private final String field;
    private final Long retryAfter;

    /**
     * @param field      the path of the field that is wrong, or null
     * @param retryAfter seconds, or null
     */
    protected ChatException(Kind kind, String field, String message, Long retryAfter) {
        super(message, null, false, false);
        this.kind = kind;
        this.field = field;
        this.retryAfter = retryAfter;
    }

    public static ChatException invalid(String field, String reason) {
        return new ChatException(Kind.INVALID, field, reason, null);
    }

    public static ChatException notFound(String what) {
        return notFound(null, what);
    }

    /** @param field that names what is not there, or null for the path */
    public static ChatException notFound(String field, String what) {
        return new ChatException(Kind.NOT_FOUND, field, what, null);
    }

    public static ChatException keyReused() {
        return new ChatException(Kind.KEY_REUSED, "Idempotency-Key",
                "This key was used for another command. Use a new key for a new command.", null);
    }

    public static ChatException unavailable(String message, long retryAfter) {
        return new ChatException(Kind.UNAVAILABLE, null, message, retryAfter);
    }

    public Kind kind() {
        return kind;
    }

    /** The path of the field that is wrong, or null. */
    public String field() {
        return field;
    }

    /** Seconds, or null. */
    public Long retryAfter() {
        return retryAfter;
    }
}
