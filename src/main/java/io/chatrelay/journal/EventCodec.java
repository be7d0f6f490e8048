package io.chatrelay.journal;

/**
 * How the journal's events become bytes and come back. An encoded event is one line: it holds no line feed.
 *
 * @param <E> the events of a turn
 */
public interface EventCodec<E> {

    /** The event as bytes without a line feed. */
    byte[] encode(E event);

    /** The event that {@link #encode} wrote at {@code bytes[offset … offset + length)}. */
    E decode(byte[] bytes, int offset, int length);

    /** Whether a turn ends with this event: nothing follows it, and its readers are done. */
    boolean isLast(E event);
}
