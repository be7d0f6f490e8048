package io.chatrelay.event;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.NullUnmarked;

import io.chatrelay.event.ChatEvent.ApprovalDecided;
import io.chatrelay.event.ChatEvent.ApprovalRequested;
import io.chatrelay.event.ChatEvent.Call;
import io.chatrelay.event.ChatEvent.Data;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.ChatEvent.ReasoningDelta;
import io.chatrelay.event.ChatEvent.ReasoningEnded;
import io.chatrelay.event.ChatEvent.ReasoningStarted;
import io.chatrelay.event.ChatEvent.SidePart;
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
import io.chatrelay.event.ChatEvent.Unknown;

/**
 * A fold of a turn's events into the assistant's message, which is stored and is the answer to a caller that does not stream.
 * Simple and single-threaded; the same events always give the same message.
 */
@NullUnmarked
public final class Transcript {

    private static final class ToolPart {
        final Call call;
        final String toolName;
        /** The input received so far, until it is complete. */
        final StringBuilder inputText = new StringBuilder();
        ToolCalled called;
        String approvalId;
        String state = "input-streaming";
        RawJson rawInput;
        RawJson output;
        String errorText;
        Boolean approved;
        String reason;

        ToolPart(Call call, String toolName) {
            this.call = call;
            this.toolName = toolName;
        }

        void called(ToolCalled whole) {
            called = whole;
            inputText.setLength(0);
            state = "input-available";
        }

        /** Whether it has no outcome. */
        public boolean open() {
            return switch (state) {
                case "input-streaming", "input-available", "approval-requested", "approval-responded" -> true;
                default -> false;
            };
        }

        /** The AI SDK's schema requires it in every outcome of a call that requested approval. */
        boolean approved() {
            return approved == null ? !state.equals("output-denied") : approved;
        }

        boolean decided() {
            return !state.equals("approval-requested");
        }

        void told(List<SidePart> parts) {
            if (called == null && state.equals("output-error")) {
                parts.add(new ToolInputFailed(call, toolName, rawInput, errorText));
            } else if (called != null && !called.callerRuns()) {
                parts.add(called);
                switch (state) {
                    case "output-available" -> parts.add(new ToolSucceeded(call.id(), output));
                    case "output-error" -> parts.add(new ToolFailed(call.id(), errorText));
                    case "output-denied" -> parts.add(new ToolDenied(call.id()));
                    default -> {
                        // It has no outcome yet.
                    }
                }
            }
        }

        /** The event that settles the call when the turn ends. */
        ChatEvent failed(String errorText) {
            return called == null ? new ToolInputFailed(call, toolName, RawJson.of(inputText.toString()), errorText)
                    : new ToolFailed(call.id(), errorText);
        }
    }

    private sealed interface Piece {
        record Step() implements Piece {}

        record Text(StringBuilder text) implements Piece {}

        record Reasoning(StringBuilder text) implements Piece {}

        record Tool(ToolPart part) implements Piece {}

        record Extra(Data data) implements Piece {}
    }

    private static final String CANCELLED = "cancelled";
    private static final String NO_OUTCOME = "The turn ended without an outcome of this call.";
    private static final String NOT_WHOLE = "The turn ended before the input of this call was whole.";

    private final List<Piece> pieces = new ArrayList<>();
    private final Map<String, ToolPart> calls = new LinkedHashMap<>();
    private String openText;
    private StringBuilder currentText;
    private String openReasoning;
    private StringBuilder currentReasoning;
    private boolean openStep;
    private boolean started;
    private String upstreamMessageId;
    private Ended ended;

    /** Some stored events cannot be applied: the turn counts as started, even if nothing else is known. */
    public void missesEvents() {
        started = true;
    }

    /** Applies the next event of the turn. */
    public void apply(ChatEvent event) {
        switch (event) {
            case Started(var id) -> {
                started = true;
                upstreamMessageId = id;
            }
            case StepStarted() -> {
                openStep = true;
                pieces.add(new Piece.Step());
            }
            case StepFinished() -> openStep = false;
            case TextStarted(var id) -> {
                openText = id;
                currentText = new StringBuilder();
                pieces.add(new Piece.Text(currentText));
            }
            case TextDelta(_, var text) -> currentText.append(text);
            case TextEnded(_) -> openText = null;
            case ReasoningStarted(var id) -> {
                openReasoning = id;
                currentReasoning = new StringBuilder();
                pieces.add(new Piece.Reasoning(currentReasoning));
            }
            case ReasoningDelta(_, var text) -> currentReasoning.append(text);
            case ReasoningEnded(_) -> openReasoning = null;
            case ToolInputStarted(var call, var name) -> begin(call, name);
            case ToolInputDelta(var callId, var text) -> {
                ToolPart part = calls.get(callId);
                if (part != null && part.called == null) {
                    part.inputText.append(text);
                }
            }
            case ToolInputFailed failed -> {
                ToolPart part = begin(failed.call(), failed.toolName());
                part.rawInput = failed.input();
                settle(failed.callId(), "output-error", null, failed.errorText());
            }
            case ToolCalled called -> begin(called.call(), called.toolName()).called(called);
            case ApprovalRequested(var id, var callId, _) -> {
                ToolPart part = calls.get(callId);
                if (part != null) {
                    part.approvalId = id;
                    part.state = "approval-requested";
                }
            }
            case ApprovalDecided decided -> {
                ToolPart part = calls.get(decided.callId());
                if (part != null && part.open()) {
                    part.approved = decided.approved();
                    part.reason = decided.reason();
                    part.state = "approval-responded";
                }
                add(decided.shown());
            }
            case ToolSucceeded(var callId, var output) -> settle(callId, "output-available", output, null);
            case ToolFailed(var callId, var error) -> settle(callId, "output-error", null, error);
            case ToolDenied(var callId) -> settle(callId, "output-denied", null, null);
            case Data data -> add(data);
            case Ended end -> ended = end;
            case Unknown _ -> {
                // Only a later version knows its meaning; this version's message leaves it out.
            }
        }
    }

    private static boolean isRefusal(Data data) {
        return data.type().equals(Data.REFUSAL);
    }

    private ToolPart begin(Call call, String toolName) {
        return calls.computeIfAbsent(call.id(), _ -> {
            ToolPart part = new ToolPart(call, toolName);
            pieces.add(new Piece.Tool(part));
            return part;
        });
    }

    /** A part replaces an earlier part with the same id and type, as in the AI SDK. */
    private void add(Data data) {
        if (data.isTransient()) {
            return;
        }
        if (isRefusal(data) && !pieces.isEmpty() && pieces.getLast() instanceof Piece.Extra(var before) && isRefusal(before)) {
            pieces.set(pieces.size() - 1, new Piece.Extra(new Data(Data.REFUSAL, null, RawJson.string(
                    UnlimitedJson.string(before.data().text()) + UnlimitedJson.string(data.data().text())))));
            return;
        }
        for (int i = 0; data.id() != null && i < pieces.size(); i++) {
            if (pieces.get(i) instanceof Piece.Extra(var earlier) && data.id().equals(earlier.id())
                    && data.type().equals(earlier.type())) {
                pieces.set(i, new Piece.Extra(data));
                return;
            }
        }
        pieces.add(new Piece.Extra(data));
    }

    private void settle(String callId, String state, RawJson output, String errorText) {
        ToolPart part = calls.get(callId);
        if (part != null) {
            if (part.called == null && part.rawInput == null) {
                part.rawInput = RawJson.of(part.inputText.toString());
            }
            part.inputText.setLength(0);
            part.state = state;
            part.output = output;
            part.errorText = errorText;
        }
    }

    /**
     * The events that end the turn now. Open text, reasoning and steps are closed, so that no stream ends inside a bracket. Every call is
     * settled, because a client would wait for its outcome. In a completed turn, only the calls that the caller runs stay open.
     */
    public List<ChatEvent> closing(Ended end) {
        List<ChatEvent> events = new ArrayList<>(4);
        if (openText != null) {
            events.add(new TextEnded(openText));
        }
        if (openReasoning != null) {
            events.add(new ReasoningEnded(openReasoning));
        }
        calls.values().stream().filter(part -> part.open() && !isLeftToCaller(part, end))
                .forEach(part -> events.add(part.failed(end.outcome() == Outcome.CANCELLED ? CANCELLED
                        : part.called == null ? NOT_WHOLE : NO_OUTCOME)));
        if (openStep) {
            events.add(new StepFinished());
        }
        events.add(end);
        return events;
    }

    private static boolean isLeftToCaller(ToolPart part, Ended end) {
        return end.outcome() == Outcome.COMPLETED && part.called != null && part.called.callerRuns();
    }

    /** Whether the upstream's first event was received. */
    public boolean started() {
        return started;
    }

    /** The upstream's own id of the answer, or null. */
    public String upstreamMessageId() {
        return upstreamMessageId;
    }

    /** Whether there is content to store as the assistant's message. */
    public boolean hasContent() {
        return !pieces.isEmpty();
    }

    /** How the turn ended, or null while it runs. */
    public Ended ended() {
        return ended;
    }

    /** The answer's text, all runs of it joined. */
    public String text() {
        StringBuilder text = new StringBuilder();
        for (Piece piece : pieces) {
            if (piece instanceof Piece.Text(var run)) {
                text.append(run);
            }
        }
        return text.toString();
    }

    /** A call of this turn that has no outcome yet, or null. */
    public ToolCalled open(String callId) {
        ToolPart part = calls.get(callId);
        return part != null && part.open() ? part.called : null;
    }

    /** The open calls that requested approval, each with whether the stream contains its decision. */
    public Map<Call, Boolean> asking() {
        Map<Call, Boolean> asking = new LinkedHashMap<>();
        calls.values().stream().filter(part -> part.open() && part.approvalId != null)
                .forEach(part -> asking.put(part.call, part.approved != null));
        return asking;
    }

    /** The model's reasoning, all runs of it joined. */
    public String reasoning() {
        StringBuilder text = new StringBuilder();
        for (Piece piece : pieces) {
            if (piece instanceof Piece.Reasoning(var run)) {
                text.append(run);
            }
        }
        return text.toString();
    }

    /** The text of the model's refusal, or null. */
    public String refusal() {
        StringBuilder text = new StringBuilder();
        for (Piece piece : pieces) {
            if (piece instanceof Piece.Extra(var data) && isRefusal(data)) {
                text.append(UnlimitedJson.string(data.data().text()));
            }
        }
        return text.isEmpty() ? null : text.toString();
    }

    /** The turn's calls with complete input, in their order. */
    public List<ToolCalled> calls() {
        return calls.values().stream().filter(part -> part.called != null).map(part -> part.called).toList();
    }

    /**
     * The parts beside the text, in their order and current state: data, and the calls that the upstream runs, each with its outcome. Calls
     * that the caller runs are not included.
     */
    public List<SidePart> sideParts() {
        List<SidePart> parts = new ArrayList<>();
        for (Piece piece : pieces) {
            switch (piece) {
                case Piece.Extra(var data) when isRefusal(data) -> {
                    // The refusal has a member of its own.
                }
                case Piece.Extra(var data) -> parts.add(data);
                case Piece.Tool(var part) -> part.told(parts);
                case Piece.Step _,Piece.Text _,Piece.Reasoning _ -> {
                    // They have a member of their own, or none.
                }
            }
        }
        return parts;
    }

    /** The message's parts as in an AI SDK {@code UIMessage}, valid for {@code jsonb}. */
    public String parts() {
        JsonWriter out = new JsonWriter(512).ascii('[');
        String separator = "";
        for (Piece piece : pieces) {
            out.ascii(separator);
            separator = ",";
            switch (piece) {
                case Piece.Step() -> out.ascii("{\"type\":\"step-start\"}");
                case Piece.Text(var text) -> out.ascii("{\"type\":\"text\",\"text\":").string(Jsonb.clean(text.toString()))
                        .ascii(",\"state\":\"done\"}");
                case Piece.Reasoning(var text) -> out.ascii("{\"type\":\"reasoning\",\"text\":")
                        .string(Jsonb.clean(text.toString())).ascii(",\"state\":\"done\"}");
                case Piece.Tool(var part) -> tool(out, part);
                case Piece.Extra(var data) -> MessageParts.data(out, data.type(), data.id(), data.data());
            }
        }
        return out.ascii(']').toString();
    }

    private static void tool(JsonWriter out, ToolPart part) {
        MessageParts.openCall(out, part.toolName, part.call.id(), part.state, part.called == null ? null : part.called.input(),
                part.output);
        if (part.rawInput != null) {
            out.ascii(",\"rawInput\":").raw(Jsonb.clean(part.rawInput));
        }
        MessageParts.optional(out, "errorText", part.errorText);
        if (part.approvalId != null) {
            out.ascii(",\"approval\":{\"id\":").string(Jsonb.clean(part.approvalId));
            if (part.decided()) {
                out.ascii(",\"approved\":").ascii(Boolean.toString(part.approved()));
                MessageParts.optional(out, "reason", part.reason);
            }
            out.ascii('}');
        }
        out.ascii('}');
    }
}
