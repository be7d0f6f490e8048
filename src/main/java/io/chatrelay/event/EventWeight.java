package io.chatrelay.event;

import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.ChatEvent.Started;
import io.chatrelay.event.ChatEvent.TextDelta;

/** The approximate size of an event in the heap and in the table. The journal counts the exact size. */
public final class EventWeight {

    private EventWeight() {}

    public static int of(ChatEvent event) {
        return 32 + switch (event) {
            case TextDelta(_, var text) -> text.length();
            case ChatEvent.ToolInputDelta(_, var text) -> text.length();
            case ChatEvent.ReasoningDelta(_, var text) -> text.length();
            case ChatEvent.ToolCalled(_, _, var input, _) -> input.text().length();
            case ChatEvent.ToolInputFailed(_, _, var input, var error) -> input.text().length() + error.length();
            case ChatEvent.ToolSucceeded(_, var output) -> output.text().length();
            case ChatEvent.ApprovalDecided(_, _, _, var reason) -> reason == null ? 0 : reason.length();
            case ChatEvent.ToolFailed(_, var error) -> error.length();
            case ChatEvent.Data(_, _, var data, _) -> data.text().length();
            case ChatEvent.Unknown(var line) -> line.length();
            case Started _,ChatEvent.StepStarted _,ChatEvent.StepFinished _,ChatEvent.TextStarted _,ChatEvent.TextEnded _,ChatEvent.ReasoningStarted _,ChatEvent.ReasoningEnded _,ChatEvent.ToolInputStarted _,ChatEvent.ApprovalRequested _,ChatEvent.ToolDenied _,Ended _ ->
                    0;
        };
    }
}
