package io.chatrelay.journal;

/**
 * A committed event of a turn.
 *
 * @param number its position in the turn: 1, 2, 3 … without a gap
 * @param event  the event
 * @param size   its encoded size in bytes, used to bound memory
 */
public record JournalEntry<E>(long number, E event, int size) {}
