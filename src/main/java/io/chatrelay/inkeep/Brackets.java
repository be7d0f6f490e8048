package io.chatrelay.inkeep;

import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

import io.chatrelay.chat.ChatEvent;
import io.chatrelay.chat.RawJson;

/**
 * Sets the brackets that an upstream does not: one text part a run of text, and steps. A step is one call of the model: it ends
 * when the model speaks again after the outcomes of its calls.
 */
final class Brackets {

    private final String runId;
    private boolean started;
    private boolean step;
    private boolean outcomes;
    private int texts;
    private int calls;
    private String text;
    private String upstreamText;
    private final Set<String> streaming = new HashSet<>();
    private final Set<String> announced = new LinkedHashSet<>();
    private final Set<String> open = new LinkedHashSet<>();
    private final Set<String> asking = new LinkedHashSet<>();

    Brackets() {
        this(null);
    }

    /** @param runId the upstream's own id of the answer, where its first event does not tell it; or null */
    Brackets(String runId) {
        this.runId = runId;
    }

    /**
     * As they stand after those events, to be set further in another body: a text that is open ends before the next one begins,
     * for ids of texts mean nothing beyond their body.
     */
    static Brackets resume(List<ChatEvent> events) {
        Brackets brackets = new Brackets();
        events.forEach(brackets::take);
        return brackets;
    }

    private void take(ChatEvent event) {
        switch (event) {
            case ChatEvent.Started _ -> started = true;
            case ChatEvent.StepStarted() -> {
                step = true;
                outcomes = false;
            }
            case ChatEvent.StepFinished() -> step = false;
            case ChatEvent.TextStarted(var id) -> {
                text = id;
                texts++;
            }
            case ChatEvent.TextEnded _ -> text = null;
            case ChatEvent.ToolInputStarted(var callId, _) -> streaming.add(callId);
            case ChatEvent.ToolCalled(var callId, _, _, _) -> {
                announced.add(callId);
                streaming.remove(callId);
                open.add(callId);
                calls++;
            }
            case ChatEvent.ApprovalRequested(_, var callId) -> asking.add(callId);
            case ChatEvent.ToolSucceeded(var callId, _) -> settled(callId);
            case ChatEvent.ToolFailed(var callId, _) -> settled(callId);
            case ChatEvent.ToolDenied(var callId) -> settled(callId);
            case ChatEvent.TextDelta _,ChatEvent.ToolInputDelta _,ChatEvent.Data _,ChatEvent.ApprovalDecided _,ChatEvent.Ended _ -> {
                // They open and close nothing.
            }
        }
    }

    private void settled(String callId) {
        open.remove(callId);
        asking.remove(callId);
        outcomes = true;
    }

    /** A copy, to be set further in another body; as {@link #resume} of the events so far. */
    Brackets continued() {
        Brackets copy = new Brackets();
        copy.started = started;
        copy.step = step;
        copy.outcomes = outcomes;
        copy.texts = texts;
        copy.calls = calls;
        copy.text = text;
        copy.streaming.addAll(streaming);
        copy.announced.addAll(announced);
        copy.open.addAll(open);
        copy.asking.addAll(asking);
        return copy;
    }

    boolean started() {
        return started;
    }

    void start(String upstreamMessageId, List<ChatEvent> out) {
        if (!started) {
            started = true;
            out.add(new ChatEvent.Started(runId == null ? upstreamMessageId : runId));
        }
    }

    /** A piece of text; neighbours of one id are one part, however often the upstream opens and closes it. */
    void text(String id, String delta, List<ChatEvent> out) {
        start(null, out);
        if (text != null && !id.equals(upstreamText)) {
            endText(out);
        }
        if (text == null) {
            speak(out);
            text = "text-" + ++texts;
            upstreamText = id;
            out.add(new ChatEvent.TextStarted(text));
        }
        out.add(new ChatEvent.TextDelta(text, delta));
    }

    private void endText(List<ChatEvent> out) {
        if (text != null) {
            out.add(new ChatEvent.TextEnded(text));
            text = null;
        }
    }

    /** The model says something: in this step, or in a new one if the calls of this one have their outcomes. */
    private void speak(List<ChatEvent> out) {
        if (step && outcomes && open.isEmpty()) {
            out.add(new ChatEvent.StepFinished());
            step = false;
        }
        if (!step) {
            step = true;
            outcomes = false;
            out.add(new ChatEvent.StepStarted());
        }
    }

    /** The input of a call begins. False for one that began before. */
    boolean inputStarted(String callId, String toolName, List<ChatEvent> out) {
        if (announced.contains(callId) || !streaming.add(callId)) {
            return false;
        }
        start(null, out);
        endText(out);
        speak(out);
        out.add(new ChatEvent.ToolInputStarted(callId, toolName));
        return true;
    }

    /** Only an input that has begun and is not whole goes on: the AI SDK gives the stream up over any other piece. */
    boolean inputDelta(String callId, String delta, List<ChatEvent> out) {
        if (!streaming.contains(callId)) {
            return false;
        }
        out.add(new ChatEvent.ToolInputDelta(callId, delta));
        return true;
    }

    /** A call is whole. False for one that was announced before. */
    boolean called(String callId, String toolName, RawJson input, List<ChatEvent> out) {
        if (!announced.add(callId)) {
            return false;
        }
        start(null, out);
        endText(out);
        speak(out);
        streaming.remove(callId);
        open.add(callId);
        out.add(new ChatEvent.ToolCalled(callId, toolName, input, calls++));
        return true;
    }

    /** Only a call that this turn announced can ask, once, and before it has its outcome. */
    boolean asks(String approvalId, String callId, List<ChatEvent> out) {
        if (!open.contains(callId) || !asking.add(callId)) {
            return false;
        }
        out.add(new ChatEvent.ApprovalRequested(approvalId, callId));
        return true;
    }

    /** The outcome of a call that this turn announced. */
    boolean outcome(String callId, ChatEvent event, List<ChatEvent> out) {
        if (!announced.contains(callId)) {
            return false;
        }
        endText(out);
        settled(callId);
        out.add(event);
        return true;
    }

    void data(String type, String id, RawJson data, List<ChatEvent> out) {
        start(null, out);
        out.add(new ChatEvent.Data(type, id, data));
    }

    /** Whether the call has begun in this turn, whole or not. */
    boolean knows(String callId) {
        return announced.contains(callId) || streaming.contains(callId);
    }

    /** Whether the call is whole and has no outcome. */
    boolean isOpen(String callId) {
        return open.contains(callId);
    }

    /** The calls that wait for a yes. */
    Set<String> waiting() {
        return Set.copyOf(asking);
    }
}
