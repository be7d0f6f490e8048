package io.chatrelay.inkeep;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.Optional;

import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Failure;
import io.chatrelay.inkeep.UpstreamsConfig.UpstreamConfig;

/**
 * How long Inkeep tells a classic run. Source: {@code STREAM_MAX_LIFETIME_MS} of its {@code stream-helpers.ts}: after it the run goes
 * on, but every event is dropped, {@code completion} included, and the stream stays open until the run's end.
 *
 * <p>A stream counts as mute when it is older than that and gave nothing for some time though it was read. One that had to be waited
 * for, and still came after that, is of a server that tells longer than is configured; its run is bounded no more. What was only left
 * unread proves nothing, for it may be old.
 */
final class StreamLifetime {

    /** Of a durable run, and where no lifetime is configured. */
    static final StreamLifetime ENDLESS = new StreamLifetime(null, null, 0);
    /** Such a part of the patience has to be waited for what comes, or it may have lain there unread. */
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

    /** @param age of a run that began before now */
    static StreamLifetime of(UpstreamConfig config, Duration age) {
        Duration length = config.streamLifetime();
        return length.isZero() ? ENDLESS
                : new StreamLifetime(length, config.followTimeout(), System.nanoTime() + length.minus(age).toNanos());
    }

    /** Whether the run is told no more. */
    boolean isOver() {
        return length != null && !outlived && System.nanoTime() - endsNanos > 0;
    }

    /** The later of that moment and the lifetime's end. */
    long silentSince(long nanos) {
        return nanos - endsNanos > 0 ? nanos : endsNanos;
    }

    /**
     * How much longer to wait for what comes next before the stream counts as mute.
     *
     * @param sinceNanos since when it is waited for
     */
    Optional<Duration> patience(long sinceNanos) {
        return length == null || outlived ? Optional.empty()
                : Optional.of(patience.minusNanos(System.nanoTime() - silentSince(sinceNanos)));
    }

    /** An event came. @param sinceNanos since when it was waited for */
    void heard(long sinceNanos) {
        long now = System.nanoTime();
        if (length != null && now - endsNanos > patience.toNanos()) {
            waitedNanos += now - silentSince(sinceNanos);
            outlived |= waitedNanos > patience.toNanos() / LIVE;
        }
    }

    /** How a run ends that is told no more. */
    Ended ended() {
        return Ended.failed(Failure.of(Failure.Code.UPSTREAM_CUT,
                """
                        Inkeep tells nothing of a classic run after %s s, not even its end, and this one took longer; what came before is kept. \
                        Turns as long as this need execution-mode=durable for their upstream."""
                        .formatted(BigDecimal.valueOf(length.toMillis(), 3).stripTrailingZeros().toPlainString())));
    }
}
