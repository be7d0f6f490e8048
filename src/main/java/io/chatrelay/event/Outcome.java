package io.chatrelay.event;

import java.util.Locale;
import java.util.stream.Stream;

/** How a turn ended. The wire name is at once the column's value, the metric's tag and the log's key. */
public enum Outcome {

    /** The upstream finished its answer, and said so. The only end that looks like success. */
    COMPLETED,
    /** The upstream, or this service on its behalf, could not finish; what came before is kept. */
    FAILED,
    /** A caller stopped it; what came before is kept. */
    CANCELLED,
    /** The replica that ran it is gone, and the run could not be followed further; what came before is kept. */
    INTERRUPTED;

    public String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The outcome of that name. One that only a later version knows is taken for a failure, and never for success. */
    public static Outcome of(String wireName) {
        return Stream.of(values()).filter(outcome -> outcome.wireName().equals(wireName)).findFirst().orElse(FAILED);
    }
}
