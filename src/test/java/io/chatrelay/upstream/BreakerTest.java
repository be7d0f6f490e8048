package io.chatrelay.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import io.chatrelay.event.Failure;
import io.chatrelay.upstream.Breaker.Permission;
import io.chatrelay.upstream.Breaker.Settings;
import io.chatrelay.upstream.Breaker.State;

/** Which turns count, and what the breaker makes of them. */
class BreakerTest {

    private static final Set<Failure.Code> FAULTS = EnumSet.of(Failure.Code.UPSTREAM_UNAVAILABLE,
            Failure.Code.UPSTREAM_UNTRUSTED,
            Failure.Code.UPSTREAM_RATE_LIMITED, Failure.Code.UPSTREAM_TIMEOUT, Failure.Code.UPSTREAM_CUT,
            Failure.Code.UPSTREAM_ERROR, Failure.Code.UPSTREAM_PROTOCOL, Failure.Code.TURN_TOO_LONG);
    private static final Duration QUICK = Duration.ofMillis(200);
    private static final Duration SLOW = Duration.ofSeconds(31);

    private static final class ManualClock extends Clock {

        private Instant now = Instant.EPOCH;

        void passes(Duration time) {
            now = now.plus(time);
        }

        @Override
        public Instant instant() {
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }

    private final ManualClock clock = new ManualClock();
    private final Breaker breaker = breaker(true);

    private Breaker breaker(boolean enabled) {
        return new Breaker("agents", new Settings(enabled, 50, 80, Duration.ofSeconds(30), 4, Duration.ofMinutes(1),
                Duration.ofSeconds(10), 2), clock);
    }

    private void turns(int count, Consumer<Permission> end) {
        for (int i = 0; i < count; i++) {
            end.accept(breaker.tryAcquire().orElseThrow());
        }
    }

    private static void fails(Permission turn) {
        turn.failed(Failure.Code.UPSTREAM_UNAVAILABLE, QUICK);
    }

    private static void isAnswered(Permission turn) {
        turn.answered(QUICK);
    }

    private static void isSlow(Permission turn) {
        turn.answered(SLOW);
    }

    @Nested
    class Closed {

        @Test
        void opensWhereHalfOfTheTurnsFail() {
            turns(2, BreakerTest::isAnswered);
            turns(1, BreakerTest::fails);
            assertThat(breaker.state()).isEqualTo(State.CLOSED);

            turns(1, BreakerTest::fails);

            assertThat(breaker.state()).isEqualTo(State.OPEN);
            assertThat(breaker.tryAcquire()).isEmpty();
        }

        @Test
        void staysSoWhereFewerFail() {
            turns(5, BreakerTest::isAnswered);
            turns(4, BreakerTest::fails);

            assertThat(breaker.state()).isEqualTo(State.CLOSED);
        }

        @Test
        void staysSoBelowTheMinimumOfTurns() {
            turns(3, BreakerTest::fails);

            assertThat(breaker.state()).isEqualTo(State.CLOSED);
        }

        @Test
        void opensWhereNearlyAllTurnsAreSlow() {
            turns(1, BreakerTest::isAnswered);
            turns(3, BreakerTest::isSlow);
            assertThat(breaker.state()).isEqualTo(State.CLOSED);

            turns(1, BreakerTest::isSlow);

            assertThat(breaker.state()).isEqualTo(State.OPEN);
        }

        @Test
        void forgetsTurnsThatAreOlderThanTheWindow() {
            turns(3, BreakerTest::fails);
            clock.passes(Duration.ofSeconds(61));

            turns(3, BreakerTest::fails);

            assertThat(breaker.state()).isEqualTo(State.CLOSED);
        }

        @ParameterizedTest
        @EnumSource(Failure.Code.class)
        void opensByFailuresThatAreTheUpstreamsFaultAlone(Failure.Code code) {
            turns(4, turn -> turn.failed(code, QUICK));

            assertThat(breaker.state()).isEqualTo(FAULTS.contains(code) ? State.OPEN : State.CLOSED);
        }

        @Test
        void countsNothingAfterTheFirstEvent() {
            turns(4, turn -> {
                turn.answered(QUICK);
                turn.failed(Failure.Code.UPSTREAM_CUT, QUICK);
            });

            assertThat(breaker.state()).isEqualTo(State.CLOSED);
        }

        @Test
        void countsNoTurnThatTellsNothing() {
            turns(3, BreakerTest::fails);
            turns(4, Permission::release);

            assertThat(breaker.state()).isEqualTo(State.CLOSED);
        }
    }

    @Nested
    class Open {

        @Test
        void saysWhenToComeBack() {
            turns(4, BreakerTest::fails);
            assertThat(breaker.retryAfter()).isEqualTo(10);

            clock.passes(Duration.ofMillis(3500));

            assertThat(breaker.retryAfter()).isEqualTo(7);
        }

        @Test
        void refusesUntilItsTimeIsOver() {
            turns(4, BreakerTest::fails);
            clock.passes(Duration.ofMillis(9999));
            assertThat(breaker.tryAcquire()).isEmpty();

            clock.passes(Duration.ofMillis(2));

            assertThat(breaker.tryAcquire()).isPresent();
            assertThat(breaker.state()).isEqualTo(State.HALF_OPEN);
        }
    }

    @Nested
    class HalfOpen {

        private Permission fromBefore;
        private Permission first;
        private Permission second;

        private void begin() {
            fromBefore = breaker.tryAcquire().orElseThrow();
            turns(4, BreakerTest::fails);
            clock.passes(Duration.ofMillis(10_001));
            first = breaker.tryAcquire().orElseThrow();
            second = breaker.tryAcquire().orElseThrow();
        }

        @Test
        void permitsItsTrialTurnsAndNoMore() {
            begin();

            assertThat(breaker.tryAcquire()).isEmpty();
            assertThat(breaker.retryAfter()).isEqualTo(1);
        }

        @Test
        void closesAfterGoodTrials() {
            begin();
            isAnswered(first);
            assertThat(breaker.state()).isEqualTo(State.HALF_OPEN);

            isAnswered(second);

            assertThat(breaker.state()).isEqualTo(State.CLOSED);
            turns(3, BreakerTest::fails);
            assertThat(breaker.state()).as("the failures before count no more").isEqualTo(State.CLOSED);
        }

        @Test
        void opensAgainAfterFailedTrials() {
            begin();
            isAnswered(first);

            fails(second);

            assertThat(breaker.state()).isEqualTo(State.OPEN);
            assertThat(breaker.retryAfter()).isEqualTo(10);
        }

        @Test
        void permitsAnotherTrialForOneThatTellsNothing() {
            begin();

            first.failed(Failure.Code.UPSTREAM_REFUSED, QUICK);
            Optional<Permission> third = breaker.tryAcquire();

            assertThat(third).isPresent();
            assertThat(breaker.tryAcquire()).isEmpty();
        }

        @Test
        void isNotDecidedByATurnFromBefore() {
            begin();

            fails(fromBefore);
            isAnswered(first);
            isAnswered(second);

            assertThat(breaker.state()).isEqualTo(State.CLOSED);
        }

        @Test
        void permitsNoMoreForATurnFromBeforeThatTellsNothing() {
            begin();

            fromBefore.release();

            assertThat(breaker.tryAcquire()).isEmpty();
        }
    }

    @Test
    void disabledItPermitsEveryTurn() {
        Breaker disabled = breaker(false);
        for (int i = 0; i < 20; i++) {
            fails(disabled.tryAcquire().orElseThrow());
        }

        assertThat(disabled.tryAcquire()).isPresent();
        assertThat(disabled.state().wireName()).isEqualTo("disabled");
    }
}
