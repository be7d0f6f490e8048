package io.chatrelay.api.protocol;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.ReasoningEnded;
import io.chatrelay.event.ChatEvent.ReasoningStarted;
import io.chatrelay.event.ChatEvent.StepFinished;
import io.chatrelay.event.ChatEvent.StepStarted;
import io.chatrelay.event.ChatEvent.TextEnded;
import io.chatrelay.event.ChatEvent.TextStarted;

/**
 * The parts that are open in a stream after some events.
 *
 * @param text      the id of the run of text, or null
 * @param reasoning the id of the run of reasoning, or null
 */
public record UnclosedParts(boolean step, String text, String reasoning) {

    public static final UnclosedParts NONE = new UnclosedParts(false, null, null);

    public UnclosedParts after(ChatEvent event) {
        return switch (event) {
            case StepStarted() -> new UnclosedParts(true, text, reasoning);
            case StepFinished() -> new UnclosedParts(false, text, reasoning);
            case TextStarted(var id) -> new UnclosedParts(step, id, reasoning);
            case TextEnded _ -> new UnclosedParts(step, null, reasoning);
            case ReasoningStarted(var id) -> new UnclosedParts(step, text, id);
            case ReasoningEnded _ -> new UnclosedParts(step, text, null);
            case ChatEvent.Started _,ChatEvent.TextDelta _,ChatEvent.ReasoningDelta _,ChatEvent.ToolInputFailed _,ChatEvent.ToolInputStarted _,ChatEvent.ToolInputDelta _,ChatEvent.ToolCalled _,ChatEvent.ApprovalRequested _,ChatEvent.ApprovalDecided _,ChatEvent.ToolSucceeded _,ChatEvent.ToolFailed _,ChatEvent.ToolDenied _,ChatEvent.Data _,ChatEvent.Ended _,ChatEvent.Unknown _ ->
                    this;
        };
    }
}
