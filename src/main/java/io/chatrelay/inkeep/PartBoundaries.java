package io.chatrelay.inkeep;

import java.util.List;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Call;
import io.chatrelay.event.RawJson;
import io.chatrelay.inkeep.ToolCallIds.Tracked;

/**
 * Sets the part boundaries that an upstream does not send: one text part per run of text, one reasoning part per run of reasoning, and steps. A
 * step is one call of the model: it ends when the model produces output again after the outcomes of its calls. Every emitted text is valid
 * Unicode.
 */
final class PartBoundaries {

    private final String runId;
    private boolean started;
    private boolean step;
    private boolean outcomes;
    private int texts;
    private int reasonings;
    private String text;
    private String upstreamText;
    private String reasoning;
    private String upstreamReasoning;
    private SurrogateJoiner textHalves = new SurrogateJoiner();
    private SurrogateJoiner reasoningHalves = new SurrogateJoiner();
    private ToolCallIds calls = new ToolCallIds();

    PartBoundaries() {
        this(null);
    }

    /** @param runId the upstream's own id of the answer if the first event does not contain it; or null */
    PartBoundaries(String runId) {
        this.runId = runId;
    }

    /**
     * The boundaries after those events, to be continued in another body: an open text ends before the next one begins, because text ids are
     * valid only within their body.
     */
    static PartBoundaries resume(List<ChatEvent> events) {
        PartBoundaries brackets = new PartBoundaries();
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
            case ChatEvent.ReasoningStarted(var id) -> {
                reasoning = id;
                reasonings++;
            }
            case ChatEvent.ReasoningEnded _ -> reasoning = null;
            case ChatEvent.ToolInputStarted(var call, var name) -> calls.add(call, name);
            case ChatEvent.ToolInputFailed(var call, var name, _, _) -> settled(tracked(call, name));
            case ChatEvent.ToolCalled(var call, var name, var input, _) -> tracked(call, name).whole(input);
            case ChatEvent.ApprovalRequested(var id, var callId, _) -> asks(calls.known(callId), id);
            case ChatEvent.ToolSucceeded(var callId, _) -> settled(calls.known(callId));
            case ChatEvent.ToolFailed(var callId, _) -> settled(calls.known(callId));
            case ChatEvent.ToolDenied(var callId) -> settled(calls.known(callId));
            case ChatEvent.TextDelta _,ChatEvent.ReasoningDelta _,ChatEvent.ToolInputDelta _,ChatEvent.Data _,ChatEvent.ApprovalDecided _,ChatEvent.Ended _,ChatEvent.Unknown _ -> {
                // These events open and close nothing.
            }
        }
    }

    private Tracked tracked(Call call, String toolName) {
        Tracked known = calls.known(call.id());
        return known == null ? calls.add(call, toolName) : known;
    }

    private void asks(Tracked call, String approvalId) {
        calls.addApprovalId(approvalId);
        if (call != null) {
            call.asking = true;
            call.asked = true;
        }
    }

    private void settled(Tracked call) {
        if (call != null) {
            call.settled = true;
            call.asking = false;
        }
        outcomes = true;
    }

    /** A copy, to be continued in another body; equivalent to {@link #resume} of the events so far. */
    PartBoundaries continued() {
        PartBoundaries copy = new PartBoundaries();
        copy.started = started;
        copy.step = step;
        copy.outcomes = outcomes;
        copy.texts = texts;
        copy.reasonings = reasonings;
        copy.text = text;
        copy.reasoning = reasoning;
        copy.textHalves = textHalves.copy();
        copy.reasoningHalves = reasoningHalves.copy();
        copy.calls = calls.copy();
        return copy;
    }

    ToolCallIds calls() {
        return calls;
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

    /** Adds a piece of text; adjacent pieces with one id are one part, however often the upstream opens and closes it. */
    void text(String id, String delta, List<ChatEvent> out) {
        start(null, out);
        endReasoning(out);
        if (text != null && !id.equals(upstreamText)) {
            endText(out);
        }
        if (text == null) {
            speak(out);
            text = "text-" + ++texts;
            upstreamText = id;
            out.add(new ChatEvent.TextStarted(text));
        }
        String whole = textHalves.take(delta);
        if (!whole.isEmpty()) {
            out.add(new ChatEvent.TextDelta(text, whole));
        }
    }

    /** Adds a piece of reasoning, in the same way. */
    void reasoning(String id, String delta, List<ChatEvent> out) {
        start(null, out);
        endText(out);
        if (reasoning != null && !id.equals(upstreamReasoning)) {
            endReasoning(out);
        }
        if (reasoning == null) {
            speak(out);
            reasoning = "reasoning-" + ++reasonings;
            upstreamReasoning = id;
            out.add(new ChatEvent.ReasoningStarted(reasoning));
        }
        String whole = reasoningHalves.take(delta);
        if (!whole.isEmpty()) {
            out.add(new ChatEvent.ReasoningDelta(reasoning, whole));
        }
    }

    private void endText(List<ChatEvent> out) {
        if (text != null) {
            flushText(out);
            out.add(new ChatEvent.TextEnded(text));
            text = null;
        }
    }

    private void endReasoning(List<ChatEvent> out) {
        if (reasoning != null) {
            flushReasoning(out);
            out.add(new ChatEvent.ReasoningEnded(reasoning));
            reasoning = null;
        }
    }

    private void flushText(List<ChatEvent> out) {
        String rest = textHalves.rest();
        if (!rest.isEmpty()) {
            out.add(new ChatEvent.TextDelta(text, rest));
        }
    }

    private void flushReasoning(List<ChatEvent> out) {
        String rest = reasoningHalves.rest();
        if (!rest.isEmpty()) {
            out.add(new ChatEvent.ReasoningDelta(reasoning, rest));
        }
    }

    /** The answer is over: emits a replacement for each half character that is still incomplete. */
    void flush(List<ChatEvent> out) {
        if (text != null) {
            flushText(out);
        }
        if (reasoning != null) {
            flushReasoning(out);
        }
        calls.streaming().forEach(call -> flushInput(call, out));
    }

    private static void flushInput(Tracked call, List<ChatEvent> out) {
        String rest = call.input.rest();
        if (!rest.isEmpty()) {
            out.add(new ChatEvent.ToolInputDelta(call.call.id(), rest));
        }
    }

    /** The model produces output: in this step, or in a new one if the calls of this step have their outcomes. */
    private void speak(List<ChatEvent> out) {
        if (step && outcomes && !calls.anyOpen()) {
            out.add(new ChatEvent.StepFinished());
            step = false;
        }
        if (!step) {
            step = true;
            outcomes = false;
            out.add(new ChatEvent.StepStarted());
        }
    }

    /** The input of a call begins. */
    Tracked inputStarted(String upstreamId, String toolName, List<ChatEvent> out) {
        Tracked call = begin(upstreamId, toolName, out);
        out.add(new ChatEvent.ToolInputStarted(call.call, toolName));
        return call;
    }

    private Tracked begin(String upstreamId, String toolName, List<ChatEvent> out) {
        start(null, out);
        endReasoning(out);
        endText(out);
        speak(out);
        return calls.begin(upstreamId, toolName);
    }

    void inputDelta(Tracked call, String delta, List<ChatEvent> out) {
        String whole = call.input.take(delta);
        if (!whole.isEmpty()) {
            out.add(new ChatEvent.ToolInputDelta(call.call.id(), whole));
        }
    }

    /** The input of a call is complete. */
    void called(Tracked call, RawJson input, boolean callerRuns, List<ChatEvent> out) {
        call.whole(input);
        out.add(new ChatEvent.ToolCalled(call.call, call.toolName, input, callerRuns));
    }

    /** A call whose input was not streamed. */
    void called(String upstreamId, String toolName, RawJson input, List<ChatEvent> out) {
        called(begin(upstreamId, toolName, out), input, false, out);
    }

    /** The input of a call was rejected. */
    void inputFailed(Tracked call, RawJson input, String errorText, List<ChatEvent> out) {
        settled(call);
        out.add(new ChatEvent.ToolInputFailed(call.call, call.toolName, input, errorText));
    }

    /** A call requests approval. */
    void asks(String upstreamApprovalId, Tracked call, List<ChatEvent> out) {
        String id = calls.approvalId(upstreamApprovalId, call.call);
        asks(call, id);
        out.add(new ChatEvent.ApprovalRequested(id, call.call.id(), upstreamApprovalId));
    }

    /** The outcome of a call. */
    void outcome(Tracked call, ChatEvent event, List<ChatEvent> out) {
        endReasoning(out);
        endText(out);
        settled(call);
        out.add(event);
    }

    void data(ChatEvent.Data data, List<ChatEvent> out) {
        start(null, out);
        out.add(data);
    }

    /** The numbers of the calls that wait for approval. */
    List<Integer> waiting() {
        return calls.asking().stream().map(call -> call.call.number()).toList();
    }
}
