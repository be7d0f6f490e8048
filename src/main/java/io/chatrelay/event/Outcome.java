package io.chatrelay.event;

import java.util.Locale;
import java.util.stream.Stream;

/** How a turn ended. The wire name is also the column's value, the metric's tag and the log's key. */
public enum Outcome {

    /** The upstream reported that its answer is complete. Only this outcome counts as success. */
    COMPLETED,
    /** The upstream, or this service on its behalf, could not finish; the partial answer is kept. */
    FAILED,
    /** A caller cancelled the turn; the partial answer is kept. */
    CANCELLED,
    /** The replica that ran the turn is lost, and its run could not be resumed; the partial answer is kept. */
    INTERRUPTED;

    public String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The outcome of that name. An unknown name of a later version is read as a failure, never as success. */
    public static Outcome of(String wireName) {
        return Stream.of(values()).filter(outcome -> outcome.wireName().equals(wireName)).findFirst().orElse(FAILED);
    }
}
