package io.chatrelay.api.wire;

import io.chatrelay.chat.ChatEvent.ApprovalRequested;
import io.chatrelay.chat.ChatEvent.Data;
import io.chatrelay.chat.ChatEvent.ToolDenied;
import io.chatrelay.chat.ChatEvent.ToolFailed;
import io.chatrelay.chat.ChatEvent.ToolSucceeded;
import io.chatrelay.chat.JsonText;

/**
 * Parts that both wires show alike: as a frame of the AI SDK's stream, or beside OpenAI's {@code choices}. Each is an object whose
 * closing brace is the caller's to write.
 */
final class UiPart {

    private UiPart() {}

    static JsonText type(JsonText out, String type) {
        return out.ascii("{\"type\":\"").ascii(type).ascii('"');
    }

    /** A part of a tool call. */
    static JsonText call(JsonText out, String type, String callId) {
        return type(out, type).ascii(",\"toolCallId\":").string(callId);
    }

    static void write(JsonText out, ApprovalRequested asked) {
        call(out, "tool-approval-request", asked.callId()).ascii(",\"approvalId\":").string(asked.approvalId());
    }

    static void write(JsonText out, ToolSucceeded outcome) {
        call(out, "tool-output-available", outcome.callId()).ascii(",\"output\":").raw(outcome.output());
    }

    static void write(JsonText out, ToolFailed outcome) {
        call(out, "tool-output-error", outcome.callId()).ascii(",\"errorText\":").string(outcome.errorText());
    }

    static void write(JsonText out, ToolDenied outcome) {
        call(out, "tool-output-denied", outcome.callId());
    }

    static void write(JsonText out, Data data) {
        out.ascii("{\"type\":").string(data.type());
        if (data.id() != null) {
            out.ascii(",\"id\":").string(data.id());
        }
        out.ascii(",\"data\":").raw(data.data());
    }
}
