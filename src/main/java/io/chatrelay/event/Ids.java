package io.chatrelay.event;

import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;

/** Ids that sort by creation time. */
public final class Ids {

    private static final AtomicLong LAST = new AtomicLong();

    private Ids() {}

    /** Parses an id; empty if the text is not one. */
    public static Optional<UUID> parsed(String text) {
        try {
            return Optional.of(UUID.fromString(text));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /**
     * A UUIDv7 (RFC 9562, 5.7), greater than all earlier ones of this process: the 12 bits after the milliseconds are a counter
     * within the millisecond (method 1). When the counter overflows, it continues in the next millisecond.
     */
    public static UUID next() {
        long tick = LAST.updateAndGet(last -> Math.max(last + 1, System.currentTimeMillis() << 12));
        long high = tick >>> 12 << 16 | 0x7000L | tick & 0xfffL;
        // The low half comes from the JDK's random UUID, because both formats have the same low half: the variant and 62 random bits.
        return new UUID(high, UUID.randomUUID().getLeastSignificantBits());
    }
}
