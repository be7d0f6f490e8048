package io.chatrelay.journal;

/**
 * Encodes the journal's events to bytes and decodes them. An encoded event is one line: it contains no line feed.
 *
 * @param <E> the events of a turn
 */
public interface EventCodec<E> {

    /** The event as bytes without a line feed. */
    byte[] encode(E event);

    /** The event that {@link #encode} wrote at {@code bytes[offset … offset + length)}. */
    E decode(byte[] bytes, int offset, int length);

    /** Whether this event ends the turn: no event follows it, and its readers complete. */
    boolean isLast(E event);
}
