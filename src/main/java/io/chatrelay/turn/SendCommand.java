package io.chatrelay.turn;

import java.util.List;
import java.util.Map;

import io.chatrelay.event.OnRunning;
import io.chatrelay.event.RawJson;
import io.chatrelay.event.Scope;
import io.chatrelay.upstream.UpstreamRequest;

/**
 * A message for a conversation, as received from a caller.
 *
 * @param scope          the conversations that the caller may continue; a new one is of its tenant
 * @param caller         the caller that sends the command
 * @param conversationId the caller's id, or null if this service creates it
 * @param model          the model that the caller requests, or null
 * @param messageId      the caller's id of the new message, or null. The id of a known message edits that message, or requests a new answer to it
 * @param asked          the new messages, at least one
 * @param askedAt        the position of the first of them in the request
 * @param before         the earlier messages in the request; they count if the conversation is new
 * @param beforeAt       their positions in the request
 * @param parameters     request fields for the upstream, by name
 * @param headers        the request's HTTP headers, by lower-case name
 * @param endUser        the end user for whom the caller acts, or null
 * @param idempotencyKey or null
 * @param maybeRepeated  whether the client automatically retries requests without a key, so that equal commands count as one
 * @param repeated       whether the client marks this request as such a retry
 * @param onRunning      what happens to it while a turn of the conversation runs
 * @param replacesSame   whether that turn is cancelled even if the same message began it
 */
public record SendCommand(Scope scope, String caller, String conversationId, String model, String messageId,
        List<UpstreamRequest.ChatMessage> asked, int askedAt, List<UpstreamRequest.ChatMessage> before, List<Integer> beforeAt,
        Map<String, RawJson> parameters,
        Map<String, String> headers,
        String endUser, String idempotencyKey, boolean maybeRepeated, boolean repeated,
        OnRunning onRunning, boolean replacesSame) {

    /** The tenant of the conversation. */
    public String tenant() {
        return scope.tenant();
    }
}
