package io.chatrelay.event;

import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The decision about an approval. It changes once, by compare-and-set. The ledger then records when the decision was sent, acknowledged
 * and delivered, each with its time:
 *
 * <pre>
 *                  ┌── APPROVED ──▶ sent ──▶ acknowledged ──┐
 * proposed ────────┼── DENIED ────▶ sent ──▶ acknowledged ──┼──▶ delivered: executed | failed | denied
 * (PENDING)        ├── EXPIRED ───▶ sent ──▶ acknowledged ──┘    (the tool's outcome is in the stream: the only proof)
 *                  │                 ▲  └─ receipt unknown: the same decision is sent again
 *                  │                 └──────────────────────┘
 *                  └── SUPERSEDED: the turn ended first; nothing is sent
 * </pre>
 *
 * If the turn ends before the delivery, the decision keeps its state and is not sent any more.
 */
public enum ApprovalState {

    PENDING,
    APPROVED,
    DENIED,
    /** No decision was made in time. The agent receives a denial. */
    EXPIRED,
    /** The turn ended before a decision was made. */
    SUPERSEDED;

    public String wireName() {
        return name().toLowerCase(Locale.ROOT);
    }

    public static Optional<ApprovalState> of(String wireName) {
        return Stream.of(values()).filter(state -> state.wireName().equals(wireName)).findFirst();
    }
}
