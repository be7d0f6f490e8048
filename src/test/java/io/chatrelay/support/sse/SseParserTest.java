package io.chatrelay.support.sse;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The letter of the HTML standard, which the tests of the service rely on. */
class SseParserTest {

    private final List<String> comments = new ArrayList<>();
    private final SseParser parser = new SseParser(comments::add);

    private List<SseEvent> feed(String text) {
        List<SseEvent> events = new ArrayList<>();
        for (byte next : text.getBytes(UTF_8)) {
            SseEvent event = parser.take(next);
            if (event != null) {
                events.add(event);
            }
        }
        return events;
    }

    private List<String> dataOf(String text) {
        return feed(text).stream().map(SseEvent::data).toList();
    }

    @ParameterizedTest
    @ValueSource(strings = { "\n", "\r", "\r\n" })
    void aLineEndsInEachWayOfTheStandard(String end) {
        assertThat(dataOf("data: a" + end + "data: b" + end + end + "data: c" + end + end)).containsExactly("a\nb", "c");
    }

    @ParameterizedTest
    @CsvSource(ignoreLeadingAndTrailingWhitespace = false,
            value = { "data:a,a", "data: a,a", "data:  a, a", "data: a ,a ", "data:a:b,a:b",
                    "data,''", "data:,''" })
    void oneSpaceAfterTheColonIsNoPartOfAValue(String line, String data) {
        assertThat(dataOf(line + "\n\n")).containsExactly(data);
    }

    @ParameterizedTest
    @ValueSource(strings = { "\n\n", ": a\n\n", "id: 1\n\n", "event: x\n\n", "retry: 1\n\n", " data: a\n\n", "Data: a\n\n",
            "data: a\n" })
    void withoutWholeDataThereIsNoEvent(String text) {
        assertThat(feed(text)).isEmpty();
    }

    @Test
    void anEventHasTheIdThatStandsInItAndTheLastOneIsKept() {
        assertThat(feed("id: 1.1\ndata: a\n\ndata: b\n\nid: 1.2\n\n")).containsExactly(new SseEvent("1.1", "a"),
                new SseEvent("", "b"));
        assertThat(parser.lastId()).isEqualTo("1.2");

        feed("id: 1.3\ndata: half of an event\n");
        assertThat(parser.lastId()).isEqualTo("1.2");
    }

    @Test
    void anIdWithANullCharacterIsPassedOver() {
        assertThat(feed("id: 1\nid: 2\0\ndata: a\n\n")).containsExactly(new SseEvent("1", "a"));
    }

    @Test
    void anEventHasANameForItselfAlone() {
        assertThat(feed("event: x\ndata: a\n\ndata: b\n\n")).extracting(SseEvent::name).containsExactly("x", "message");
    }

    @Test
    void onlyDigitsAreAPause() {
        feed("retry: 20\nretry: 3s\nretry: -1\nretry:\n");

        assertThat(parser.retry()).contains(Duration.ofMillis(20));
    }

    @Test
    void commentsAreTold() {
        assertThat(feed(": keep-alive\n:\n::x\n\n")).isEmpty();
        assertThat(comments).containsExactly("keep-alive", "", ":x");
    }

    @Test
    void aByteOrderMarkIsPassedOverAtTheBeginningAlone() {
        assertThat(dataOf("\uFEFFdata: a\n\n\uFEFFdata: b\n\n")).containsExactly("a");
    }

    @Test
    void aCharacterOfManyBytesIsRead() {
        assertThat(dataOf("data: ö \ud83e\udd14\n\n")).containsExactly("ö \ud83e\udd14");
    }
}
