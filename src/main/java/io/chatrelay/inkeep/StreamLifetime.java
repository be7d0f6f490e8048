package io.chatrelay.inkeep;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.Optional;

import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Failure;
import io.chatrelay.inkeep.UpstreamsConfig.UpstreamConfig;

/**
 * How long Inkeep sends the events of a classic run. Source: {@code STREAM_MAX_LIFETIME_MS} of its {@code stream-helpers.ts}: after it the run
 * continues, but every event is dropped, including {@code completion}, and the stream stays open until the run's end.
 *
 * <p>A stream counts as mute if it is older than that and delivered nothing for some time although it was read. If an event arrives after that
 * time, and the reader had to wait for it, the server sends for longer than configured; its run is then no longer bounded. An event that was
 * only left unread proves nothing, because it may be old.
 */
final class StreamLifetime {

    /** For a durable run, and if no lifetime is configured. */
    static final StreamLifetime ENDLESS = new StreamLifetime(null, null, 0);
    /** The wait for events must exceed the patience divided by this; otherwise the events may have been left unread. */
    private static final int LIVE = 8;

    private final Duration length;
    private final Duration patience;
    private final long endsNanos;
    private volatile long waitedNanos;
    private volatile boolean outlived;

    private StreamLifetime(Duration length, Duration patience, long endsNanos) {
        this.length = length;
        this.patience = patience;
        this.endsNanos = endsNanos;
    }

    /** @param age of a run that began earlier */
    static StreamLifetime of(UpstreamConfig config, Duration age) {
        Duration length = config.streamLifetime();
        return length.isZero() ? ENDLESS
                : new StreamLifetime(length, config.followTimeout(), System.nanoTime() + length.minus(age).toNanos());
    }

    /** Whether Inkeep no longer sends the run's events. */
    boolean isOver() {
        return length != null && !outlived && System.nanoTime() - endsNanos > 0;
    }

    /** The later of that moment and the lifetime's end. */
    long silentSince(long nanos) {
        return nanos - endsNanos > 0 ? nanos : endsNanos;
    }

    /**
     * How much longer to wait for the next event before the stream counts as mute.
     *
     * @param sinceNanos since when the event is awaited
     */
    Optional<Duration> patience(long sinceNanos) {
        return length == null || outlived ? Optional.empty()
                : Optional.of(patience.minusNanos(System.nanoTime() - silentSince(sinceNanos)));
    }

    /** An event arrived. @param sinceNanos since when it was awaited */
    void heard(long sinceNanos) {
        long now = System.nanoTime();
        if (length != null && now - endsNanos > patience.toNanos()) {
            waitedNanos += now - silentSince(sinceNanos);
            outlived |= waitedNanos > patience.toNanos() / LIVE;
        }
    }

    /** The end of a run whose events are no longer sent. */
    Ended ended() {
        return Ended.failed(Failure.of(Failure.Code.UPSTREAM_CUT,
                """
                        The {upstream} tells nothing of a classic run after %s s, not even its end, and this one took longer; what came before is kept. \
                        Turns as long as this need execution-mode=durable for their upstream."""
                        .formatted(BigDecimal.valueOf(length.toMillis(), 3).stripTrailingZeros().toPlainString())));
    }
}
