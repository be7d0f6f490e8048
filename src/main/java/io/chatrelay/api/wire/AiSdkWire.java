package io.chatrelay.api.wire;

import java.util.Map;

import io.chatrelay.chat.ChatEvent;
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
import io.chatrelay.chat.JsonText;
import io.chatrelay.chat.Outcome;
import io.chatrelay.chat.Turn;

/**
 * The AI SDK's UI message stream, as {@code useChat} reads it. Source: {@code uiMessageChunkSchema} of AI SDK 6, which refuses
 * unknown parts in every version and extra members on known ones in early versions.
 *
 * <p>After anything but a completed turn there is no {@code finish} and no {@code [DONE]}: a clean end without an error looks
 * like success to the SDK, so a failed turn ends with an {@code error} part and a cancelled one with {@code abort}.
 */
public final class AiSdkWire implements Wire {

    /** Inkeep's own header beside the SDK's. */
    private static final Map<String, String> HEADERS = Map.of("x-vercel-ai-ui-message-stream", "v1", "x-vercel-ai-data-stream",
            "v2");

    private final Turn turn;

    public AiSdkWire(Turn turn) {
        this.turn = turn;
    }

    @Override
    public Map<String, String> headers() {
        return HEADERS;
    }

    @Override
    public void render(long number, ChatEvent event, JsonText out) {
        Wire.open(number, out);
        switch (event) {
            case Started _ -> type(out, "start").ascii(",\"messageId\":\"").ascii(turn.messageId().toString())
                    .ascii("\",\"messageMetadata\":{\"conversationId\":").string(turn.conversationId()).ascii(",\"turnId\":\"")
                    .ascii(turn.id().toString()).ascii("\"}");
            case StepStarted() -> type(out, "start-step");
            case StepFinished() -> type(out, "finish-step");
            case TextStarted(var id) -> text(out, "text-start", id);
            case TextDelta(var id, var delta) -> text(out, "text-delta", id).ascii(",\"delta\":").string(delta);
            case TextEnded(var id) -> text(out, "text-end", id);
            case ToolInputStarted(var id, var name) -> call(out, "tool-input-start", id).ascii(",\"toolName\":").string(name);
            case ToolInputDelta(var id, var delta) ->
                    call(out, "tool-input-delta", id).ascii(",\"inputTextDelta\":").string(delta);
            case ToolCalled(var id, var name, var input, _) -> call(out, "tool-input-available", id).ascii(",\"toolName\":")
                    .string(name).ascii(",\"input\":").raw(input);
            case ApprovalRequested(var id, var callId) -> call(out, "tool-approval-request", callId).ascii(",\"approvalId\":")
                    .string(id);
            case ToolSucceeded(var id, var output) -> call(out, "tool-output-available", id).ascii(",\"output\":").raw(output);
            case ToolFailed(var id, var error) -> call(out, "tool-output-error", id).ascii(",\"errorText\":").string(error);
            case ToolDenied(var id) -> call(out, "tool-output-denied", id);
            case Data(var type, var id, var data) -> {
                out.ascii("{\"type\":").string(type);
                if (id != null) {
                    out.ascii(",\"id\":").string(id);
                }
                out.ascii(",\"data\":").raw(data);
            }
            case Ended ended -> end(out, ended);
        }
        out.ascii('}');
        Wire.close(out);
        if (event instanceof Ended ended && ended.outcome() == Outcome.COMPLETED) {
            out.ascii("data: [DONE]\n\n");
        }
    }

    private static void end(JsonText out, Ended ended) {
        switch (ended.outcome()) {
            case COMPLETED ->
                    type(out, "finish").ascii(",\"finishReason\":\"").ascii(ended.finishReason().wireName()).ascii('"');
            case FAILED, INTERRUPTED -> type(out, "error").ascii(",\"errorText\":").string(ended.failure().message());
            case CANCELLED -> type(out, "abort");
        }
    }

    private static JsonText type(JsonText out, String type) {
        return out.ascii("{\"type\":\"").ascii(type).ascii('"');
    }

    private static JsonText text(JsonText out, String type, String id) {
        return type(out, type).ascii(",\"id\":").string(id);
    }

    private static JsonText call(JsonText out, String type, String callId) {
        return type(out, type).ascii(",\"toolCallId\":").string(callId);
    }
}
