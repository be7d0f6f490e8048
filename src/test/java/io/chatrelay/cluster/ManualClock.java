package io.chatrelay.cluster;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/** A clock in nanoseconds that moves only when a test moves it. */
public final class ManualClock implements LongSupplier {

    private final AtomicLong now = new AtomicLong(Duration.ofDays(1).toNanos());

    @Override
    public long getAsLong() {
        return now.get();
    }

    public void advance(Duration by) {
        now.addAndGet(by.toNanos());
    }
}
