package io.chatrelay.inkeep;

import java.time.Duration;
import java.util.Optional;

/**
 * Decides how long a run is looked for: the pause before its next read, or none because the run is lost. Each read that fails in some way is
 * reported with the time, in nanoseconds.
 */
final class FollowPatience {

    /** Pause after a read that brought nothing, or that was closed after it brought something. */
    static final Duration AGAIN = Duration.ofMillis(500);
    private static final Duration FIRST_BACKOFF = Duration.ofMillis(250);
    private static final Duration LONGEST_BACKOFF = Duration.ofSeconds(5);
    /** A run lives in its server's process: if the server is unreachable for this long, the run has rarely survived. */
    private static final Duration UNREACHABLE = Duration.ofSeconds(30);

    private final Duration fruitless;
    private Long fruitlessSince;
    private Long unansweredSince;
    private Duration backoff = FIRST_BACKOFF;

    /** @param fruitless how long reads may bring nothing new */
    FollowPatience(Duration fruitless) {
        this.fruitless = fruitless;
    }

    /** A read brought a new event. */
    void gaveMore() {
        fruitlessSince = null;
    }

    /** A read that brought something new was closed. */
    Duration closedAfterMore() {
        backoff = FIRST_BACKOFF;
        return AGAIN;
    }

    /** Reads count as fruitless from that time on, unless they already do. */
    void silentSince(long nanos) {
        if (fruitlessSince == null) {
            fruitlessSince = nanos;
        }
    }

    /**
     * A read brought nothing new.
     *
     * @param runGoesOn whether the read showed that the run continues nevertheless
     * @return the pause before the next read; empty if the run is lost
     */
    Optional<Duration> fruitless(long nanos, boolean runGoesOn) {
        if (runGoesOn) {
            fruitlessSince = null;
            return Optional.of(AGAIN);
        }
        silentSince(nanos);
        return nanos - fruitlessSince > fruitless.toNanos() ? Optional.empty() : Optional.of(AGAIN);
    }

    /** The server answered, whatever it said. */
    void answered() {
        unansweredSince = null;
    }

    /** Whether the last read had no answer. */
    boolean isUnanswered() {
        return unansweredSince != null;
    }

    /**
     * A read had no answer.
     *
     * @return the pause before the next read; empty if the run is lost
     */
    Optional<Duration> unanswered(long nanos) {
        if (unansweredSince == null) {
            unansweredSince = nanos;
        }
        return nanos - unansweredSince > UNREACHABLE.toNanos() ? Optional.empty() : Optional.of(later());
    }

    /** The pause before the next read of a run that may take some time: each is longer than the last one. */
    Duration later() {
        Duration pause = backoff;
        Duration doubled = backoff.multipliedBy(2);
        backoff = doubled.compareTo(LONGEST_BACKOFF) > 0 ? LONGEST_BACKOFF : doubled;
        return pause;
    }
}
