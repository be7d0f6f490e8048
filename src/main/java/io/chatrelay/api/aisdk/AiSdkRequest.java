package io.chatrelay.api.aisdk;

import jakarta.ws.rs.core.HttpHeaders;

import io.chatrelay.access.Caller;
import io.chatrelay.api.ChatRequest;
import io.chatrelay.api.ConversationHeader;
import io.chatrelay.api.JsonBody;
import io.chatrelay.api.Parameters;

/**
 * Reads a message in the format of {@code useChat}. Source: {@code POST /run/api/chat} of Inkeep's run API, and the AI SDK's
 * {@code DefaultChatTransport}, whose apps add their own fields.
 */
final class AiSdkRequest {

    private AiSdkRequest() {}

    static ChatRequest read(JsonBody body, HttpHeaders http, Caller caller) {
        String id = body.id("id");
        String conversation = body.id("conversationId");
        if (body.has("executionMode")) {
            throw body.wrong("executionMode", "is configured for each upstream, and cannot be chosen by a request");
        }
        body.text("messageId");
        body.text("trigger");
        String named = ConversationHeader.or(conversation == null ? "id" : "conversationId",
                conversation == null ? id : conversation,
                http);
        return ChatRequest.of(body, http, caller, named, Parameters.of(body));
    }
}
