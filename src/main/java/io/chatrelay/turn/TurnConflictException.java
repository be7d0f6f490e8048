package io.chatrelay.turn;

import java.util.List;
import java.util.Optional;

import io.chatrelay.approval.ApprovalView;
import io.chatrelay.event.ChatException;
import io.chatrelay.event.TurnView;

/** A command that is rejected because a turn of its conversation runs, or because no turn runs. */
public final class TurnConflictException extends ChatException {

    private static final long serialVersionUID = 1;

    private final transient TurnView turn;
    private final transient List<ApprovalView> pendingApprovals;

    private TurnConflictException(Kind kind, String message, Long retryAfter, TurnView turn,
            List<ApprovalView> pendingApprovals) {
        super(kind, null, message, retryAfter);
        this.turn = turn;
        this.pendingApprovals = pendingApprovals;
    }

    /**
     * @param pendingApprovals of the running turn
     * @param retryAfter       in seconds, if the running turn's replica is being replaced; otherwise null
     */
    static TurnConflictException turnRunning(TurnView running, List<ApprovalView> pendingApprovals, String message,
            Long retryAfter) {
        return new TurnConflictException(Kind.TURN_RUNNING, message, retryAfter, running, pendingApprovals);
    }

    /** @param latest the turn that has ended, or null if the conversation never had a turn */
    static TurnConflictException notRunning(TurnView latest) {
        return new TurnConflictException(Kind.NOT_RUNNING, latest == null ? "No turn was ever begun in this conversation."
                : "The turn %s has ended as %s; there is nothing to stop.".formatted(latest.id(), latest.state()), null, latest,
                List.of());
    }

    /** @param turn of the message that no longer waits */
    static TurnConflictException begun(TurnView turn) {
        return new TurnConflictException(Kind.MESSAGE_BEGUN,
                "This message waits no longer: its turn %s has begun and is %s.".formatted(turn.id(), turn.state()), null, turn,
                List.of());
    }

    /** The running turn, or the latest turn that has ended; empty if the conversation never had a turn. */
    public Optional<TurnView> turn() {
        return Optional.ofNullable(turn);
    }

    /** The approvals that wait for a decision in the running turn. */
    public List<ApprovalView> pendingApprovals() {
        return pendingApprovals;
    }
}
