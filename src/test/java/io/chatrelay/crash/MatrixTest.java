package io.chatrelay.crash;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.chatrelay.support.sse.SseEvent;

/** What the crash test takes for a stream that every kind of reader can read. */
class MatrixTest {

    private static final List<SseEvent> TWO = List.of(new SseEvent("1.1", "{\"a\":\"x\"}"), new SseEvent("", "[DONE]"));
    private static final String FIRST = "id: 1.1\ndata: {\"a\":\"x\"}\n\n";
    private static final String LAST = "data: [DONE]\n\n";

    private static String wrong(String body) {
        return Matrix.wrong(body.getBytes(UTF_8), TWO);
    }

    @Test
    void framesWithCommentsOfOneLineBetweenThemAreRight() {
        assertThat(wrong(": turn 1\n: keep-alive\n" + FIRST + ": keep-alive\n: keep-alive\n" + LAST)).isNull();
    }

    @Test
    void whatHasNotComeWholeIsNotLookedAt() {
        assertThat(wrong(FIRST + LAST + "id: 1.2\ndata: {\"b\":")).isNull();
        assertThat(wrong(FIRST + LAST + "retry: 20\n")).isNull();
        assertThat(Matrix.wrong(new byte[0], List.of())).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = { ": keep-alive\n\n", "retry: 20\n\n", "id: 1.2\n\n", "event: x\ndata\n\n", "\n" })
    void whatSomeReaderTakesForAnEventIsWrong(String between) {
        assertThat(wrong(FIRST + between + LAST)).contains("a reader of the kind");
    }

    @Test
    void anEventThatTheCallerDidNotSeeIsWrong() {
        assertThat(wrong(FIRST + FIRST + LAST)).contains("a reader of the kind SPEC");
        assertThat(wrong(FIRST)).contains("a reader of the kind SPEC");
    }

    @Test
    void halfACharacterIsWrong() {
        String half = "{\"a\":[\"\\ud83e\"]}";
        assertThat(Matrix.wrong(("id: 1.1\ndata: " + half + "\n\n").getBytes(UTF_8), List.of(new SseEvent("1.1", half))))
                .contains("no valid Unicode");
        assertThat(Matrix.wrong("data: \u00e9\n\n".getBytes(StandardCharsets.ISO_8859_1), List.of())).contains("no UTF-8");
    }
}
