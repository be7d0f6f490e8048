package io.chatrelay.event;

import org.jspecify.annotations.Nullable;

/** A command that was rejected before anything was stored. Subclasses in other packages add a turn or an approval. */
public class ChatException extends RuntimeException {

    /** The reason of the rejection. */
    public enum Kind {
        /** A field is invalid; {@link ChatException#field} names it. */
        INVALID,
        /** The resource does not exist, or belongs to another tenant. */
        NOT_FOUND,
        /** A turn runs in this conversation. */
        TURN_RUNNING,
        /** As many messages wait in the conversation as may. */
        QUEUE_FULL,
        /** A message waits for its turn, which has no events yet. */
        MESSAGE_QUEUED,
        /** A message waited, and its turn can never begin. */
        MESSAGE_REFUSED,
        /** The turn of the message has begun. */
        MESSAGE_BEGUN,
        /** No turn that could be cancelled is running. */
        NOT_RUNNING,
        /** The approval already has another decision, or its turn has ended. */
        APPROVAL_DECIDED,
        /** The approval expired before it was decided. */
        APPROVAL_EXPIRED,
        /** The input to approve differs from the input that was shown. */
        INPUT_CHANGED,
        /** The command matches several approvals. */
        APPROVAL_AMBIGUOUS,
        /** The idempotency key belongs to another command. */
        KEY_REUSED,
        /** The caller may not do this. */
        ROLE_MISSING,
        /** Another person has to decide the approval. */
        DECIDER_REFUSED,
        /** This process cannot accept turns now. */
        UNAVAILABLE,
        /** The upstream's breaker refuses turns now. */
        BREAKER_OPEN,
        /** The caller has reached one of its limits. */
        LIMIT_REACHED,
        /** This process has as much to do as it is configured to take. */
        OVERLOADED
    }

    private final transient Kind kind;
    private final @Nullable String field;
    private final @Nullable Long retryAfter;

    /**
     * @param field      the path of the invalid field, or null
     * @param retryAfter seconds, or null
     */
    protected ChatException(Kind kind, @Nullable String field, String message, @Nullable Long retryAfter) {
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

    /** @param field the field that names the missing resource, or null if the path names it */
    public static ChatException notFound(@Nullable String field, String what) {
        return new ChatException(Kind.NOT_FOUND, field, what, null);
    }

    public static ChatException keyReused() {
        return new ChatException(Kind.KEY_REUSED, "Idempotency-Key",
                "This key was used for another command. Use a new key for a new command.", null);
    }

    /** @param waiting how many messages wait in the conversation */
    public static ChatException queueFull(int waiting) {
        return new ChatException(Kind.QUEUE_FULL, null,
                ("%d messages are in the queue of this conversation, which is as many as chat-relay.queue.max-messages allows. Nothing of this one is"
                        + " stored: wait for an answer, or withdraw one.").formatted(waiting),
                null);
    }

    public static ChatException messageQueued() {
        return new ChatException(Kind.MESSAGE_QUEUED, null,
                "The message still waits for the turns before it. Its turn will have this id: read it then.", 1L);
    }

    public static ChatException messageRefused() {
        return new ChatException(Kind.MESSAGE_REFUSED, null,
                "The turn of this message can never begin: GET …/queue has the reason. Withdraw it, or send it again under the same key.",
                null);
    }

    /** @param role the role that the caller needs, or several that would do */
    public static ChatException roleMissing(String role) {
        return new ChatException(Kind.ROLE_MISSING, null,
                ("This needs the role %s, which this caller does not have. An operator gives it to a key's caller by"
                        + " chat-relay.access.keys.<caller>.roles; a token of the issuer has it in the claim that"
                        + " chat-relay.access.oidc.roles-claim names.").formatted(role),
                null);
    }

    public static ChatException deciderRefused(String message) {
        return new ChatException(Kind.DECIDER_REFUSED, null, message, null);
    }

    public static ChatException unavailable(String message, long retryAfter) {
        return new ChatException(Kind.UNAVAILABLE, null, message, retryAfter);
    }

    /** @param load what there is too much of, as a sentence, with the setting */
    public static ChatException overloaded(String load, long retryAfter) {
        return new ChatException(Kind.OVERLOADED, null,
                "%s This replica takes no more now, and nothing is stored. Try again in %d s, at any replica.".formatted(load,
                        retryAfter),
                retryAfter);
    }

    public static ChatException breakerOpen(String upstream, long retryAfter) {
        return new ChatException(Kind.BREAKER_OPEN, null,
                ("The upstream '%s' is not asked at the moment, because too many turns failed there, or waited too long for their"
                        + " first event. Nothing is stored. Try again in %d s.").formatted(upstream, retryAfter),
                retryAfter);
    }

    public Kind kind() {
        return kind;
    }

    /** The path of the invalid field, or null. */
    public @Nullable String field() {
        return field;
    }

    /** Seconds, or null. */
    public @Nullable Long retryAfter() {
        return retryAfter;
    }
}
