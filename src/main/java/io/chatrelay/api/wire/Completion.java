package io.chatrelay.api.wire;

import io.chatrelay.chat.ChatEvent;
import io.chatrelay.chat.FinishReason;
import io.chatrelay.chat.JsonText;
import io.chatrelay.chat.Transcript;
import io.chatrelay.chat.Turn;
import io.chatrelay.chat.Usage;

/** A turn's answer in one piece: OpenAI's {@code chat.completion}, which is also what Inkeep gives a caller that does not stream. */
public final class Completion {

    private Completion() {}

    /** The completed turn as JSON. */
    public static String of(Turn turn, Transcript transcript) {
        ChatEvent.Ended ended = transcript.ended();
        JsonText out = new JsonText(512).ascii("{\"id\":\"chatcmpl-").ascii(turn.id().toString())
                .ascii("\",\"object\":\"chat.completion\",\"created\":").number(turn.startedAt().getEpochSecond())
                .ascii(",\"model\":").string(turn.model())
                .ascii(",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":").string(transcript.text())
                .ascii(",\"refusal\":null");
        calls(out, transcript);
        out.ascii("},\"logprobs\":null,\"finish_reason\":\"").ascii(finishReason(ended.finishReason()))
                .ascii("\"}],\"usage\":");
        // Without a count from the upstream the members that clients require are there, as Inkeep itself does it.
        usage(out, ended.usage() == null ? new Usage(0, 0, 0) : ended.usage());
        out.ascii(",\"chat_relay\":{\"conversationId\":").string(turn.conversationId()).ascii(",\"turnId\":\"")
                .ascii(turn.id().toString()).ascii('"');
        data(out, transcript);
        return out.ascii("}}").toString();
    }

    private static void calls(JsonText out, Transcript transcript) {
        if (transcript.calls().isEmpty()) {
            return;
        }
        String separator = ",\"tool_calls\":[";
        for (Transcript.Call call : transcript.calls()) {
            out.ascii(separator).ascii("{\"id\":").string(call.callId()).ascii(",\"type\":\"function\",\"function\":{\"name\":")
                    .string(call.toolName()).ascii(",\"arguments\":").string(call.input().text()).ascii("}}");
            separator = ",";
        }
        out.ascii(']');
    }

    private static void data(JsonText out, Transcript transcript) {
        if (transcript.data().isEmpty()) {
            return;
        }
        String separator = ",\"parts\":[";
        for (ChatEvent.Data data : transcript.data()) {
            UiPart.write(out.ascii(separator), data);
            out.ascii('}');
            separator = ",";
        }
        out.ascii(']');
    }

    static void usage(JsonText out, Usage usage) {
        out.ascii("{\"prompt_tokens\":").number(usage.promptTokens()).ascii(",\"completion_tokens\":")
                .number(usage.completionTokens()).ascii(",\"total_tokens\":").number(usage.totalTokens()).ascii('}');
    }

    /** OpenAI's word for a reason; where it has none, the one that says that nothing went wrong. */
    static String finishReason(FinishReason reason) {
        return switch (reason) {
            case STOP, OTHER, ERROR -> "stop";
            case LENGTH -> "length";
            case CONTENT_FILTER -> "content_filter";
            case TOOL_CALLS -> "tool_calls";
        };
    }
}
