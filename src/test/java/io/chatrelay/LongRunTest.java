package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.quarkus.test.junit.QuarkusTest;

/** A run that works for longer than Inkeep tells it, which is a second here. What becomes of it is told and stored the same. */
@QuarkusTest
class LongRunTest extends ServiceTest {

    private static ObjectNode ask(String text) {
        return Json.ask(text).put("model", "short-lived");
    }

    @ParameterizedTest
    @ValueSource(strings = { CHAT, COMPLETIONS })
    void goesOnWhereInkeepGivesItAgain(String path) {
        String text = "half-mute 1500 " + mark();

        Sse answer = relay().send(path, ask(text).put("stream", true)).toEnd();

        assertThat(answer.done()).isTrue();
        assertThat(answer.answer()).isEqualTo(said(text));
        assertThat(answer.ids()).isSorted().doesNotHaveDuplicates();
        assertThat(turn(answer.turn())).isEqualTo("completed");
        assertThat(Json.text(messages(answer.conversation()).getLast())).isEqualTo(said(text));
    }

    @Test
    void goesOnWhereItIsWantedInOnePiece() {
        String text = "half-mute 1500 " + mark();

        Relay.Answer answer = relay().post(COMPLETIONS, ask(text));

        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        assertThat(answer.json().at("/choices/0/message/content").asText()).isEqualTo(said(text));
    }

    /** With a run that ends soon after, and one that works on for a minute. */
    @ParameterizedTest
    @ValueSource(strings = { "mute 1500", "mute 60000" })
    void failsAndNamesDurableModeWhereInkeepGivesNoMoreOfIt(String keyword) {
        for (Sse begun : List.of(relay().send(CHAT, ask(keyword)),
                relay().send(COMPLETIONS, ask(keyword).put("stream", true)))) {
            Sse answer = begun.toEnd();

            assertThat(answer.done()).as("a failure never looks like success").isFalse();
            assertThat(answer.types()).doesNotContain("finish");
            assertThat(answer.text()).doesNotContain("\"finish_reason\":\"");
            assertThat(answer.error()).contains("after 1 s").contains("execution-mode=durable");
            assertThat(answer.answer()).isEqualTo("Hello from the fake model. I saw");
            assertThat(turn(answer.turn())).isEqualTo("failed upstream_cut");
            assertThat(Json.text(messages(answer.conversation()).getLast())).isEqualTo(answer.answer());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = { CHAT, COMPLETIONS })
    void failsWhereItIsWantedInOnePiece(String path) {
        Relay.Answer answer = relay().post(path, ask("mute 60000").put("stream", false));

        assertError(path, answer, 502, "upstream_cut");
        assertThat(answer.json().path("detail").asText()).contains("execution-mode=durable");
    }

    private static String said(String text) {
        return "Hello from the fake model. I saw 1 user message(s); the last was \"" + text + "\".";
    }
}
