package io.chatrelay.api.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.List;
import java.util.UUID;

import org.junit.jupiter.api.Test;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.approval.ApprovalView;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Started;
import io.chatrelay.event.ChatEvent.StepStarted;
import io.chatrelay.event.ChatEvent.TextDelta;
import io.chatrelay.event.ChatEvent.TextEnded;
import io.chatrelay.event.ChatEvent.TextStarted;
import io.chatrelay.event.ChatEvent.ToolSucceeded;
import io.chatrelay.event.RawJson;
import io.chatrelay.event.Transcript;
import io.chatrelay.support.CallEvents;

class CompletionTest {

    private static final Instant ASKED = Instant.parse("2026-11-22T16:00:00Z");

    private static ApprovalView open(String call, String input) {
        return new ApprovalView(UUID.fromString("01920000-0000-7000-8000-000000000009"), "c", Frame.TURN.id(), call,
                "aitxt-" + call, "delete_file", new RawJson(input), "ab12", "pending", ASKED, ASKED.plusSeconds(225), null,
                null, null, null, List.of());
    }

    private static JsonNode waiting(List<ApprovalView> open, ChatEvent... events) {
        Transcript transcript = new Transcript();
        List.of(events).forEach(transcript::apply);
        return new Frame(null, Completion.waiting(Frame.TURN, transcript, open)).json();
    }

    @Test
    void aTurnThatWaitsIsACompletionWhoseCallsAreThoseThatWait() {
        JsonNode waiting = waiting(List.of(open("c2", "{\"path\": 15}")), new Started("m"), new StepStarted(),
                new TextStarted("t"), new TextDelta("t", "Let me \"see\"."), new TextEnded("t"),
                CallEvents.called("c1", "get_time", new RawJson("{}"), 0),
                CallEvents.called("c2", "delete_file", new RawJson("{\"path\": 15}"), 1),
                CallEvents.asked("aitxt-c2", "c2"), new ToolSucceeded("c1", new RawJson("1")));

        assertThat(waiting.path("object").asText()).isEqualTo("chat.completion");
        JsonNode choice = waiting.at("/choices/0");
        assertThat(choice.path("finish_reason").asText()).isEqualTo("tool_calls");
        assertThat(choice.at("/message/content").asText()).isEqualTo("Let me \"see\".");
        assertThat(choice.at("/message/tool_calls").toString()).isEqualTo("""
                [{"id":"c2","type":"function","function":{"name":"delete_file","arguments":"{\\"path\\": 15}"}}]""");
        assertThat(waiting.at("/usage/total_tokens").asInt(-1)).isZero();
        assertThat(waiting.at("/chat_relay/conversationId").asText()).isEqualTo("chat \"1\"");
        assertThat(waiting.at("/chat_relay/turnId").asText()).isEqualTo(Frame.TURN.id().toString());
        assertThat(waiting.at("/chat_relay/state").asText()).isEqualTo("awaiting_approval");
        assertThat(waiting.at("/chat_relay/stream").asText()).startsWith("/run/v1/conversations/").endsWith("/stream");
        assertThat(waiting.at("/chat_relay/approvals")).singleElement().asString().isEqualTo("""
                {"id":"01920000-0000-7000-8000-000000000009","toolCallId":"c2","approvalId":"aitxt-c2",\
                "toolName":"delete_file","input":{"path":15},"inputDigest":"ab12","state":"pending",\
                "askedAt":"2026-11-22T16:00:00Z","expiresAt":"2026-11-22T16:03:45Z"}""");
    }

    @Test
    void withoutATextItsContentIsNull() {
        JsonNode waiting = waiting(List.of(open("c", "{}")), new Started("m"), new StepStarted(),
                CallEvents.called("c", "delete_file", new RawJson("{}"), 0), CallEvents.asked("aitxt-c", "c"));

        assertThat(waiting.at("/choices/0/message/content").isNull()).isTrue();
    }
}
