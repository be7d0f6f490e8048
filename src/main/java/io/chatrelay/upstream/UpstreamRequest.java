package io.chatrelay.upstream;

import java.util.List;
import java.util.Map;
import java.util.UUID;

import io.chatrelay.event.Part;
import io.chatrelay.event.RawJson;
import io.chatrelay.event.Role;
import io.chatrelay.event.Turn;
import io.smallrye.mutiny.Uni;

/**
 * What an upstream is asked.
 *
 * @param turn       whose answer it will be
 * @param messageId  our id of the new message: an upstream that knows it already has accepted it
 * @param asked      the new messages, in order
 * @param history    what was said before and fits into the configured budget, for an upstream without memory
 * @param parameters request fields by name, as they came
 * @param headers    HTTP headers of the caller's request by lower-case name; an upstream passes on what its list allows
 * @param earlier    asked only where the turn's run has to be told from those before it
 */
public record UpstreamRequest(Turn turn, UUID messageId, List<ChatMessage> asked, List<ChatMessage> history,
        Map<String, RawJson> parameters,
        Map<String, String> headers, Uni<EarlierRuns> earlier) {

    /**
     * A message as an upstream is told it.
     *
     * @param name who of several speaks, or null. Source: {@code name} of OpenAI's messages
     */
    public record ChatMessage(Role role, List<Part> parts, String name) {

        public ChatMessage(Role role, List<Part> parts) {
            this(role, parts, null);
        }
    }
}
