package io.chatrelay.support;

import java.util.List;

import io.chatrelay.event.ApprovalState;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.ApprovalDecided;
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
import io.chatrelay.event.ChatEvent.ToolDenied;
import io.chatrelay.event.ChatEvent.ToolFailed;
import io.chatrelay.event.ChatEvent.ToolInputDelta;
import io.chatrelay.event.ChatEvent.ToolInputFailed;
import io.chatrelay.event.ChatEvent.ToolSucceeded;
import io.chatrelay.event.Failure;
import io.chatrelay.event.FinishReason;
import io.chatrelay.event.Outcome;
import io.chatrelay.event.RawJson;
import io.chatrelay.event.Usage;

/** Events that tests begin with. */
public final class Events {

    /** A turn in which every kind of event happens, but its end. */
    public static final List<ChatEvent> OF_EVERY_KIND = List.of(new Started("m-1"),
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

    public static final Ended COMPLETED = Ended.completed(FinishReason.STOP, new Usage(9, 1, 10));
    public static final Ended FAILED = Ended.failed(new Failure(Failure.Code.UPSTREAM_RATE_LIMITED, "Try again later.", 7L));
    public static final Ended CANCELLED = new Ended(Outcome.CANCELLED, null, null, null);
    public static final Ended INTERRUPTED = new Ended(Outcome.INTERRUPTED, null, null,
            Failure.of(Failure.Code.REPLICA_LOST, "The process is gone."));

    private Events() {}

    public static RawJson json(String text) {
        return new RawJson(text);
    }
}
