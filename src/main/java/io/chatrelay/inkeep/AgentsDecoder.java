package io.chatrelay.inkeep;

import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

import io.chatrelay.chat.ChatEvent;
import io.chatrelay.chat.ChatEvent.Ended;
import io.chatrelay.chat.Failure;
import io.chatrelay.chat.FinishReason;
import io.chatrelay.chat.RawJson;

/**
 * Inkeep Agents' UI message stream. Source: its run API, {@code POST /run/api/chat}, as recorded.
 *
 * <p>What it must not be taken in by: {@code [DONE]} comes after a failure too, so a classic run succeeded only if a
 * {@code data-operation} of type {@code completion} came before it. A durable run sends neither, and its end is the body's.
 * Errors come inside a 200. Text is opened and closed for every word, always with the same id.
 */
final class AgentsDecoder implements AnswerDecoder {

    /** How the run ends. */
    enum Mode {
        /** By {@code [DONE]}. */
        CLASSIC,
        /** With its body; one that waits for an approval goes on in the answer to the decision. */
        DURABLE,
        /** As durable, but nobody was told to expect it, so it cannot go on. */
        UNFORESEEN
    }

    static final String DONE = "[DONE]";
    private static final Set<String> OPERATIONS_OF_EVERYONE = Set.of("agent_initializing", "completion", "error");

    private final Mode mode;
    private final Brackets brackets;
    private final boolean allOperations;
    private final Set<String> toldAsOperation = new HashSet<>();
    private String decided;
    private boolean completion;
    private boolean fatal;
    private String error;
    private boolean over;

    /**
     * @param brackets      new ones, or those of the run's earlier bodies
     * @param allOperations whether operations are passed on that a server sends only to who asks for them
     */
    AgentsDecoder(Brackets brackets, Mode mode, boolean allOperations) {
        this.brackets = brackets;
        this.mode = mode;
        this.allOperations = allOperations;
    }

    Mode mode() {
        return mode;
    }

    /** Whether it has told an error after which nothing completes it. */
    boolean hasFailed() {
        return fatal;
    }

    /** Whether it has told an error, though not each is the run's end. */
    boolean hasToldError() {
        return fatal || error != null;
    }

    /** The calls that wait for a yes. */
    Set<String> waiting() {
        return brackets.waiting();
    }

    /** Whether it tells a second beginning, which no run has. */
    static boolean isAnotherStart(ChatEvent event) {
        return event instanceof ChatEvent.Data(var type, _, _) && type.equals("data-inkeep-start");
    }

    /** Whether it tells an operation that a server sends only to who asks for it. */
    static boolean isAskedForOperation(ChatEvent event) {
        if (!(event instanceof ChatEvent.Data(var type, _, var data)) || !type.equals("data-operation")) {
            return false;
        }
        try {
            String kind = Fields.of(data.text()).text("type");
            return kind == null || !OPERATIONS_OF_EVERYONE.contains(kind);
        } catch (IOException e) {
            return true;
        }
    }

    /** Of the answer to a decision on that call: without its outcome it is not whole. */
    AgentsDecoder after(String decidedCall) {
        decided = decidedCall;
        return this;
    }

    @Override
    public void decode(String data, List<ChatEvent> out) {
        if (over) {
            return;
        }
        if (data.equals(DONE)) {
            end(completion && !fatal ? Ended.completed(FinishReason.STOP, null) : failed(), out);
            return;
        }
        try {
            Fields fields = Fields.of(data);
            String type = fields.text("type");
            if (type == null) {
                throw new IOException("a frame without a type");
            }
            if (!frame(type, fields, out)) {
                brackets.data("data-inkeep-" + type, null, new RawJson(data), out);
            }
        } catch (IOException e) {
            end(Ended.failed(Failure.of(Failure.Code.UPSTREAM_PROTOCOL,
                    "Inkeep sent an event that is not what its protocol says; what came before is kept.")), out);
        }
    }

    /** False for what has no place of its own. */
    private boolean frame(String type, Fields f, List<ChatEvent> out) throws IOException {
        String call = f.text("toolCallId");
        return switch (type) {
            case "start" -> {
                boolean first = !brackets.started();
                brackets.start(f.text("messageId"), out);
                yield first;
            }
            // Only what is said counts: a part is opened with its first delta, and closed by what follows it.
            case "text-start", "text-end" -> true;
            case "text-delta" -> text(f, out);
            case "tool-input-start" -> call != null && f.text("toolName") != null
                    && brackets.inputStarted(call, f.text("toolName"), out);
            case "tool-input-delta" -> call != null && f.text("inputTextDelta") != null
                    && brackets.inputDelta(call, f.text("inputTextDelta"), out);
            case "tool-input-available" -> call != null && f.text("toolName") != null
                    && brackets.called(call, f.text("toolName"), f.has("input") ? f.json("input") : RawJson.EMPTY_OBJECT, out);
            case "tool-approval-request" -> call != null && f.text("approvalId") != null
                    && brackets.asks(f.text("approvalId"), call, out);
            case "tool-output-available" -> call != null && brackets.outcome(call,
                    new ChatEvent.ToolSucceeded(call, f.has("output") ? f.json("output") : RawJson.NULL), out);
            case "tool-output-error" -> call != null && brackets.outcome(call,
                    new ChatEvent.ToolFailed(call, f.text("errorText") == null ? "" : f.text("errorText")), out);
            case "tool-output-denied" -> call != null && brackets.outcome(call, new ChatEvent.ToolDenied(call), out);
            case "error" -> {
                fatal = true;
                error = f.text("message") == null ? f.text("errorText") : f.text("message");
                yield false;
            }
            default -> type.startsWith("data-") && data(type, f, out);
        };
    }

    private boolean text(Fields f, List<ChatEvent> out) {
        String delta = f.text("delta");
        if (delta == null || f.text("id") == null) {
            return false;
        }
        if (!delta.isEmpty()) {
            brackets.text(f.text("id"), delta, out);
        }
        return true;
    }

    private boolean data(String type, Fields f, List<ChatEvent> out) throws IOException {
        if (type.equals("data-operation")) {
            Fields operation = f.object("data");
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
        brackets.data(type, f.text("id"), f.has("data") ? f.json("data") : RawJson.NULL, out);
        return true;
    }

    /** A legacy server tells a call, and that it asks, in no other way; a current one has told it before. */
    private void operationCalls(Fields call, List<ChatEvent> out) {
        String id = call.text("toolCallId");
        String tool = call.text("toolName");
        if (id == null || tool == null || brackets.knows(id)) {
            return;
        }
        toldAsOperation.add(id);
        brackets.called(id, tool, call.has("input") ? call.json("input") : RawJson.EMPTY_OBJECT, out);
        if (isTrue(call, "needsApproval")) {
            brackets.asks("aitxt-" + id, id, out);
        }
    }

    private void operationGives(Fields result, List<ChatEvent> out) {
        String id = result.text("toolCallId");
        if (id == null || !toldAsOperation.contains(id) || !brackets.isOpen(id)) {
            return;
        }
        brackets.outcome(id, result.text("error") != null ? new ChatEvent.ToolFailed(id, result.text("error"))
                : isDenied(result) ? new ChatEvent.ToolDenied(id)
                        : new ChatEvent.ToolSucceeded(id, result.has("output") ? result.json("output") : RawJson.NULL),
                out);
    }

    /** A legacy server has no word for it: the tool gives this text, where one that ran gives an object. Source: its {@code Agent.ts}. */
    private static boolean isDenied(Fields result) {
        String output = result.text("output");
        return isTrue(result, "needsApproval") && output != null && output.startsWith("User denied approval to run this tool");
    }

    private static boolean isTrue(Fields fields, String name) {
        return fields.has(name) && "true".equals(fields.json(name).text());
    }

    /** A durable run that waits for an approval has no end yet. */
    @Override
    public void ended(List<ChatEvent> out) {
        if (over) {
            return;
        }
        if (mode == Mode.CLASSIC || !brackets.started() || error != null
                || decided != null && brackets.waiting().contains(decided)) {
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
            end(error == null
                    ? Ended.failed(
                            Failure.of(Failure.Code.UPSTREAM_CUT, "Inkeep's answer broke off; what came before is kept."))
                    : failed(), out);
        }
    }

    private Ended failed() {
        return Ended.failed(Failure.of(Failure.Code.UPSTREAM_ERROR,
                error == null ? "Inkeep ended its answer without completing it; what came before is kept."
                        : "Inkeep could not answer: " + Refusals.shortened(error)));
    }

    private void end(Ended ended, List<ChatEvent> out) {
        over = true;
        out.add(ended);
    }
}
