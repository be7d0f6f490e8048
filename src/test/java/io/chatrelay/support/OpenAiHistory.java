package io.chatrelay.support;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;

import com.fasterxml.jackson.databind.JsonNode;

/** What OpenAI's protocol requires of the calls in a request's messages. */
public final class OpenAiHistory {

    private OpenAiHistory() {}

    /** Each call is directly followed by its one result, and has an id that no other call has. */
    public static void assertPaired(JsonNode messages) {
        Set<String> ids = new HashSet<>();
        Set<String> open = new HashSet<>();
        for (JsonNode message : messages) {
            if (message.path("role").asText().equals("tool")) {
                assertThat(open.remove(message.path("tool_call_id").asText())).as("its call is right before: %s", messages)
                        .isTrue();
                assertThat(message.path("content").isTextual()).isTrue();
                continue;
            }
            assertThat(open).as("calls without a result: %s", messages).isEmpty();
            message.path("tool_calls").forEach(call -> {
                assertThat(ids.add(call.path("id").asText())).as("an id of its own: %s", messages).isTrue();
                open.add(call.path("id").asText());
            });
        }
        assertThat(open).as("calls without a result: %s", messages).isEmpty();
    }
}
