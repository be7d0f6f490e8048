package io.chatrelay.inkeep;

import java.util.List;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Failure;

/**
 * Decodes a {@code chat.completion} in one piece, as sent by an Inkeep that does not stream. It is read as one chunk of a stream that then
 * ends; a {@code finish_reason} of {@code error} is a failure inside a 200.
 */
final class WholeAnswer {

    private static final ObjectMapper JSON = new ObjectMapper(BoundedJson.FACTORY);

    private WholeAnswer() {}

    static void decode(String body, List<ChatEvent> out) {
        CloudDecoder decoder = new CloudDecoder();
        if (isCompletion(body)) {
            decoder.decode(null, body, out);
            decoder.decode(null, "[DONE]", out);
        } else {
            String said = ErrorResponses.said(body);
            out.add(Ended.failed(Failure.of(Failure.Code.UPSTREAM_PROTOCOL,
                    "The {upstream} answered with something that is neither a stream nor a completion"
                            + (said.isEmpty() ? "." : ": " + ErrorResponses.shortened(said)))));
        }
    }

    private static boolean isCompletion(String body) {
        try {
            JsonNode answer = JSON.readTree(body);
            return answer.path("object").asText().equals("chat.completion") && answer.path("choices").path(0).has("message");
        } catch (JsonProcessingException e) {
            return false;
        }
    }
}
