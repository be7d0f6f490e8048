package io.chatrelay.inkeep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.chatrelay.inkeep.SseDecoder.TooLarge;

class SseDecoderTest {

    private static final int LIMIT = 64;

    private final SseDecoder decoder = new SseDecoder(LIMIT);
    private final List<String> events = new ArrayList<>();

    private List<String> feed(String... chunks) throws TooLarge {
        for (String chunk : chunks) {
            decoder.decode(chunk.getBytes(StandardCharsets.UTF_8), (_, data) -> events.add(data));
        }
        return events;
    }

    @ParameterizedTest
    @ValueSource(strings = { "\n", "\r", "\r\n" })
    void linesEndInThreeWays(String end) throws TooLarge {
        assertThat(feed("data: a" + end + end + "data: b" + end + end + "data: c" + end + end)).containsExactly("a", "b", "c");
    }

    @Test
    void lineEndsMayBeMixed() throws TooLarge {
        assertThat(feed("data: a\r\n\ndata: b\r\r\ndata: c\n\r\ndata: d\r\n\r\n")).containsExactly("a", "b", "c", "d");
    }

    @Test
    void aLineEndMayBeSplitBetweenChunks() throws TooLarge {
        assertThat(feed("data: a\r", "\n", "\r", "\ndata: b\r", "\r", "data: c\n", "\n")).containsExactly("a", "b", "c");
    }

    @Test
    void aCarriageReturnAloneEndsTheLineWithoutWaitingForWhatFollows() throws TooLarge {
        assertThat(feed("data: a\r\r")).containsExactly("a");
    }

    @ParameterizedTest
    @ValueSource(strings = { "\n", "\r", "\r\n" })
    void everySplitGivesTheSameEvents(String end) throws TooLarge {
        byte[] bytes = ("\ufeff: hello\ndata: zwölf 🦊\ndata:x\n\nid: 3\ndata: [DONE]\n\n").replace("\n", end)
                .getBytes(StandardCharsets.UTF_8);
        for (int split = 0; split <= bytes.length; split++) {
            SseDecoder fresh = new SseDecoder(LIMIT);
            List<String> seen = new ArrayList<>();
            fresh.decode(Arrays.copyOfRange(bytes, 0, split), (_, data) -> seen.add(data));
            fresh.decode(Arrays.copyOfRange(bytes, split, bytes.length), (_, data) -> seen.add(data));

            assertThat(seen).as("split at %d", split).containsExactly("zwölf 🦊\nx", "[DONE]");
        }
    }

    @Test
    void aByteOrderMarkBeforeTheFirstLineIsPassedOver() throws TooLarge {
        assertThat(feed("\ufeffdata: a\n\n\ufeffdata: b\n\n")).containsExactly("a");
    }

    @Test
    void commentsAndOtherFieldsAreNotData() throws TooLarge {
        assertThat(feed(": keep-alive\n\nevent: ping\nid: 7\nretry: 10\ndata: a\ndatas: no\nDATA: no\nunknown\n\n"))
                .containsExactly("a");
    }

    @Test
    void anEventWithoutDataIsNone() throws TooLarge {
        assertThat(feed("id: 1\nevent: x\n\n\n\n")).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', value = {
            "data:a   | a", "data: a  | a", "\"data:  a\" | \" a\"", "\"data: a \" | \"a \"", "data:a:b | a:b", "data | \"\"",
            "data:    | \"\"" })
    void oneSpaceAfterTheColonIsNotPartOfTheValue(String line, String value) throws TooLarge {
        assertThat(feed(line + "\n\n")).containsExactly(value);
    }

    @Test
    void dataLinesOfOneEventAreJoinedByLineFeeds() throws TooLarge {
        assertThat(feed("data: a\ndata\ndata: b\n\n")).containsExactly("a\n\nb");
    }

    @Test
    void anEventThatTheEndCutsOffIsDropped() throws TooLarge {
        assertThat(feed("data: a\n\ndata: whole line\n", "data: half")).containsExactly("a");
    }

    @Nested
    class ItsMemoryIsBounded {

        @Test
        void anEventOfExactlyTheLimitIsRead() throws TooLarge {
            String value = "x".repeat(LIMIT - "data: ".length());

            assertThat(feed("data: " + value + "\n\n", "data: " + value + "\n\n")).containsExactly(value, value);
        }

        @Test
        void aByteMoreIsTooLarge() {
            assertTooLarge("data: " + "x".repeat(LIMIT - "data: ".length() + 1));
        }

        @Test
        void anEndlessLineIsNotHeld() {
            String[] endless = new String[LIMIT];
            Arrays.fill(endless, "xxxx");
            assertTooLarge(endless);
        }

        @Test
        void anEndlessCommentIsNotHeld() {
            assertTooLarge(":" + "x".repeat(LIMIT));
        }

        @ParameterizedTest
        @ValueSource(strings = { "data: xxxx\n", "data:\n", "data\n", "data: \r\n" })
        void anEndlessEventOfSmallLinesIsNotHeld(String line) {
            assertTooLarge(line.repeat(LIMIT + 1));
        }

        @Test
        void bytesCountAndNotCharacters() {
            assertTooLarge("data: " + "ö".repeat(LIMIT / 2));
        }

        @Test
        void whatIsTooLargeIsFoundBeforeItsEnd() throws TooLarge {
            feed("data: " + "x".repeat(LIMIT - "data: ".length()));

            assertTooLarge("x");
        }

        @Test
        void whatIsOverLeavesNothingBehind() throws TooLarge {
            // Many times the limit, in events and comments that are each within it.
            feed(("data: " + "x".repeat(40) + "\n\n: " + "y".repeat(40) + "\n").repeat(10_000));

            assertThat(events).hasSize(10_000).containsOnly("x".repeat(40));
        }

        private void assertTooLarge(String... chunks) {
            assertThatExceptionOfType(TooLarge.class).isThrownBy(() -> feed(chunks))
                    .withMessage("an event of more than 64 bytes");
        }
    }
}
