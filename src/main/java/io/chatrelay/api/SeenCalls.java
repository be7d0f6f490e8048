package io.chatrelay.api;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

import io.chatrelay.api.protocol.UnclosedParts;
import io.chatrelay.approval.DecideCommand.Answer;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.ApprovalRequested;
import io.chatrelay.event.ChatEvent.ToolCalled;
import io.chatrelay.event.ChatEvent.ToolDenied;
import io.chatrelay.event.ChatEvent.ToolFailed;
import io.chatrelay.event.ChatEvent.ToolInputFailed;
import io.chatrelay.event.ChatEvent.ToolInputStarted;
import io.chatrelay.event.ChatEvent.ToolSucceeded;
import io.chatrelay.event.PausePoints;
import io.chatrelay.event.Turn;
import io.chatrelay.turn.StoredTurns;

/**
 * The calls of a turn that a client's message contains. The message names no event, but pause points differ in the calls that a client
 * sees. So this class can find the pause at which the client's stream ended.
 *
 * @param calls    by their ids
 * @param answered the ids of the calls that the message decides
 */
record SeenCalls(Map<String, Seen> calls, Set<String> answered) {

    private static final Set<String> SETTLED = Set.of("output-available", "output-error", "output-denied");

    record Seen(boolean asked, boolean settled) {}

    /** @param parts the parts of the client's message */
    static SeenCalls of(List<JsonBody> parts, List<Answer> answers) {
        Map<String, Seen> calls = new HashMap<>();
        for (JsonBody part : parts) {
            if (part.node().path("toolCallId").isTextual()) {
                boolean settled = SETTLED.contains(part.node().path("state").asText());
                calls.put(part.node().get("toolCallId").asText(),
                        new Seen(settled || part.node().path("approval").isObject(), settled));
            }
        }
        return new SeenCalls(calls, answers.stream().map(Answer::toolCallId).collect(Collectors.toSet()));
    }

    /** The client's position in the turn. Replays the stored events. */
    ReplayPosition in(Turn turn, StoredTurns storedTurns) {
        Search search = new Search();
        storedTurns.replay(turn, (_, event) -> search.take(event));
        return search.found();
    }

    private boolean knows(ChatEvent event) {
        return switch (event) {
            case ToolInputStarted started -> calls.containsKey(started.callId());
            case ToolCalled called -> calls.containsKey(called.callId());
            case ToolInputFailed failed -> seen(failed.callId()).settled();
            case ApprovalRequested(_, var call, _) -> seen(call).asked();
            case ToolSucceeded(var call, _) -> seen(call).settled();
            case ToolFailed(var call, _) -> seen(call).settled();
            case ToolDenied(var call) -> seen(call).settled();
            case ChatEvent.Started _,ChatEvent.StepStarted _,ChatEvent.StepFinished _,ChatEvent.TextStarted _,ChatEvent.TextDelta _,ChatEvent.TextEnded _,ChatEvent.ReasoningStarted _,ChatEvent.ReasoningDelta _,ChatEvent.ReasoningEnded _,ChatEvent.ToolInputDelta _,ChatEvent.ApprovalDecided _,ChatEvent.Data _,ChatEvent.Ended _,ChatEvent.Unknown _ ->
                    true;
        };
    }

    private Seen seen(String call) {
        return calls.getOrDefault(call, new Seen(false, false));
    }

    /** Searches a turn's events for the pause at which a client's stream ended. */
    final class Search {

        private final PausePoints points = new PausePoints();
        private UnclosedParts brackets = UnclosedParts.NONE;
        private long number;
        private boolean known = true;
        private ReplayPosition asked;
        private ReplayPosition firstPause;
        private ReplayPosition lastKnown;

        void take(ChatEvent event) {
            number++;
            known &= knows(event);
            brackets = brackets.after(event);
            boolean pause = points.apply(event);
            if (event instanceof ApprovalRequested ask && answered.contains(ask.callId())) {
                asked = here();
                firstPause = null;
                lastKnown = null;
            }
            if (pause && asked != null) {
                firstPause = firstPause == null ? here() : firstPause;
                lastKnown = known ? here() : lastKnown;
            }
        }

        /**
         * The last pause at which the client knows every call, approval request and outcome. If a client keeps less of a message than it received,
         * the first pause after all approvals that it decides were requested. If the turn never paused, the last of these requests.
         */
        ReplayPosition found() {
            if (lastKnown != null) {
                return lastKnown;
            }
            if (firstPause != null) {
                return firstPause;
            }
            return asked == null ? ReplayPosition.atTheBeginning() : asked;
        }

        private ReplayPosition here() {
            return new ReplayPosition(number, new PausePoints(points), brackets, true);
        }
    }
}
