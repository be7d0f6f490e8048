package io.chatrelay.event;

import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What was decided about an approval. It changes once, by compare-and-set; what follows is when it was told and what came of
 * it, each with its time:
 *
 * <pre>
 *                  ┌── APPROVED ──▶ sent ──▶ acknowledged ──┐
 * proposed ────────┼── DENIED ────▶ sent ──▶ acknowledged ──┼──▶ delivered: executed | failed | denied
 * (PENDING)        ├── EXPIRED ───▶ sent ──▶ acknowledged ──┘    (the tool's outcome is in the stream: the only proof)
 *                  │                 ▲  └─ nobody knows whether it was heard: sent again, the same
 *                  │                 └──────────────────────┘
 *                  └── SUPERSEDED: the turn ended first; nothing is sent
 * </pre>
 *
 * A decision whose turn ends before its delivery stays what it is, and is not sent any more.
 */
public enum ApprovalState {

    PENDING,
    APPROVED,
    DENIED,
    /** Nobody answered in time. Told to the agent as a denial. */
    EXPIRED,
    /** The turn ended before anybody answered. */
    SUPERSEDED;

    public String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }

    public static Optional<ApprovalState> of(String wireName) {
        return Stream.of(values()).filter(state -> state.wireName().equals(wireName)).findFirst();
    }
}
