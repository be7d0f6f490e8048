package io.chatrelay;

import java.util.List;
import java.util.stream.Stream;

/**
 * One thing that goes wrong at an Inkeep, and what has to come of it.
 *
 * @param upstream {@code agents} or {@code cloud}
 * @param keyword  makes the emulator do it
 */
record Fault(String name, String upstream, String keyword, Expected expected) {

    sealed interface Expected {

        /**
         * A status, whether a stream was asked for or not: nothing is told and nothing is kept.
         *
         * @param retryAfter empty for none
         * @param tries      how often Inkeep is asked
         */
        record Refused(int status, String code, String retryAfter, int tries) implements Expected {}

        /** As refused, but a stream's head was on its way: then it tells the failure and nothing else. */
        record Unanswered(int status, String code) implements Expected {}

        /** A stream that tells the failure after what came before; in one piece, a status. What was told is kept. */
        record BrokenOff(int status, String code, String beginning) implements Expected {}

        /** The whole answer, each word once. @param text the place of the question marked by {@code %s} */
        record Answered(String text, String finishReason) implements Expected {}
    }

    private static final String NO_USAGE = "no usage";
    private static final String TEN_WORDS = "word0 word1 word2 word3 word4 word5 word6 word7 word8 word9";
    private static final String FROM_AGENTS = "Hello from the fake model. I saw 1 user message(s); the last was \"%s\".";
    private static final String FROM_CLOUD = "Hello from the fake cloud model. I saw 1 message(s); the last was \"%s\".";

    static Stream<Fault> all() {
        return Stream.of(
                both("429 with Retry-After", "429 1000 9", refused(429, "upstream_rate_limited", "1000", 1)),
                both("429 without Retry-After", "429-bare 9", refused(429, "upstream_rate_limited", "", 3)),
                both("500", "500 9", refused(502, "upstream_unavailable", "", 1)),
                both("502", "502 9", refused(502, "upstream_unavailable", "", 3)),
                both("503", "503 9", refused(502, "upstream_unavailable", "", 3)),
                both("400", "400", refused(400, "upstream_refused", "", 1)),
                both("a page instead of an answer", "html", refused(502, "upstream_protocol", "", 1)),
                // Cloud may have begun to answer, and what it answers is paid; Agents is sent the same message id, and takes it once.
                each("reset before the answer", "reset", refused(502, "upstream_unavailable", "", 3),
                        refused(502, "upstream_unavailable", "", 1)),
                each("context length", "context", refused(400, "upstream_refused", "", 1),
                        refused(400, "context_length_exceeded", "", 1)),
                both("no answer", "hang", new Expected.Unanswered(504, "upstream_timeout")),
                each("first event after 20 s", "late 20000", answered(FROM_AGENTS), answered(FROM_CLOUD)),
                each("30 s of silence in the middle", "silence 30000", answered(FROM_AGENTS), answered(FROM_CLOUD)),
                // A run of Agents goes on without its reader, and is read again.
                each("reset in the middle", "reset-at 50", answered(TEN_WORDS), cut("word0 word1")),
                each("cut at 40 %", "cut-at 40", answered(TEN_WORDS), cut("word0 word1 word2 word3")),
                each("cut at 60 %", "cut-at 60", answered(TEN_WORDS), cut("word0 word1 word2 word3 word4 word5")),
                both("no [DONE]", "eof 3", cut("word0 word1 word2")),
                both("half an event", "truncated", cut("Half an")),
                both("a malformed event", "malformed", brokenOff(502, "upstream_protocol", "Hello from the")),
                both("an error inside the stream", "error", brokenOff(502, "upstream_error", "")),
                both("an event of 2 MB", "huge 2", brokenOff(502, "turn_too_large", "")),
                each("content filter", "filter", brokenOff(502, "upstream_error", "Half an"),
                        new Expected.Answered("Half an", "content-filter")),
                each(NO_USAGE, "usage-missing", answered(FROM_AGENTS), answered(FROM_CLOUD)))
                .flatMap(List::stream);
    }

    private static List<Fault> each(String name, String keyword, Expected agents, Expected cloud) {
        return List.of(new Fault(name, "agents", keyword, agents), new Fault(name, "cloud", keyword, cloud));
    }

    private static List<Fault> both(String name, String keyword, Expected expected) {
        return each(name, keyword, expected, expected);
    }

    private static Expected refused(int status, String code, String retryAfter, int tries) {
        return new Expected.Refused(status, code, retryAfter, tries);
    }

    private static Expected brokenOff(int status, String code, String beginning) {
        return new Expected.BrokenOff(status, code, beginning);
    }

    private static Expected cut(String beginning) {
        return brokenOff(502, "upstream_cut", beginning);
    }

    private static Expected answered(String text) {
        return new Expected.Answered(text, "stop");
    }

    /** Outcome and code, as the turn's row and the metric have them. */
    String end() {
        return switch (expected) {
            case Expected.Refused(_, var code, _, _) -> "failed " + code;
            case Expected.Unanswered(_, var code) -> "failed " + code;
            case Expected.BrokenOff(_, var code, _) -> "failed " + code;
            case Expected.Answered _ -> "completed";
        };
    }

    /** That a completed answer cost, as it has to be told: Agents never says it. */
    int tokens() {
        return upstream.equals("agents") || name.equals(NO_USAGE) ? 0 : 10;
    }

    @Override
    public String toString() {
        return name + " of " + upstream;
    }
}
