package io.chatrelay.support;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;

/** The names of an approval's steps, in the order of their times. */
public final class ApprovalSteps {

    private static final String ACKNOWLEDGED = "acknowledged";

    private ApprovalSteps() {}

    /**
     * These and no others, in this order; but that Inkeep acknowledged is written beside the stream, and so before the call's outcome or
     * after it, though never before it was sent.
     */
    public static void assertAre(List<String> history, String... expected) {
        assertThat(history).containsExactlyInAnyOrder(expected);
        assertThat(without(history)).isEqualTo(without(List.of(expected)));
        if (history.contains(ACKNOWLEDGED)) {
            assertThat(history).containsSubsequence("sent", ACKNOWLEDGED);
        }
    }

    private static List<String> without(List<String> history) {
        return history.stream().filter(step -> !step.equals(ACKNOWLEDGED)).toList();
    }
}
