package io.chatrelay.api.protocol;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

import io.chatrelay.approval.ApprovalView;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.SidePart;
import io.chatrelay.event.ChatEvent.ToolCalled;
import io.chatrelay.event.FinishReason;
import io.chatrelay.event.JsonWriter;
import io.chatrelay.event.Transcript;
import io.chatrelay.event.Turn;
import io.chatrelay.event.Usage;

/** A turn's answer as one JSON: OpenAI's {@code chat.completion}, which the run API also returns to a caller that does not stream. */
public final class Completion {

    private Completion() {}

    /** The completed turn as JSON. */
    public static String of(Turn turn, Transcript transcript) {
        ChatEvent.Ended ended = transcript.ended();
        JsonWriter out = open(turn, transcript.text(), transcript);
        calls(out, transcript.calls().stream().filter(ToolCalled::callerRuns).toList());
        finish(out, turn, ended.finishReason(), ended.usage());
        parts(out, transcript.sideParts());
        return out.ascii("}}").toString();
    }

    /**
     * The partial answer of a turn that waits for approvals: its finish reason is {@code tool_calls}, and its calls are those that wait.
     *
     * @param open the pending approvals, in the order of the requests
     */
    public static String waiting(Turn turn, Transcript transcript, List<ApprovalView> open) {
        Set<String> waiting = open.stream().map(ApprovalView::toolCallId).collect(Collectors.toSet());
        String text = transcript.text();
        JsonWriter out = open(turn, text.isEmpty() ? null : text, transcript);
        calls(out, transcript.calls().stream().filter(call -> waiting.contains(call.callId())).toList());
        finish(out, turn, FinishReason.TOOL_CALLS, null);
        out.ascii(",\"state\":\"awaiting_approval\"");
        String separator = ",\"approvals\":[";
        for (ApprovalView approval : open) {
            approval(out.ascii(separator), approval);
            separator = ",";
        }
        out.ascii("],\"stream\":").string("/run/v1/conversations/" + turn.conversationId() + "/stream");
        parts(out, transcript.sideParts().stream()
                .filter(part -> !(part instanceof ToolCalled called) || !waiting.contains(called.callId())).toList());
        return out.ascii("}}").toString();
    }

    private static JsonWriter open(Turn turn, String content, Transcript transcript) {
        JsonWriter out = new JsonWriter(512).ascii("{\"id\":\"chatcmpl-").ascii(turn.id().toString())
                .ascii("\",\"object\":\"chat.completion\",\"created\":").number(turn.startedAt().getEpochSecond())
                .ascii(",\"model\":").string(turn.model())
                .ascii(",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":").string(content)
                .ascii(",\"refusal\":").string(transcript.refusal());
        String reasoning = transcript.reasoning();
        return reasoning.isEmpty() ? out : out.ascii(",\"reasoning_content\":").string(reasoning);
    }

    private static void finish(JsonWriter out, Turn turn, FinishReason reason, Usage usage) {
        out.ascii("},\"logprobs\":null,\"finish_reason\":\"").ascii(finishReason(reason)).ascii("\"}],\"usage\":");
        // If the upstream gives no count, the members that clients require are 0, as in the run API.
        usage(out, usage == null ? new Usage(0, 0, 0) : usage);
        out.ascii(",\"chat_relay\":{\"conversationId\":").string(turn.conversationId()).ascii(",\"turnId\":\"")
                .ascii(turn.id().toString()).ascii('"');
    }

    /** The approval as in the inbox, without the members that only a decision adds. */
    private static void approval(JsonWriter out, ApprovalView approval) {
        out.ascii("{\"id\":\"").ascii(approval.id().toString()).ascii("\",\"toolCallId\":").string(approval.toolCallId())
                .ascii(",\"approvalId\":").string(approval.approvalId()).ascii(",\"toolName\":").string(approval.toolName())
                .ascii(",\"input\":").raw(approval.input()).ascii(",\"inputDigest\":").string(approval.inputDigest())
                .ascii(",\"state\":").string(approval.state()).ascii(",\"askedAt\":\"").ascii(approval.askedAt().toString())
                .ascii("\",\"expiresAt\":\"").ascii(approval.expiresAt().toString()).ascii("\"}");
    }

    private static void calls(JsonWriter out, List<ToolCalled> calls) {
        if (calls.isEmpty()) {
            return;
        }
        String separator = ",\"tool_calls\":[";
        for (ToolCalled call : calls) {
            out.ascii(separator).ascii("{\"id\":").string(call.callId()).ascii(",\"type\":\"function\",\"function\":{\"name\":")
                    .string(call.toolName()).ascii(",\"arguments\":").string(call.input().text()).ascii("}}");
            separator = ",";
        }
        out.ascii(']');
    }

    private static void parts(JsonWriter out, List<SidePart> parts) {
        if (parts.isEmpty()) {
            return;
        }
        String separator = ",\"parts\":[";
        for (SidePart part : parts) {
            UiPart.write(out.ascii(separator), part);
            out.ascii('}');
            separator = ",";
        }
        out.ascii(']');
    }

    public static void usage(JsonWriter out, Usage usage) {
        if (usage.counted() != null) {
            out.raw(usage.counted());
            return;
        }
        out.ascii("{\"prompt_tokens\":").number(usage.promptTokens()).ascii(",\"completion_tokens\":")
                .number(usage.completionTokens()).ascii(",\"total_tokens\":").number(usage.totalTokens()).ascii('}');
    }

    /** OpenAI's name for a reason; if it has none, {@code stop}, which reports no error. */
    public static String finishReason(FinishReason reason) {
        return switch (reason) {
            case STOP, OTHER, ERROR -> "stop";
            case LENGTH -> "length";
            case CONTENT_FILTER -> "content_filter";
            case TOOL_CALLS -> "tool_calls";
        };
    }
}
