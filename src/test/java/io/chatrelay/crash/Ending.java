package io.chatrelay.crash;

import java.util.Set;

/** How a reader was told that a turn ended. @see #means */
enum Ending {

    NONE(Set.of()),
    COMPLETED(Set.of("completed")),
    CANCELLED(Set.of("cancelled")),
    FAILED(Set.of("failed")),
    INTERRUPTED(Set.of("interrupted")),
    /** The AI SDK has one part for both. */
    FAILED_OR_INTERRUPTED(Set.of("failed", "interrupted")),
    /** As a status, before any event was told. */
    REFUSED(Set.of("failed", "interrupted", "cancelled"));

    private final Set<String> states;

    Ending(Set<String> states) {
        this.states = states;
    }

    /** Whether it is what a turn of that stored state may be told as. */
    boolean means(String state) {
        return states.contains(state);
    }
}
