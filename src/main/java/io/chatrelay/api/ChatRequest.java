package io.chatrelay.api;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

import jakarta.ws.rs.core.HttpHeaders;

import io.chatrelay.access.Caller;
import io.chatrelay.event.RawJson;
import io.chatrelay.event.Role;
import io.chatrelay.turn.SendCommand;
import io.chatrelay.upstream.UpstreamRequest.ChatMessage;
import io.quarkiverse.resteasy.problem.HttpProblem;

/**
 * A validated request: the command, and the form of the answer.
 *
 * @param stream       null if the body does not state it
 * @param includeUsage {@code stream_options.include_usage}
 * @param leavingStops whether the turn is cancelled when its caller disconnects
 */
public record ChatRequest(SendCommand command, Boolean stream, boolean includeUsage, boolean leavingStops) {

    private static final String ANSWERS = ". Approvals are answered at /run/api/chat by an assistant's message, the last one, with parts"
            + " in the state approval-responded; or at /run/api/tool-approvals";
    private static final int LONGEST_KEY = 255;
    private static final String RETRY_COUNT = "x-stainless-retry-count";

    /** Known in addition to {@link Parameters}: the fields that this service itself uses. */
    static final Set<String> OWN = Set.of("messages", "model", "stream", "conversationId", "onRunning",
            "onDisconnect");

    /**
     * Reads the fields that the requests of all protocols have in common.
     *
     * @param conversation the conversation that the request names, or null
     * @param parameters   request fields that are passed to the upstream, by name
     * @throws HttpProblem with the name of the invalid field
     */
    public static ChatRequest of(JsonBody body, HttpHeaders http, Caller caller, String conversation,
            Map<String, RawJson> parameters) {
        if (!body.has("messages")) {
            throw body.wrong("messages", "is required");
        }
        List<JsonBody> messages = body.objects("messages");
        if (messages.isEmpty()) {
            throw body.wrong("messages", "is empty");
        }
        List<Role> roles = messages.stream().map(MessageReader::role).toList();
        if (!roles.contains(Role.USER)) {
            throw body.wrong("messages", "holds no user message" + ANSWERS);
        }
        int first = firstAsked(messages, roles);
        List<ChatMessage> before = new ArrayList<>();
        List<Integer> beforeAt = new ArrayList<>();
        for (int i = 0; i < first; i++) {
            ChatMessage said = MessageReader.read(messages.get(i), false);
            if (!said.parts().isEmpty()) {
                before.add(said);
                beforeAt.add(i);
            }
        }
        List<ChatMessage> asked = messages.subList(first, messages.size()).stream()
                .map(message -> MessageReader.read(message, true))
                .toList();
        Boolean stream = body.has("stream") ? Boolean.valueOf(body.flag("stream", true)) : null;
        JsonBody options = body.object("stream_options");
        CancelOptions cancel = CancelOptions.of(body, http, caller);
        String retries = http.getHeaderString(RETRY_COUNT);
        SendCommand command = new SendCommand(EndUsers.scope(caller), caller.name(), conversation, body.name("model"),
                messages.getLast().id("id"), asked, first, before, beforeAt, parameters, headers(http),
                EndUsers.of(body, caller),
                idempotencyKey(http, caller), retries != null, retries != null && !retries.equals("0"),
                cancel.onRunning(), cancel.replacesSame());
        return new ChatRequest(command, stream, options != null && options.flag("include_usage", false),
                cancel.leavingStops());
    }

    /** The question is the user's last message, or the results of the calls that the caller ran, or both. */
    private static int firstAsked(List<JsonBody> messages, List<Role> roles) {
        int last = roles.size() - 1;
        if (roles.get(last) != Role.USER && roles.get(last) != Role.TOOL) {
            throw messages.get(last).wrong("role",
                    "of the last message must be user: only a user's message asks for an answer" + ANSWERS);
        }
        int first = last;
        while (first > 0 && roles.get(first - 1) == Role.TOOL) {
            first--;
        }
        return first;
    }

    /** The keys of two end users never meet, for each of them is a client of its own. */
    private static String idempotencyKey(HttpHeaders http, Caller caller) {
        String key = idempotencyKey(http);
        return key == null || caller.endUser() == null ? key : caller.endUser() + " " + key;
    }

    private static String idempotencyKey(HttpHeaders http) {
        String key = http.getHeaderString("idempotency-key");
        if (key != null && (key.isBlank() || key.length() > LONGEST_KEY || !key.chars().allMatch(c -> c > 0x20 && c < 0x7f))) {
            throw Problems.invalid("Idempotency-Key", "must be 1 to %d visible ASCII characters".formatted(LONGEST_KEY));
        }
        return key;
    }

    private static Map<String, String> headers(HttpHeaders http) {
        Map<String, String> headers = new HashMap<>();
        http.getRequestHeaders().forEach((name, values) -> headers.put(name.toLowerCase(Locale.ROOT), values.getFirst()));
        return headers;
    }
}
