package io.chatrelay.inkeep;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

import org.junit.jupiter.api.Test;

/** How long a run is looked for. */
class FollowPatienceTest {

    private static final Optional<Duration> AGAIN = Optional.of(Duration.ofMillis(500));

    private final FollowPatience patience = new FollowPatience(Duration.ofSeconds(8));

    private static long after(long seconds) {
        return Duration.ofDays(1).plusSeconds(seconds).toNanos();
    }

    @Test
    void readsThatBringNothingAreRepeatedForAsLongAsIsSet() {
        assertThat(patience.fruitless(after(0), false)).isEqualTo(AGAIN);
        assertThat(patience.fruitless(after(4), false)).isEqualTo(AGAIN);
        assertThat(patience.fruitless(after(8), false)).isEqualTo(AGAIN);
        assertThat(patience.fruitless(after(8) + 1, false)).isEmpty();
    }

    @Test
    void somethingNewBeginsThatTimeAnew() {
        patience.fruitless(after(0), false);
        patience.gaveMore();

        assertThat(patience.fruitless(after(9), false)).isEqualTo(AGAIN);
        assertThat(patience.fruitless(after(17) + 1, false)).isEmpty();
    }

    @Test
    void aRunThatGoesOnBeginsThatTimeAnew() {
        patience.fruitless(after(0), false);

        assertThat(patience.fruitless(after(9), true)).isEqualTo(AGAIN);
        assertThat(patience.fruitless(after(10), false)).isEqualTo(AGAIN);
    }

    @Test
    void theFirstSilenceCounts() {
        patience.silentSince(after(0));
        patience.silentSince(after(5));

        assertThat(patience.fruitless(after(8) + 1, false)).isEmpty();
    }

    @Test
    void aServerWithoutAnAnswerIsAskedEverMoreSlowlyForHalfAMinute() {
        List<Long> pauses = new ArrayList<>();
        for (int second = 0; second <= 30; second += 5) {
            pauses.add(patience.unanswered(after(second)).orElseThrow().toMillis());
        }

        assertThat(pauses).containsExactly(250L, 500L, 1000L, 2000L, 4000L, 5000L, 5000L);
        assertThat(patience.unanswered(after(30) + 1)).isEmpty();
    }

    @Test
    void anAnswerBeginsThatTimeAnewButNotThePauses() {
        assertThat(patience.isUnanswered()).isFalse();
        patience.unanswered(after(0));
        assertThat(patience.isUnanswered()).isTrue();
        patience.answered();
        assertThat(patience.isUnanswered()).isFalse();

        assertThat(patience.unanswered(after(60))).contains(Duration.ofMillis(500));
    }

    @Test
    void aReadThatBroughtSomethingBeginsThePausesAnew() {
        patience.later();
        patience.later();

        assertThat(patience.closedAfterMore()).isEqualTo(AGAIN.orElseThrow());
        assertThat(patience.later()).isEqualTo(Duration.ofMillis(250));
    }
}
