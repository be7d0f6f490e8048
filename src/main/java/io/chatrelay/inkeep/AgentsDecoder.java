package io.chatrelay.inkeep;

import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Function;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Failure;
import io.chatrelay.event.FinishReason;
import io.chatrelay.event.RawJson;
import io.chatrelay.inkeep.ToolCallIds.Tracked;

/**
 * Inkeep Agents' UI message stream. Source: its run API, {@code POST /run/api/chat}, as recorded.
 *
 * <p>Pitfalls: {@code [DONE]} is also sent after a failure, so a classic run succeeded only if a {@code data-operation} of type
 * {@code completion} arrived before it. A durable run sends neither, and ends with its body. Errors are sent inside a 200. Text is opened and
 * closed for every word, always with the same id.
 */
final class AgentsDecoder implements AnswerDecoder {

    /** How the run ends. */
    enum Mode {
        /** With {@code [DONE]}. */
        CLASSIC,
        /** With its body; a run that waits for an approval continues in the answer to the decision. */
        DURABLE,
        /** As durable, but durable mode is not configured, so the run cannot continue. */
        UNFORESEEN
    }

    static final String DONE = "[DONE]";
    /** Members that identify what unknown members belong to. */
    private static final Set<String> NAMING = Set.of("type", "id", "toolCallId");
    private static final Set<String> OF_DATA = Set.of("type", "id", "data", "transient");
    private static final Map<String, Set<String>> MEMBERS = Map.of("start", Set.of("type", "messageId"),
            "text-delta", Set.of("type", "id", "delta"), "reasoning-delta", Set.of("type", "id", "delta"),
            "tool-input-start", Set.of("type", "toolCallId", "toolName"),
            "tool-input-delta", Set.of("type", "toolCallId", "inputTextDelta"),
            "tool-input-available", Set.of("type", "toolCallId", "toolName", "input"),
            "tool-input-error", Set.of("type", "toolCallId", "toolName", "input", "errorText"),
            "tool-approval-request", Set.of("type", "toolCallId", "approvalId"),
            "tool-output-available", Set.of("type", "toolCallId", "output"),
            "tool-output-error", Set.of("type", "toolCallId", "errorText"));
    private static final Set<String> OPERATIONS_OF_EVERYONE = Set.of("agent_initializing", "completion", "error");

    private final Mode mode;
    private final PartBoundaries brackets;
    private final boolean allOperations;
    private final Set<String> toldAsOperation = new HashSet<>();
    private int decided = -1;
    private boolean completion;
    private boolean fatal;
    private String error;
    private boolean over;

    /**
     * @param brackets      new ones, or those of the run's earlier bodies
     * @param allOperations whether to pass on operations that a server sends only on request
     */
    AgentsDecoder(PartBoundaries brackets, Mode mode, boolean allOperations) {
        this.brackets = brackets;
        this.mode = mode;
        this.allOperations = allOperations;
    }

    Mode mode() {
        return mode;
    }

    /** Whether the run has reported an error after which it cannot complete. */
    boolean hasFailed() {
        return fatal;
    }

    /** Whether the run has reported an error; not every error ends the run. */
    boolean hasToldError() {
        return fatal || error != null;
    }

    /** The numbers of the calls that wait for approval. */
    List<Integer> waiting() {
        return brackets.waiting();
    }

    /** Whether the event reports a second start, which no run has. */
    static boolean isAnotherStart(ChatEvent event) {
        return event instanceof ChatEvent.Data(var type, _, _, _) && type.equals("data-inkeep-start");
    }

    /** Whether the event reports an operation that a server sends only on request. */
    static boolean isAskedForOperation(ChatEvent event) {
        if (!(event instanceof ChatEvent.Data(var type, _, var data, _)) || !type.equals("data-operation")) {
            return false;
        }
        try {
            String kind = JsonMembers.of(data.text()).text("type");
            return kind == null || !OPERATIONS_OF_EVERYONE.contains(kind);
        } catch (IOException e) {
            return true;
        }
    }

    /** For the answer to a decision on the call with that number: the answer is incomplete without the outcome of that call. */
    AgentsDecoder after(int decidedCall) {
        decided = decidedCall;
        return this;
    }

    @Override
    public void decode(String event, String data, List<ChatEvent> out) {
        if (over) {
            return;
        }
        if (data.equals(DONE)) {
            end(completion && !fatal ? Ended.completed(FinishReason.STOP, null) : failed(), out);
            return;
        }
        try {
            JsonMembers fields = JsonMembers.of(data);
            String type = fields.text("type");
            if (type == null) {
                throw new IOException("a frame without a type");
            }
            frame(type, fields, data, out);
            if ("error".equals(event) && !type.equals("error")) {
                fatal = true;
                String said = ErrorResponses.said(data);
                error = said.isEmpty() ? error : said;
            }
        } catch (IOException e) {
            end(Ended.failed(Failure.of(Failure.Code.UPSTREAM_PROTOCOL,
                    "The {upstream} sent an event that is not what its protocol says; what came before is kept.")), out);
        }
    }

    /** Passes on as data what has no event type of its own: a whole frame, or the unknown members of a known frame. */
    private void frame(String type, JsonMembers fields, String data, List<ChatEvent> out) throws IOException {
        if (!understood(type, fields, out)) {
            brackets.data(new ChatEvent.Data("data-inkeep-" + type, null, SurrogateJoiner.of(new RawJson(data))), out);
            return;
        }
        RawJson others = fields.others(type.startsWith("data-") ? OF_DATA : MEMBERS.getOrDefault(type, NAMING), NAMING);
        if (others != null) {
            brackets.data(new ChatEvent.Data("data-inkeep-" + type, null, others), out);
        }
    }

    /** False if the frame has no event type of its own. */
    private boolean understood(String type, JsonMembers f, List<ChatEvent> out) throws IOException {
        return switch (type) {
            case "start" -> {
                boolean first = !brackets.started();
                brackets.start(f.text("messageId"), out);
                yield first;
            }
            // Only content counts: the first delta opens a part, and the content that follows it closes it.
            case "text-start", "text-end", "reasoning-start", "reasoning-end" -> true;
            case "text-delta" -> delta(f, (id, delta) -> brackets.text(id, delta, out));
            case "reasoning-delta" -> delta(f, (id, delta) -> brackets.reasoning(id, delta, out));
            case "error" -> {
                fatal = true;
                error = f.text("message") == null ? f.text("errorText") : f.text("message");
                yield false;
            }
            default -> type.startsWith("tool-") ? tool(type, f, out) : type.startsWith("data-") && data(type, f, out);
        };
    }

    private static boolean delta(JsonMembers f, BiConsumer<String, String> said) {
        String delta = f.piece("delta");
        if (delta == null || f.text("id") == null) {
            return false;
        }
        if (!delta.isEmpty()) {
            said.accept(f.text("id"), delta);
        }
        return true;
    }

    private boolean tool(String type, JsonMembers f, List<ChatEvent> out) {
        String id = f.piece("toolCallId");
        if (id == null) {
            return false;
        }
        return switch (type) {
            case "tool-input-start" -> inputStarted(id, f.text("toolName"), out);
            case "tool-input-delta" -> inputDelta(id, f.piece("inputTextDelta"), out);
            case "tool-input-available" -> called(id, f, out);
            case "tool-input-error" -> inputFailed(id, f, out);
            case "tool-approval-request" -> asks(id, f.piece("approvalId"), out);
            case "tool-output-available" -> outcome(id, call -> new ChatEvent.ToolSucceeded(call,
                    f.has("output") ? f.json("output") : RawJson.NULL), out);
            case "tool-output-error" -> outcome(id, call -> new ChatEvent.ToolFailed(call,
                    f.text("errorText") == null ? "" : f.text("errorText")), out);
            case "tool-output-denied" -> outcome(id, ChatEvent.ToolDenied::new, out);
            default -> false;
        };
    }

    /** Each start begins a new call, whatever its id. */
    private boolean inputStarted(String id, String tool, List<ChatEvent> out) {
        if (tool != null) {
            brackets.inputStarted(id, tool, out);
        }
        return tool != null;
    }

    /** Accepts only a piece of an input that has started and is not complete: the AI SDK aborts the stream on any other piece. */
    private boolean inputDelta(String id, String delta, List<ChatEvent> out) {
        Tracked call = brackets.calls().streaming(id);
        if (call == null || delta == null) {
            return false;
        }
        brackets.inputDelta(call, delta, out);
        return true;
    }

    /** The input of a call is complete; a frame that has the same content as an open call is a repetition. */
    private boolean called(String id, JsonMembers f, List<ChatEvent> out) {
        RawJson input = f.has("input") ? f.json("input") : RawJson.EMPTY_OBJECT;
        Tracked streaming = brackets.calls().streaming(id);
        if (streaming != null) {
            brackets.called(streaming, input, false, out);
            return true;
        }
        if (f.text("toolName") == null || brackets.calls().isRepetition(id, f.text("toolName"), input)) {
            return false;
        }
        brackets.called(id, f.text("toolName"), input, out);
        return true;
    }

    private boolean inputFailed(String id, JsonMembers f, List<ChatEvent> out) {
        Tracked streaming = brackets.calls().streaming(id);
        if (streaming == null) {
            if (f.text("toolName") == null || brackets.calls().open(id) != null) {
                return false;
            }
            streaming = brackets.inputStarted(id, f.text("toolName"), out);
        }
        brackets.inputFailed(streaming, f.has("input") ? f.json("input") : RawJson.NULL,
                f.text("errorText") == null ? "" : f.text("errorText"), out);
        return true;
    }

    /** Only a call that this turn announced can request approval, once, and before it has an outcome. */
    private boolean asks(String id, String approvalId, List<ChatEvent> out) {
        Tracked call = brackets.calls().asker(id);
        if (call == null || approvalId == null) {
            return false;
        }
        brackets.asks(approvalId, call, out);
        return true;
    }

    /** Handles the outcome of a call that this turn announced. */
    private boolean outcome(String id, Function<String, ChatEvent> outcome, List<ChatEvent> out) {
        Tracked call = brackets.calls().settledBy(id);
        if (call == null) {
            return false;
        }
        brackets.outcome(call, outcome.apply(call.call.id()), out);
        return true;
    }

    private boolean data(String type, JsonMembers f, List<ChatEvent> out) throws IOException {
        if (type.equals("data-operation")) {
            JsonMembers operation = f.object("data");
            String kind = operation.text("type");
            completion |= "completion".equals(kind);
            if ("error".equals(kind)) {
                error = operation.text("message");
            } else if ("tool_call".equals(kind)) {
                operationCalls(operation.object("details").object("data"), out);
            } else if ("tool_result".equals(kind)) {
                operationGives(operation.object("details").object("data"), out);
            }
            if (!allOperations && !OPERATIONS_OF_EVERYONE.contains(kind == null ? "" : kind)) {
                return true;
            }
        }
        brackets.data(new ChatEvent.Data(type, f.text("id"), f.has("data") ? f.json("data") : RawJson.NULL,
                f.isTrue("transient")), out);
        return true;
    }

    /** A legacy server reports a call, and its approval request, only in this way; a current server has reported it before. */
    private void operationCalls(JsonMembers call, List<ChatEvent> out) {
        String id = call.piece("toolCallId");
        String tool = call.text("toolName");
        if (id == null || tool == null || brackets.calls().knows(id) && !toldAsOperation.contains(id)
                || brackets.calls().open(id) != null) {
            return;
        }
        toldAsOperation.add(id);
        brackets.called(id, tool, call.has("input") ? call.json("input") : RawJson.EMPTY_OBJECT, out);
        if (call.isTrue("needsApproval")) {
            asks(id, "aitxt-" + id, out);
        }
    }

    private void operationGives(JsonMembers result, List<ChatEvent> out) {
        String id = result.piece("toolCallId");
        if (id == null || !toldAsOperation.contains(id) || brackets.calls().open(id) == null) {
            return;
        }
        outcome(id, call -> result.text("error") != null ? new ChatEvent.ToolFailed(call, result.text("error"))
                : isDenied(result) ? new ChatEvent.ToolDenied(call)
                        : new ChatEvent.ToolSucceeded(call, result.has("output") ? result.json("output") : RawJson.NULL),
                out);
    }

    /**
     * A legacy server has no event for a denial: the tool returns this text, whereas a tool that ran returns an object. Source: its
     * {@code Agent.ts}.
     */
    private static boolean isDenied(JsonMembers result) {
        String output = result.text("output");
        return result.isTrue("needsApproval") && output != null && output.startsWith("User denied approval to run this tool");
    }

    /** A durable run that waits for an approval has no end yet. */
    @Override
    public void ended(List<ChatEvent> out) {
        if (over) {
            return;
        }
        if (mode == Mode.CLASSIC || !brackets.started() || fatal || error != null
                || brackets.waiting().contains(decided)) {
            broken(out);
        } else if (brackets.waiting().isEmpty()) {
            end(Ended.completed(FinishReason.STOP, null), out);
        } else if (mode == Mode.UNFORESEEN) {
            end(Ended.failed(Failure.of(Failure.Code.APPROVAL_UNAVAILABLE,
                    "The run waits for an approval in durable mode, for which the upstream's execution-mode has to be durable; "
                            + "what came before is kept.")),
                    out);
        }
    }

    @Override
    public void broken(List<ChatEvent> out) {
        if (!over) {
            end(error == null && !fatal
                    ? Ended.failed(
                            Failure.of(Failure.Code.UPSTREAM_CUT,
                                    "The {upstream} broke off its answer; what came before is kept."))
                    : failed(), out);
        }
    }

    private Ended failed() {
        return Ended.failed(Failure.of(Failure.Code.UPSTREAM_ERROR,
                error == null ? "The {upstream} ended its answer without completing it; what came before is kept."
                        : "The {upstream} could not answer: " + ErrorResponses.shortened(error)));
    }

    private void end(Ended ended, List<ChatEvent> out) {
        over = true;
        brackets.flush(out);
        out.add(ended);
    }
}
