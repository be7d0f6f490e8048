package io.chatrelay.inkeep;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

import io.chatrelay.event.Part;
import io.chatrelay.event.Role;
import io.chatrelay.upstream.UpstreamRequest.ChatMessage;

/**
 * Finds the one result of each call of a conversation. OpenAI's protocol requires the result directly after the call, and ids that are unique
 * in the request; the stored messages are what callers sent, whenever they sent it.
 *
 * <p>A result belongs to the newest earlier message that made a call with its id, and there to the first call without a result. If one call has
 * two results, the later one counts, because it is the caller's current value. A result without a call is not sent.
 */
final class ToolResultPairing {

    /**
     * A call as it is sent.
     *
     * @param id     unique in the request: the call's own id, unless an earlier call has it
     * @param result null if there is none
     */
    record Paired(String id, Part.ToolCall call, String result) {}

    private static final class Tracked {
        final int message;
        final Part.ToolCall call;
        String result;

        Tracked(int message, Part.ToolCall call) {
            this.message = message;
            this.call = call;
            this.result = call.output() == null ? null : call.output().asText();
        }
    }

    private final List<Tracked> calls = new ArrayList<>();

    private ToolResultPairing() {}

    /** The calls of the assistant's messages, in their order. */
    static List<Paired> of(List<ChatMessage> conversation) {
        ToolResultPairing pairs = new ToolResultPairing();
        for (int i = 0; i < conversation.size(); i++) {
            pairs.take(i, conversation.get(i));
        }
        return pairs.paired();
    }

    private void take(int message, ChatMessage said) {
        for (Part part : said.parts()) {
            if (part instanceof Part.ToolCall call && said.role() == Role.ASSISTANT) {
                calls.add(new Tracked(message, call));
            } else if (part instanceof Part.ToolResult(var callId, var content)) {
                answered(callId, content);
            }
        }
    }

    private void answered(String callId, String content) {
        List<Tracked> ofId = calls.stream().filter(call -> call.call.callId().equals(callId)).toList();
        if (!ofId.isEmpty()) {
            int newest = ofId.getLast().message;
            ofId.stream().filter(call -> call.message == newest && call.result == null).findFirst()
                    .orElse(ofId.getLast()).result = content;
        }
    }

    private List<Paired> paired() {
        Set<String> taken = new HashSet<>();
        List<Paired> paired = new ArrayList<>();
        for (Tracked call : calls) {
            // A call that is not sent uses no id.
            String id = call.result == null ? null : unique(call.call.callId(), taken);
            paired.add(new Paired(id, call.call, call.result));
        }
        return paired;
    }

    private static String unique(String callId, Set<String> taken) {
        String base = callId.isBlank() ? "call" : callId;
        String id = base;
        for (int n = 2; !taken.add(id); n++) {
            id = base + "~" + n;
        }
        return id;
    }
}
