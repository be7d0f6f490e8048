package io.chatrelay.turn;

import java.time.Duration;

import io.chatrelay.event.Failure;
import io.chatrelay.event.Failure.Code;

/** The time-outs of a turn: for the whole turn, and between two signs of life. Guarded by its turn. */
final class TurnTimeouts {

    private final TurnConfig config;
    private final long begunNanos;
    private long heardNanos = System.nanoTime();

    /** @param begunNanos when the turn began, by this process' clock */
    TurnTimeouts(TurnConfig config, long begunNanos) {
        this.config = config;
        this.begunNanos = begunNanos;
    }

    /** A sign of life. */
    void heard() {
        heardNanos = System.nanoTime();
    }

    /**
     * The failure if a time-out has expired, or null.
     *
     * @param started whether the first event has arrived
     * @param silent  whether the silence time-out applies: not while the turn does not read, or waits for a human
     */
    Failure over(long nowNanos, boolean started, boolean silent) {
        if (nowNanos - begunNanos > config.maxDuration().toNanos()) {
            return Failure.of(Code.TURN_TOO_LONG, "The turn ran longer than %s.".formatted(config.maxDuration()));
        }
        Duration limit = started ? config.silenceTimeout() : config.firstEventTimeout();
        if (silent && nowNanos - heardNanos > limit.toNanos()) {
            return Failure.of(Code.UPSTREAM_TIMEOUT, started ? "The {upstream} was silent for longer than %s.".formatted(limit)
                    : "The {upstream} sent nothing within %s.".formatted(limit));
        }
        return null;
    }
}
