package io.chatrelay.api.openai;

import jakarta.ws.rs.core.HttpHeaders;

import io.chatrelay.access.Caller;
import io.chatrelay.api.ChatRequest;
import io.chatrelay.api.ConversationHeader;
import io.chatrelay.api.JsonBody;
import io.chatrelay.api.Parameters;

/**
 * Reads a message in the format of OpenAI's SDKs. Source: OpenAI's {@code POST /v1/chat/completions}, with {@code conversationId},
 * {@code headers} and {@code runConfig} of Inkeep's run API.
 */
final class OpenAiRequest {

    private OpenAiRequest() {}

    static ChatRequest read(JsonBody body, HttpHeaders http, Caller caller) {
        return ChatRequest.of(body, http, caller, ConversationHeader.or("conversationId", body.id("conversationId"), http),
                Parameters.ofCompletion(body));
    }
}
