package io.chatrelay.api;

import io.chatrelay.chat.ChatEvent;
import io.chatrelay.chat.ChatEvent.ReasoningEnded;
import io.chatrelay.chat.ChatEvent.ReasoningStarted;
import io.chatrelay.chat.ChatEvent.StepFinished;
import io.chatrelay.chat.ChatEvent.StepStarted;
import io.chatrelay.chat.ChatEvent.TextEnded;
import io.chatrelay.chat.ChatEvent.TextStarted;

/**
 * What is open on a wire after some events.
 *
 * @param text      the id of the run of text, or null
 * @param reasoning the id of the run of reasoning, or null
 */
record OpenBrackets(boolean step, String text, String reasoning) {

    static final OpenBrackets NONE = new OpenBrackets(false, null, null);

    OpenBrackets after(ChatEvent event) {
        return switch (event) {
            case StepStarted() -> new OpenBrackets(true, text, reasoning);
            case StepFinished() -> new OpenBrackets(false, text, reasoning);
            case TextStarted(var id) -> new OpenBrackets(step, id, reasoning);
            case TextEnded _ -> new OpenBrackets(step, null, reasoning);
            case ReasoningStarted(var id) -> new OpenBrackets(step, text, id);
            case ReasoningEnded _ -> new OpenBrackets(step, text, null);
            case ChatEvent.Started _,ChatEvent.TextDelta _,ChatEvent.ReasoningDelta _,ChatEvent.ToolInputFailed _,ChatEvent.ToolInputStarted _,ChatEvent.ToolInputDelta _,ChatEvent.ToolCalled _,ChatEvent.ApprovalRequested _,ChatEvent.ApprovalDecided _,ChatEvent.ToolSucceeded _,ChatEvent.ToolFailed _,ChatEvent.ToolDenied _,ChatEvent.Data _,ChatEvent.Ended _,ChatEvent.Unknown _ ->
                    this;
        };
    }
}
