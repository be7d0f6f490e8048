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

    boolean started() {
        return started;
    }

    void start(String upstreamMessageId, List<ChatEvent> out) {
        if (!started) {
            started = true;
            out.add(new ChatEvent.Started(upstreamMessageId));
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

    /** Only a call that this turn announced can ask. */
    boolean asks(String approvalId, String callId, List<ChatEvent> out) {
        if (!open.contains(callId)) {
            return false;
        }
        asking.add(callId);
        out.add(new ChatEvent.ApprovalRequested(approvalId, callId));
        return true;
    }

    /** The outcome of a call that this turn announced. */
    boolean outcome(String callId, ChatEvent event, List<ChatEvent> out) {
        if (!announced.contains(callId)) {
            return false;
        }
        endText(out);
        open.remove(callId);
        asking.remove(callId);
        outcomes = true;
        out.add(event);
        return true;
    }

    void data(String type, String id, RawJson data, List<ChatEvent> out) {
        start(null, out);
        out.add(new ChatEvent.Data(type, id, data));
    }

    /** Whether a call waits for a yes. */
    boolean waits() {
        return !asking.isEmpty();
    }
}
