package io.chatrelay.turn;

import java.util.List;
import java.util.Map;

import io.chatrelay.event.RawJson;
import io.chatrelay.upstream.UpstreamRequest;

/**
 * A message for a conversation, as it came from a caller.
 *
 * @param tenant         whose conversation it is
 * @param caller         who asks
 * @param conversationId the caller's id, or null for one of ours
 * @param model          what the caller asked for, or null
 * @param messageId      the caller's id of the new message, or null; one that the conversation knows edits that message, or
 *                       asks for its answer anew
 * @param asked          the new messages, at least one
 * @param askedAt        the place of the first of them in the request
 * @param before         what the request says was said before; it counts where the conversation is new
 * @param beforeAt       their places in the request
 * @param parameters     request fields that go up, by name
 * @param headers        the request's HTTP headers, by lower-case name
 * @param endUser        whom the caller speaks for, or null
 * @param idempotencyKey or null
 * @param maybeRepeated  whether the client repeats requests by itself without a key, so that equal commands are one
 * @param repeated       whether it says that this is such a repeat
 * @param replacesRunning whether a turn that runs in the conversation is stopped for it
 * @param replacesSame whether it is stopped also where the same message began it
 */
public record SendCommand(String tenant, String caller, String conversationId, String model, String messageId,
        List<UpstreamRequest.ChatMessage> asked, int askedAt, List<UpstreamRequest.ChatMessage> before, List<Integer> beforeAt,
        Map<String, RawJson> parameters,
        Map<String, String> headers,
        String endUser, String idempotencyKey, boolean maybeRepeated, boolean repeated,
        boolean replacesRunning, boolean replacesSame) {}
