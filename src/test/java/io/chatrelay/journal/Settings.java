package io.chatrelay.journal;

import java.math.BigInteger;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;

import io.chatrelay.cluster.LeaseConfig;
import io.quarkus.runtime.configuration.MemorySize;

/** Configuration of a journal that is quick. */
final class Settings {

    private static final Duration NEVER = Duration.ofHours(1);

    private Settings() {}

    /** @param noMemory whether the next turn that is asked for its row finds none left; once */
    record Rows(AtomicBoolean noMemory, Duration roundWithin) implements JournalConfig {
        Rows() {
            this(new AtomicBoolean(), Duration.ofMillis(500));
        }

        @Override
        public MemorySize maxRow() {
            if (noMemory.getAndSet(false)) {
                throw new OutOfMemoryError("as scripted");
            }
            return size();
        }

        @Override
        public Duration linger() {
            // So that what is appended together is written together.
            return Duration.ofMillis(50);
        }

        @Override
        public MemorySize maxBatch() {
            return size();
        }

        @Override
        public MemorySize maxPendingPerTurn() {
            return size();
        }

        @Override
        public MemorySize maxPending() {
            return size();
        }

        @Override
        public Duration maxBackoff() {
            return Duration.ofMillis(20);
        }

        @Override
        public Duration compactEvery() {
            return NEVER;
        }

        @Override
        public Duration followEvery() {
            return NEVER;
        }
    }

    /** Small bounds, for tests that count bytes. */
    record Bounds(Duration linger, MemorySize maxRow, MemorySize maxBatch, MemorySize maxPendingPerTurn,
            MemorySize maxPending, Duration maxBackoff, Duration compactEvery, Duration followEvery, Duration roundWithin)
            implements
                JournalConfig {
        Bounds() {
            this(Duration.ZERO, size(), size(), size(), size(), Duration.ofMillis(20), NEVER, NEVER, Duration.ofSeconds(10));
        }

        Bounds withMaxRow(long bytes) {
            return new Bounds(linger, size(bytes), maxBatch, maxPendingPerTurn, maxPending, maxBackoff, compactEvery,
                    followEvery,
                    roundWithin);
        }

        Bounds withMaxBatch(long bytes) {
            return new Bounds(linger, maxRow, size(bytes), maxPendingPerTurn, maxPending, maxBackoff, compactEvery, followEvery,
                    roundWithin);
        }

        Bounds withMaxPending(long ofTurn, long ofAll) {
            return new Bounds(linger, maxRow, maxBatch, size(ofTurn), size(ofAll), maxBackoff, compactEvery, followEvery,
                    roundWithin);
        }

        Bounds withPollsEvery(Duration interval) {
            return new Bounds(linger, maxRow, maxBatch, maxPendingPerTurn, maxPending, maxBackoff, compactEvery, interval,
                    roundWithin);
        }
    }

    record Leases(Duration duration, Duration renewEvery, Duration sweepEvery, Duration absence, Duration forgetAfter)
            implements
                LeaseConfig {
        Leases() {
            this(Duration.ofSeconds(60), Duration.ofMillis(20), NEVER, Duration.ZERO, NEVER);
        }
    }

    record Feeds(MemorySize tailPerTurn, MemorySize maxChunk, int concurrentLoads) implements FeedConfig {
        Feeds() {
            this(size(), size(), 1);
        }

        Feeds(long tailPerTurn, long maxChunk) {
            this(size(tailPerTurn), size(maxChunk), 1);
        }
    }

    private static MemorySize size() {
        return size(1 << 20);
    }

    private static MemorySize size(long bytes) {
        return new MemorySize(BigInteger.valueOf(bytes));
    }
}
