package io.chatrelay.event;

import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;

/** Ids that sort by the time they were made. */
public final class Ids {

    private static final AtomicLong LAST = new AtomicLong();

    private Ids() {}

    /** The id that a text is; empty where it is none. */
    public static Optional<UUID> parsed(String text) {
        try {
            return Optional.of(UUID.fromString(text));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /**
     * A UUIDv7 (RFC 9562, 5.7), greater than every one made before by this process: the 12 bits after the milliseconds count
     * within one (method 1), and run on into the next when they are used up.
     */
    public static UUID next() {
        long tick = LAST.updateAndGet(last -> Math.max(last + 1, System.currentTimeMillis() << 12));
        long high = tick >>> 12 << 16 | 0x7000L | tick & 0xfffL;
        // The low half of the JDK's random UUID is what this one has there, too: the variant, and 62 random bits. The generator stays the JDK's.
        return new UUID(high, UUID.randomUUID().getLeastSignificantBits());
    }
}
