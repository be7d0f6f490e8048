package io.chatrelay.chat;

import java.util.List;

import io.chatrelay.CallEvents;
import io.chatrelay.chat.ChatEvent.ApprovalDecided;
import io.chatrelay.chat.ChatEvent.Data;
import io.chatrelay.chat.ChatEvent.Ended;
import io.chatrelay.chat.ChatEvent.ReasoningDelta;
import io.chatrelay.chat.ChatEvent.ReasoningEnded;
import io.chatrelay.chat.ChatEvent.ReasoningStarted;
import io.chatrelay.chat.ChatEvent.Started;
import io.chatrelay.chat.ChatEvent.StepFinished;
import io.chatrelay.chat.ChatEvent.StepStarted;
import io.chatrelay.chat.ChatEvent.TextDelta;
import io.chatrelay.chat.ChatEvent.TextEnded;
import io.chatrelay.chat.ChatEvent.TextStarted;
import io.chatrelay.chat.ChatEvent.ToolDenied;
import io.chatrelay.chat.ChatEvent.ToolFailed;
import io.chatrelay.chat.ChatEvent.ToolInputDelta;
import io.chatrelay.chat.ChatEvent.ToolInputFailed;
import io.chatrelay.chat.ChatEvent.ToolSucceeded;

/** Events that tests begin with. */
final class Events {

    /** A turn in which every kind of event happens, but its end. */
    static final List<ChatEvent> OF_EVERY_KIND = List.of(new Started("m-1"),
            new Data("data-operation", null, json("{\"a\":1}")),
            new StepStarted(), new TextStarted("text-1"), new TextDelta("text-1", "Let me "), new TextDelta("text-1", "see."),
            new TextEnded("text-1"), CallEvents.started("c1", "get_time"), new ToolInputDelta("c1", "{\"tz\":"),
            new ToolInputDelta("c1", "\"UTC\"}"), CallEvents.called("c1", "get_time", json("{\"tz\":\"UTC\"}"), 0),
            CallEvents.called("c2", "delete_file", json("{}"), 1), CallEvents.asked("aitxt-c2", "c2"),
            CallEvents.called("c3", "boom", json("{}"), 2), new ToolSucceeded("c1", json("{\"now\": 1.50}")),
            new ToolFailed("c3", "exploded"), new ApprovalDecided("aitxt-c2", "c2", ApprovalState.DENIED, "No."),
            new ToolDenied("c2"), new StepFinished(), new StepStarted(),
            new TextStarted("text-2"), new TextDelta("text-2", "Noon."), new TextEnded("text-2"),
            new Data("data-chart", "chart-1", json("[1, 2]")), new Data("data-progress", "p1", json("40"), true),
            new ReasoningStarted("reasoning-1"), new ReasoningDelta("reasoning-1", "They ask."),
            new ReasoningEnded("reasoning-1"),
            new ToolInputFailed(new ChatEvent.Call(3, "c1~2", "c1"), "get_time", json("\"{\""), "Invalid input"),
            new StepFinished());

    static final Ended COMPLETED = Ended.completed(FinishReason.STOP, new Usage(9, 1, 10));
    static final Ended FAILED = Ended.failed(new Failure(Failure.Code.UPSTREAM_RATE_LIMITED, "Try again later.", 7L));
    static final Ended CANCELLED = new Ended(Outcome.CANCELLED, null, null, null);
    static final Ended INTERRUPTED = new Ended(Outcome.INTERRUPTED, null, null,
            Failure.of(Failure.Code.REPLICA_LOST, "The process is gone."));

    private Events() {}

    static RawJson json(String text) {
        return new RawJson(text);
    }
}
