package io.chatrelay.upstream;

import java.util.List;
import java.util.Map;
import java.util.UUID;

import org.jspecify.annotations.Nullable;

import io.chatrelay.event.Part;
import io.chatrelay.event.RawJson;
import io.chatrelay.event.Role;
import io.chatrelay.event.Turn;
import io.smallrye.mutiny.Uni;

/**
 * The request of a turn to an upstream.
 *
 * @param turn       the turn to which the answer belongs
 * @param messageId  this service's id of the new message: an upstream that already knows it has accepted the message
 * @param asked      the new messages, in order
 * @param history    the earlier messages that fit into the configured budget, for an upstream without memory
 * @param parameters request fields by name, as received
 * @param headers    HTTP headers of the caller's request by lower-case name; an upstream forwards those that its list allows
 * @param earlier    subscribed to only if the turn's run must be distinguished from earlier runs
 */
public record UpstreamRequest(Turn turn, UUID messageId, List<ChatMessage> asked, List<ChatMessage> history,
        Map<String, RawJson> parameters,
        Map<String, String> headers, Uni<EarlierRuns> earlier) {

    /**
     * A message as it is sent to an upstream.
     *
     * @param name of the speaker among several, or null. Source: {@code name} of OpenAI's messages
     */
    public record ChatMessage(Role role, List<Part> parts, @Nullable String name) {

        public ChatMessage(Role role, List<Part> parts) {
            this(role, parts, null);
        }
    }
}
