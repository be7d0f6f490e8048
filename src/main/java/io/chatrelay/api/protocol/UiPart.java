package io.chatrelay.api.protocol;

import io.chatrelay.event.ChatEvent.ApprovalRequested;
import io.chatrelay.event.ChatEvent.Data;
import io.chatrelay.event.ChatEvent.SidePart;
import io.chatrelay.event.ChatEvent.ToolCalled;
import io.chatrelay.event.ChatEvent.ToolDenied;
import io.chatrelay.event.ChatEvent.ToolFailed;
import io.chatrelay.event.ChatEvent.ToolInputFailed;
import io.chatrelay.event.ChatEvent.ToolSucceeded;
import io.chatrelay.event.JsonWriter;

/**
 * Parts that are the same in both protocols: a frame of the AI SDK's stream, or an object beside OpenAI's {@code choices}. The caller of
 * each method writes the closing brace of the object.
 */
public final class UiPart {

    private UiPart() {}

    public static JsonWriter type(JsonWriter out, String type) {
        return out.ascii("{\"type\":\"").ascii(type).ascii('"');
    }

    /** A part that has the same shape in every protocol. */
    public static void write(JsonWriter out, SidePart part) {
        switch (part) {
            case ToolCalled called -> one(out, called);
            case ToolInputFailed failed -> one(out, failed);
            case ApprovalRequested asked -> one(out, asked);
            case ToolSucceeded outcome -> one(out, outcome);
            case ToolFailed outcome -> one(out, outcome);
            case ToolDenied outcome -> one(out, outcome);
            case Data data -> one(out, data);
        }
    }

    /** A part of a tool call. */
    public static JsonWriter call(JsonWriter out, String type, String callId) {
        return type(out, type).ascii(",\"toolCallId\":").string(callId);
    }

    private static void one(JsonWriter out, ToolCalled called) {
        call(out, "tool-input-available", called.callId()).ascii(",\"toolName\":").string(called.toolName())
                .ascii(",\"input\":").raw(called.input());
    }

    private static void one(JsonWriter out, ToolInputFailed failed) {
        call(out, "tool-input-error", failed.callId()).ascii(",\"toolName\":").string(failed.toolName())
                .ascii(",\"input\":").raw(failed.input()).ascii(",\"errorText\":").string(failed.errorText());
    }

    private static void one(JsonWriter out, ApprovalRequested asked) {
        call(out, "tool-approval-request", asked.callId()).ascii(",\"approvalId\":").string(asked.approvalId());
    }

    private static void one(JsonWriter out, ToolSucceeded outcome) {
        call(out, "tool-output-available", outcome.callId()).ascii(",\"output\":").raw(outcome.output());
    }

    private static void one(JsonWriter out, ToolFailed outcome) {
        call(out, "tool-output-error", outcome.callId()).ascii(",\"errorText\":").string(outcome.errorText());
    }

    private static void one(JsonWriter out, ToolDenied outcome) {
        call(out, "tool-output-denied", outcome.callId());
    }

    private static void one(JsonWriter out, Data data) {
        out.ascii("{\"type\":").string(data.type());
        if (data.id() != null) {
            out.ascii(",\"id\":").string(data.id());
        }
        out.ascii(",\"data\":").raw(data.data());
        if (data.isTransient()) {
            out.ascii(",\"transient\":true");
        }
    }
}
