package io.chatrelay.inkeep;

import java.io.IOException;
import java.util.List;

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

    private static final String DONE = "[DONE]";

    private final boolean durable;
    private final Brackets brackets = new Brackets();
    private boolean completion;
    private boolean fatal;
    private String error;
    private boolean over;

    AgentsDecoder(boolean durable) {
        this.durable = durable;
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
            }
        }
        brackets.data(type, f.text("id"), f.has("data") ? f.json("data") : RawJson.NULL, out);
        return true;
    }

    @Override
    public void ended(List<ChatEvent> out) {
        if (over) {
            return;
        }
        if (durable && brackets.started() && error == null) {
            end(brackets.waits()
                    ? Ended.failed(Failure.of(Failure.Code.APPROVAL_UNAVAILABLE,
                            "The run waits for an approval, and this service cannot give it one; what came before is kept."))
                    : Ended.completed(FinishReason.STOP, null), out);
        } else {
            broken(out);
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
