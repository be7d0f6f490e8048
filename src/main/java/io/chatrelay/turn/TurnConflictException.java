package io.chatrelay.turn;

import java.util.List;
import java.util.Optional;

import io.chatrelay.approval.ApprovalView;
import io.chatrelay.event.ChatException;
import io.chatrelay.event.TurnView;

/** A command that is refused because a turn of its conversation runs, or because none does. */
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
     * @param retryAfter       seconds, where the running turn's replica is being replaced; else null
     */
    static TurnConflictException turnRunning(TurnView running, List<ApprovalView> pendingApprovals, String message,
            Long retryAfter) {
        return new TurnConflictException(Kind.TURN_RUNNING, message, retryAfter, running, pendingApprovals);
    }

    /** @param latest the turn that has ended, or null where the conversation never had one */
    static TurnConflictException notRunning(TurnView latest) {
        return new TurnConflictException(Kind.NOT_RUNNING, latest == null ? "No turn was ever begun in this conversation."
                : "The turn %s has ended as %s; there is nothing to stop.".formatted(latest.id(), latest.state()), null, latest,
                List.of());
    }

    /** The turn that runs, or the latest one that has ended; empty where the conversation never had one. */
    public Optional<TurnView> turn() {
        return Optional.ofNullable(turn);
    }

    /** The approvals that wait for a decision in the running turn. */
    public List<ApprovalView> pendingApprovals() {
        return pendingApprovals;
    }
}
