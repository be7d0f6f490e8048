package io.chatrelay.turn;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

import org.junit.jupiter.api.Test;

import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Failure;
import io.chatrelay.event.FinishReason;
import io.chatrelay.upstream.Breaker;
import io.chatrelay.upstream.Breaker.State;

/** What a breaker that opens after one turn is told of that turn. */
class PermittedTurnTest {

    private static final Ended UNAVAILABLE = Ended.failed(Failure.of(Failure.Code.UPSTREAM_UNAVAILABLE, "It is down."));

    private final Breaker breaker = new Breaker("agents", new Breaker.Settings(true, 50, 80, Duration.ofSeconds(30), 1,
            Duration.ofMinutes(1), Duration.ofMinutes(1), 1), Clock.systemUTC());
    private final AtomicLong nanos = new AtomicLong(17);
    private final PermittedTurn turn = new PermittedTurn(breaker.tryAcquire().orElseThrow(), nanos::get);

    @Test
    void aFailureBeforeTheFirstEventCounts() {
        turn.ends(null, UNAVAILABLE);

        assertThat(breaker.state()).isEqualTo(State.OPEN);
    }

    @Test
    void aFailureAfterItDoesNot() {
        turn.answers(null);
        turn.ends(null, UNAVAILABLE);
        turn.over(null);

        assertThat(breaker.state()).isEqualTo(State.CLOSED);
    }

    @Test
    void aFirstEventThatIsLateCounts() {
        nanos.addAndGet(Duration.ofSeconds(31).toNanos());

        turn.answers(null);

        assertThat(breaker.state()).isEqualTo(State.OPEN);
    }

    @Test
    void anEmptyAnswerThatIsLateCounts() {
        nanos.addAndGet(Duration.ofSeconds(31).toNanos());

        turn.ends(null, Ended.completed(FinishReason.STOP, null));

        assertThat(breaker.state()).isEqualTo(State.OPEN);
    }

    @Test
    void aCancelDoesNotCountHoweverLateItComes() {
        nanos.addAndGet(Duration.ofMinutes(1).toNanos());

        turn.ends(null, Ended.cancelled(null));
        turn.ends(null, UNAVAILABLE);

        assertThat(breaker.state()).isEqualTo(State.CLOSED);
    }

    @Test
    void aTurnThatGoesElsewhereDoesNotCount() {
        turn.over(null);
        turn.ends(null, UNAVAILABLE);

        assertThat(breaker.state()).isEqualTo(State.CLOSED);
    }
}
