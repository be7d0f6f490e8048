package io.chatrelay.turn;

import java.math.BigInteger;
import java.time.Duration;

import io.chatrelay.approval.ApprovalsConfig;
import io.chatrelay.cluster.LeaseConfig;
import io.chatrelay.journal.FeedConfig;
import io.chatrelay.journal.JournalConfig;
import io.quarkus.runtime.configuration.MemorySize;

/** Configuration under which nothing happens by itself: whoever tests says when. */
final class UnderTest {

    private UnderTest() {}

    record Limits(Duration firstEventTimeout, Duration silenceTimeout, Duration maxDuration, MemorySize maxSize,
            Duration cancelWait, Duration retryWindow) implements TurnConfig {
        Limits() {
            this(Duration.ofHours(1), Duration.ofHours(1), Duration.ofHours(1), bytes(), Duration.ofSeconds(5),
                    Duration.ofHours(1));
        }
    }

    record Waiting(Duration expiry, Duration lead, Duration pollEvery, Duration retryBackoff, Duration maxBackoff,
            Duration catchUp) implements ApprovalsConfig {
        Waiting() {
            this(Duration.ofMinutes(3), Duration.ofSeconds(15), Duration.ofMillis(200), Duration.ofMillis(250),
                    Duration.ofSeconds(5), Duration.ofSeconds(3));
        }
    }

    record Rows(Duration linger, MemorySize maxRow, MemorySize maxBatch, MemorySize maxPendingPerTurn,
            MemorySize maxPending, Duration maxBackoff, Duration compactEvery, Duration followEvery,
            Duration roundWithin) implements JournalConfig {
        Rows() {
            this(Duration.ZERO, bytes(), bytes(), bytes(), bytes(), Duration.ofSeconds(1), Duration.ofHours(1),
                    Duration.ofHours(1), Duration.ofHours(1));
        }
    }

    record Leases(Duration duration, Duration renewEvery, Duration sweepEvery, Duration absence, Duration forgetAfter)
            implements
                LeaseConfig {
        Leases() {
            this(Duration.ofHours(10), Duration.ofHours(1), Duration.ofHours(1), Duration.ZERO, Duration.ofHours(1));
        }
    }

    record Feeds(MemorySize tailPerTurn, MemorySize maxChunk, int concurrentLoads) implements FeedConfig {
        Feeds() {
            this(bytes(), bytes(), 1);
        }
    }

    private static MemorySize bytes() {
        return new MemorySize(BigInteger.valueOf(1 << 20));
    }
}
