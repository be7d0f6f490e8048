package io.chatrelay.chat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

import io.chatrelay.chat.ChatEvent.ApprovalDecided;
import io.chatrelay.chat.ChatEvent.ApprovalRequested;
import io.chatrelay.chat.ChatEvent.Data;
import io.chatrelay.chat.ChatEvent.Ended;
import io.chatrelay.chat.ChatEvent.Started;
import io.chatrelay.chat.ChatEvent.StepFinished;
import io.chatrelay.chat.ChatEvent.StepStarted;
import io.chatrelay.chat.ChatEvent.TextDelta;
import io.chatrelay.chat.ChatEvent.TextEnded;
import io.chatrelay.chat.ChatEvent.TextStarted;
import io.chatrelay.chat.ChatEvent.ToolCalled;
import io.chatrelay.chat.ChatEvent.ToolDenied;
import io.chatrelay.chat.ChatEvent.ToolFailed;
import io.chatrelay.chat.ChatEvent.ToolInputDelta;
import io.chatrelay.chat.ChatEvent.ToolInputStarted;
import io.chatrelay.chat.ChatEvent.ToolSucceeded;

/**
 * The fold of a turn's events into the assistant's message: what is stored, and what a caller that does not stream gets.
 * Plain and single-threaded; the same events always give the same message.
 */
public final class Transcript {

    /** A call as a caller sees it. */
    public record Call(String callId, String toolName, RawJson input, int index) {}

    private static final class ToolPart {
        final ToolCalled call;
        String approvalId;
        String state = "input-available";
        RawJson output;
        String errorText;
        Boolean approved;
        String reason;

        ToolPart(ToolCalled call) {
            this.call = call;
        }

        boolean open() {
            return switch (state) {
                case "input-available", "approval-requested", "approval-responded" -> true;
                default -> false;
            };
        }

        /** The AI SDK's schema wants it beside every outcome of a call that asked. */
        boolean approved() {
            return approved == null ? !state.equals("output-denied") : approved;
        }

        boolean decided() {
            return !state.equals("approval-requested");
        }
    }

    private sealed interface Piece {
        record Step() implements Piece {}

        record Text(StringBuilder text) implements Piece {}

        record Tool(ToolPart part) implements Piece {}

        record Extra(Data data) implements Piece {}
    }

    private final List<Piece> pieces = new ArrayList<>();
    private final Map<String, ToolPart> calls = new LinkedHashMap<>();
    private final Set<String> inputs = new LinkedHashSet<>();
    private String openText;
    private StringBuilder currentText;
    private boolean openStep;
    private boolean started;
    private String upstreamMessageId;
    private Ended ended;

    /** There are events that nobody can apply: the turn has begun, whatever is known of it. */
    void missesEvents() {
        started = true;
    }

    /** Takes the next event of the turn. */
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
            // Only whole calls are part of a message.
            case ToolInputStarted(var callId, _) -> inputs.add(callId);
            case ToolInputDelta(_, _) -> {}
            case ToolCalled call -> {
                inputs.remove(call.callId());
                ToolPart part = new ToolPart(call);
                calls.put(call.callId(), part);
                pieces.add(new Piece.Tool(part));
            }
            case ApprovalRequested(var id, var callId) -> {
                ToolPart part = calls.get(callId);
                if (part != null) {
                    part.approvalId = id;
                    part.state = "approval-requested";
                }
            }
            case ApprovalDecided decided -> {
                ToolPart part = calls.get(decided.callId());
                if (part != null && part.open()) {
                    part.approved = decided.decision() == ApprovalState.APPROVED;
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
        }
    }

    /** A part with the id of an earlier one of its type replaces it, as it does in the AI SDK. */
    private void add(Data data) {
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
        inputs.remove(callId);
        ToolPart part = calls.get(callId);
        if (part != null) {
            part.state = state;
            part.output = output;
            part.errorText = errorText;
        }
    }

    /**
     * The events that end the turn from here: what is open is closed first, so that no wire is left inside a bracket. A
     * cancelled turn also settles the calls that are open, those included whose input is not whole, for a client would wait for
     * their outcome.
     */
    public List<ChatEvent> closing(Ended end) {
        List<ChatEvent> events = new ArrayList<>(4);
        if (openText != null) {
            events.add(new TextEnded(openText));
        }
        if (end.outcome() == Outcome.COMPLETED) {
            // A client that saw an approval waits for its call's outcome, and asks again without end where there is none.
            calls.values().stream().filter(part -> part.open() && part.approvalId != null)
                    .forEach(part -> events
                            .add(new ToolFailed(part.call.callId(), "The turn ended without an outcome of this call.")));
        }
        if (end.outcome() == Outcome.CANCELLED) {
            calls.values().stream().filter(ToolPart::open)
                    .forEach(part -> events.add(new ToolFailed(part.call.callId(), "cancelled")));
            inputs.forEach(callId -> events.add(new ToolFailed(callId, "cancelled")));
        }
        if (openStep) {
            events.add(new StepFinished());
        }
        events.add(end);
        return events;
    }

    /** Whether Inkeep's first event has come. */
    public boolean started() {
        return started;
    }

    /** Inkeep's own id of the answer, or null. */
    public String upstreamMessageId() {
        return upstreamMessageId;
    }

    /** Whether there is anything to be kept as the assistant's message. */
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

    /** A call that this turn announced and that has no outcome yet, or null. */
    ToolCalled open(String callId) {
        ToolPart part = calls.get(callId);
        return part != null && part.open() ? part.call : null;
    }

    /** The open calls that asked for approval, each with whether the stream has told its decision. */
    Map<String, Boolean> asking() {
        Map<String, Boolean> asking = new LinkedHashMap<>();
        calls.values().stream().filter(part -> part.open() && part.approvalId != null)
                .forEach(part -> asking.put(part.call.callId(), part.approved != null));
        return asking;
    }

    /** The turn's calls in their order. */
    public List<Call> calls() {
        return calls.values().stream().map(part -> new Call(part.call.callId(), part.call.toolName(), part.call.input(),
                part.call.index())).toList();
    }

    /** The data parts in their order. */
    public List<Data> data() {
        return pieces.stream().filter(Piece.Extra.class::isInstance).map(piece -> ((Piece.Extra) piece).data()).toList();
    }

    /** The message's parts as an AI SDK {@code UIMessage} has them, fit for {@code jsonb}. */
    public String parts() {
        JsonText out = new JsonText(512).ascii('[');
        String separator = "";
        for (Piece piece : pieces) {
            out.ascii(separator);
            separator = ",";
            switch (piece) {
                case Piece.Step() -> out.ascii("{\"type\":\"step-start\"}");
                case Piece.Text(var text) -> out.ascii("{\"type\":\"text\",\"text\":").string(Jsonb.clean(text.toString()))
                        .ascii(",\"state\":\"done\"}");
                case Piece.Tool(var part) -> tool(out, part);
                case Piece.Extra(var data) -> Parts.data(out, data.type(), data.id(), data.data());
            }
        }
        return out.ascii(']').toString();
    }

    private static void tool(JsonText out, ToolPart part) {
        Parts.openCall(out, part.call.toolName(), part.call.callId(), part.state, part.call.input(), part.output);
        Parts.optional(out, "errorText", part.errorText);
        if (part.approvalId != null) {
            out.ascii(",\"approval\":{\"id\":").string(Jsonb.clean(part.approvalId));
            if (part.decided()) {
                out.ascii(",\"approved\":").ascii(Boolean.toString(part.approved()));
                Parts.optional(out, "reason", part.reason);
            }
            out.ascii('}');
        }
        out.ascii('}');
    }
}
