package io.chatrelay.upstream;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

import org.jboss.logging.Logger;

import io.chatrelay.event.Failure;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreaker.StateTransition;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig.SlidingWindowType;

/**
 * The circuit breaker of one upstream, on this replica. It refuses new turns for a time if too many turns fail or wait too long before their first
 * event, and then lets a few turns try. What happens after the first event does not count.
 *
 * <pre>
 * CLOSED ── too many of the window's turns failed or were slow ──▶ OPEN ── a turn comes after the open time ──▶ HALF_OPEN
 *   ▲                                                               ▲                                              │
 *   │                                                               └──── too many trial turns failed or were slow ┤
 *   └──────────────────────────────────────────────────────────────── the trial turns went well ───────────────────┘
 * </pre>
 *
 * A turn asks for a {@link Permission} before anything of it is stored, and tells it once what became of the turn.
 */
public final class Breaker {

    /** The state. The wire name is the metric's tag and the value in the readiness details. */
    public enum State {
        CLOSED,
        OPEN,
        /** A limited number of trial turns runs; their results decide the next state. */
        HALF_OPEN,
        /** The breaker is configured to permit every turn. */
        DISABLED;

        public String wireName() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /**
     * When the breaker opens, and how it closes.
     *
     * @param failureRate  percentage of failed turns from which on it opens
     * @param slowRate     percentage of slow turns from which on it opens
     * @param slowAfter    time to the first event from which on a turn is slow
     * @param minimumTurns number of turns in the window below which no rate is computed
     * @param window       the turns whose first event, or failure, is younger count; in whole seconds
     * @param openFor      time in the open state
     * @param trialTurns   number of turns that the half-open state permits
     */
    public record Settings(boolean enabled, int failureRate, int slowRate, Duration slowAfter, int minimumTurns,
            Duration window, Duration openFor, int trialTurns) {}

    /** The library wants an exception for each failure. */
    private static final class Failed extends Exception {
        private static final long serialVersionUID = 1;

        Failed(Failure.Code code) {
            super(code.wireName(), null, false, false);
        }
    }

    private static final Logger LOG = Logger.getLogger(Breaker.class);
    /** A trial turn is decided after seconds, and nothing tells when. */
    private static final Duration TRIAL = Duration.ofSeconds(1);

    private final String upstream;
    private final Clock clock;
    private final Duration openFor;
    private final CircuitBreaker breaker;
    private volatile int transitions;
    private volatile Instant openUntil = Instant.MIN;

    public Breaker(String upstream, Settings settings, Clock clock) {
        this.upstream = upstream;
        this.clock = clock;
        this.openFor = settings.openFor();
        this.breaker = CircuitBreaker.of(upstream, CircuitBreakerConfig.custom()
                .slidingWindowType(SlidingWindowType.TIME_BASED)
                .slidingWindowSize((int) Math.max(1, settings.window().toSeconds()))
                .minimumNumberOfCalls(settings.minimumTurns())
                .failureRateThreshold(settings.failureRate())
                .slowCallRateThreshold(settings.slowRate())
                .slowCallDurationThreshold(settings.slowAfter())
                .waitDurationInOpenState(settings.openFor())
                .permittedNumberOfCallsInHalfOpenState(settings.trialTurns())
                .clock(clock).build());
        if (!settings.enabled()) {
            breaker.transitionToDisabledState();
        }
        breaker.getEventPublisher().onStateTransition(event -> changed(event.getStateTransition()));
    }

    /** The permission for one turn; empty if the breaker refuses the turn. */
    public Optional<Permission> tryAcquire() {
        return breaker.tryAcquirePermission() ? Optional.of(new Permission(transitions)) : Optional.empty();
    }

    public State state() {
        return switch (breaker.getState()) {
            case CLOSED, METRICS_ONLY -> State.CLOSED;
            case OPEN, FORCED_OPEN -> State.OPEN;
            case HALF_OPEN -> State.HALF_OPEN;
            case DISABLED -> State.DISABLED;
        };
    }

    /** Seconds after which a turn that was refused may be permitted, at least 1. */
    public long retryAfter() {
        Duration left = state() == State.OPEN ? Duration.between(clock.instant(), openUntil) : TRIAL;
        return Math.max(1, left.plusMillis(999).toSeconds());
    }

    private synchronized void changed(StateTransition transition) {
        transitions++;
        switch (transition.getToState()) {
            case OPEN, FORCED_OPEN -> {
                openUntil = clock.instant().plus(openFor);
                CircuitBreaker.Metrics seen = breaker.getMetrics();
                LOG.warnf(
                        "The breaker of the upstream %s opens for %s: of %d turns %d failed and %d were slow before their first event",
                        upstream, openFor, seen.getNumberOfBufferedCalls(), seen.getNumberOfFailedCalls(),
                        seen.getNumberOfSlowCalls());
            }
            case HALF_OPEN -> LOG.infof("The breaker of the upstream %s lets turns try", upstream);
            case CLOSED, METRICS_ONLY, DISABLED -> LOG.infof("The breaker of the upstream %s closes", upstream);
        }
    }

    /** Whether the upstream is at fault for a turn that failed so before its first event. What the caller or the operator has to change is not. */
    private static boolean counts(Failure.Code code) {
        return switch (code) {
            case UPSTREAM_UNAVAILABLE, UPSTREAM_UNTRUSTED, UPSTREAM_RATE_LIMITED, UPSTREAM_TIMEOUT, UPSTREAM_CUT,
                    UPSTREAM_ERROR,
                    UPSTREAM_PROTOCOL, TURN_TOO_LONG ->
                    true;
            // A refused key is answered at once, and its error tells the operator what to do. An open breaker would hide it.
            case UPSTREAM_UNAUTHORIZED, UPSTREAM_REFUSED, CONTEXT_LENGTH_EXCEEDED, TURN_TOO_LARGE, APPROVAL_UNAVAILABLE,
                    STORAGE_REFUSED, REPLICA_LOST, INTERNAL_ERROR, UNKNOWN ->
                    false;
        };
    }

    /**
     * The permission of one turn. The first call of a method decides, and further calls do nothing. A turn that was permitted before the
     * breaker's last change of state does not count: a slow time-out of the closed state says nothing about the trial turns.
     */
    public final class Permission {

        private final int given;
        private final AtomicBoolean used = new AtomicBoolean();

        private Permission(int given) {
            this.given = given;
        }

        /** The upstream's first event has arrived. */
        public void answered(Duration after) {
            if (use()) {
                breaker.onSuccess(after.toNanos(), TimeUnit.NANOSECONDS);
            }
        }

        /** The turn failed before its first event. */
        public void failed(Failure.Code code, Duration after) {
            if (!counts(code)) {
                release();
            } else if (use()) {
                breaker.onError(after.toNanos(), TimeUnit.NANOSECONDS, new Failed(code));
            }
        }

        /** The turn tells nothing about the upstream. In the half-open state another turn may try in its place. */
        public void release() {
            if (use()) {
                breaker.releasePermission();
            }
        }

        private boolean use() {
            return used.compareAndSet(false, true) && given == transitions;
        }
    }
}
