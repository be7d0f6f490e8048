package io.chatrelay.chat;

import java.util.List;

/**
 * A command that is refused, before anything was stored.
 */
public final class ChatException extends RuntimeException {

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
    private final transient TurnView turn;
    private final Long retryAfter;
    private final transient List<ApprovalView> approvals;

    private ChatException(Kind kind, String field, String message, TurnView turn, Long retryAfter,
            List<ApprovalView> approvals) {
        super(message, null, false, false);
        this.kind = kind;
        this.field = field;
        this.turn = turn;
        this.retryAfter = retryAfter;
        this.approvals = approvals;
    }

    public static ChatException invalid(String field, String reason) {
        return new ChatException(Kind.INVALID, field, reason, null, null, List.of());
    }

    public static ChatException notFound(String what) {
        return notFound(null, what);
    }

    /** @param field that names what is not there, or null for the path */
    public static ChatException notFound(String field, String what) {
        return new ChatException(Kind.NOT_FOUND, field, what, null, null, List.of());
    }

    /**
     * @param open       its approvals that wait for a decision
     * @param retryAfter seconds, where the running turn's replica is being replaced; else null
     */
    public static ChatException turnRunning(TurnView running, List<ApprovalView> open, String message, Long retryAfter) {
        return new ChatException(Kind.TURN_RUNNING, null, message, running, retryAfter, open);
    }

    /** @param latest the turn that has ended, or null where there never was one */
    public static ChatException notRunning(TurnView latest) {
        return new ChatException(Kind.NOT_RUNNING, null, latest == null ? "No turn was ever begun in this conversation."
                : "The turn %s has ended as %s; there is nothing to stop.".formatted(latest.id(), latest.state()), latest, null,
                List.of());
    }

    /** @param recorded the approval as it stands */
    public static ChatException decided(String field, String message, ApprovalView recorded) {
        return new ChatException(Kind.APPROVAL_DECIDED, field, message, null, null, List.of(recorded));
    }

    /** @param recorded the approval as it stands */
    public static ChatException expired(String field, String message, ApprovalView recorded) {
        return new ChatException(Kind.APPROVAL_EXPIRED, field, message, null, null, List.of(recorded));
    }

    /** @param recorded the approval as it stands */
    public static ChatException inputChanged(String field, String message, ApprovalView recorded) {
        return new ChatException(Kind.INPUT_CHANGED, field, message, null, null, List.of(recorded));
    }

    /** @param recorded the one that waits */
    public static ChatException ambiguous(String field, String message, ApprovalView recorded) {
        return new ChatException(Kind.APPROVAL_AMBIGUOUS, field, message, null, null, List.of(recorded));
    }

    public static ChatException keyReused() {
        return new ChatException(Kind.KEY_REUSED, "Idempotency-Key",
                "This key was used for another command. Use a new key for a new command.", null, null, List.of());
    }

    public static ChatException unavailable(String message, long retryAfter) {
        return new ChatException(Kind.UNAVAILABLE, null, message, null, retryAfter, List.of());
    }

    public Kind kind() {
        return kind;
    }

    /** The path of the field that is wrong, or null. */
    public String field() {
        return field;
    }

    /** The turn that it is about, running or ended: one or none. */
    public List<TurnView> turns() {
        return turn == null ? List.of() : List.of(turn);
    }

    /** The approvals that it is about: those that wait in the running turn, or the one that cannot be decided so. */
    public List<ApprovalView> approvals() {
        return approvals;
    }

    /** Seconds, or null. */
    public Long retryAfter() {
        return retryAfter;
    }
}
