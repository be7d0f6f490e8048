package io.chatrelay.journal;

/**
 * A committed event of a turn.
 *
 * @param number its place in the turn: 1, 2, 3 … without a gap
 * @param event  what happened
 * @param size   its encoded size in bytes, by which memory is bounded
 */
public record JournalEntry<E>(long number, E event, int size) {}
