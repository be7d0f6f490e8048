package io.chatrelay.event;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import io.chatrelay.event.ChatEvent.ApprovalDecided;
import io.chatrelay.event.ChatEvent.ApprovalRequested;
import io.chatrelay.event.ChatEvent.Data;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.ChatEvent.ReasoningDelta;
import io.chatrelay.event.ChatEvent.ReasoningEnded;
import io.chatrelay.event.ChatEvent.ReasoningStarted;
import io.chatrelay.event.ChatEvent.Started;
import io.chatrelay.event.ChatEvent.StepFinished;
import io.chatrelay.event.ChatEvent.StepStarted;
import io.chatrelay.event.ChatEvent.TextDelta;
import io.chatrelay.event.ChatEvent.TextEnded;
import io.chatrelay.event.ChatEvent.TextStarted;
import io.chatrelay.event.ChatEvent.ToolCalled;
import io.chatrelay.event.ChatEvent.ToolDenied;
import io.chatrelay.event.ChatEvent.ToolFailed;
import io.chatrelay.event.ChatEvent.ToolInputDelta;
import io.chatrelay.event.ChatEvent.ToolInputFailed;
import io.chatrelay.event.ChatEvent.ToolInputStarted;
import io.chatrelay.event.ChatEvent.ToolSucceeded;

/**
 * A fold of a turn's events that determines where the turn may pause: at least one call waits for a decision, and every other call of the
 * turn has its outcome or waits too. A client that continues automatically sends its decisions only then.
 *
 * <p>A <b>pause point</b> is the position after an approval request or an outcome at which this condition is true. So a pause point
 * is a function of the events alone. Each one differs from every other in the calls that a client sees, so it can be found by them.
 * Events after a pause point that change no call (data, text, brackets) belong to the part after the pause.
 *
 * <p>Simple and single-threaded; a copy is independent.
 */
public final class PausePoints {

    private enum Call {
        OPEN, ASKED, DECIDED
    }

    /** The calls without an outcome, in the order of their first events. */
    private final Map<String, Call> open;

    public PausePoints() {
        open = new LinkedHashMap<>();
    }

    public PausePoints(PausePoints other) {
        open = new LinkedHashMap<>(other.open);
    }

    /** Applies the next event of the turn. True if the position after it is a pause point. */
    public boolean apply(ChatEvent event) {
        boolean moved = switch (event) {
            case ToolInputStarted started -> announced(started.callId());
            case ToolCalled called -> announced(called.callId());
            case ToolInputFailed failed -> open.remove(failed.callId()) != null;
            case ApprovalRequested(_, var callId, _) -> open.replace(callId, Call.OPEN, Call.ASKED);
            case ApprovalDecided(_, var callId, _, _) -> {
                open.replace(callId, Call.DECIDED);
                yield false;
            }
            case ToolSucceeded(var callId, _) -> open.remove(callId) != null;
            case ToolFailed(var callId, _) -> open.remove(callId) != null;
            case ToolDenied(var callId) -> open.remove(callId) != null;
            case Ended _ -> {
                open.clear();
                yield false;
            }
            case Started _,StepStarted _,StepFinished _,TextStarted _,TextDelta _,TextEnded _,ReasoningStarted _,ReasoningDelta _,ReasoningEnded _,ToolInputDelta _,Data _,ChatEvent.Unknown _ ->
                    false;
        };
        return moved && mayPause();
    }

    private boolean announced(String callId) {
        open.putIfAbsent(callId, Call.OPEN);
        return false;
    }

    /** Whether the turn may pause after the events so far. */
    public boolean mayPause() {
        return !open.isEmpty() && open.values().stream().allMatch(call -> call == Call.ASKED);
    }

    /**
     * The ids of the calls that wait for a decision, in the order of their first events. The ids have the form in which the ledger stores
     * them.
     */
    public List<String> waiting() {
        return open.entrySet().stream().filter(call -> call.getValue() == Call.ASKED).map(call -> Jsonb.clean(call.getKey()))
                .toList();
    }
}
