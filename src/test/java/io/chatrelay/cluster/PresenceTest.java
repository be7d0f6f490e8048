package io.chatrelay.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** When a process without sessions counts as gone. Here its absence is a second and a half, and the others look every 250 ms. */
class PresenceTest {

    private static final UUID OTHER = UUID.randomUUID();
    private static final Presence.Sighting THERE = new Presence.Sighting(OTHER, true, true);
    private static final Presence.Sighting ABSENT = new Presence.Sighting(OTHER, false, true);
    private static final Presence.Sighting ABSENT_BUT_RENEWED = new Presence.Sighting(OTHER, false, false);

    private final Presence presence = new Presence(Duration.ofMillis(1500));
    private long now = System.nanoTime();

    @BeforeEach
    void otherIsThere() {
        assertThat(looks(1, THERE)).isEmpty();
    }

    /** What the last of several looks says. */
    private List<UUID> looks(int times, Presence.Sighting... sightings) {
        return Stream.generate(() -> later(250, sightings)).limit(times).reduce(List.of(), (_, last) -> last);
    }

    private List<UUID> later(long millis, Presence.Sighting... sightings) {
        now += TimeUnit.MILLISECONDS.toNanos(millis);
        return presence.gone(List.of(sightings), now);
    }

    @Test
    void itIsGoneAfterAWholeAbsence() {
        assertThat(looks(6, ABSENT)).isEmpty();
        assertThat(looks(1, ABSENT)).containsExactly(OTHER);
        assertThat(looks(1, ABSENT)).as("until it is marked").containsExactly(OTHER);
    }

    @Test
    void oneThatOpenedASessionAgainBeginsAnew() {
        assertThat(looks(6, ABSENT)).isEmpty();
        assertThat(looks(1, THERE)).isEmpty();
        assertThat(looks(6, ABSENT)).isEmpty();
        assertThat(looks(1, ABSENT)).containsExactly(OTHER);
    }

    @Test
    void oneThatRenewsIsThereWhateverItsSessionsSay() {
        assertThat(looks(50, ABSENT_BUT_RENEWED)).isEmpty();
        assertThat(looks(1, ABSENT)).containsExactly(OTHER);
    }

    @Test
    void oneThatNeverShowedASessionIsLeftToItsLease() {
        UUID older = UUID.randomUUID();
        assertThat(looks(50, THERE, new Presence.Sighting(older, false, true))).isEmpty();
    }

    @Test
    void afterAnOutageOfTheDatabaseWhoWasSeenBeforeIsUnknown() {
        presence.forget();
        assertThat(looks(50, ABSENT)).isEmpty();
    }

    @Test
    void whoDidNotLookForTooLongKnowsNothing() {
        assertThat(looks(6, ABSENT)).isEmpty();
        assertThat(later(3100, ABSENT)).isEmpty();
        assertThat(looks(50, ABSENT)).isEmpty();
    }

    @Test
    void whoWasHeldUpForAMomentKnowsWhatItSaw() {
        assertThat(looks(3, ABSENT)).isEmpty();
        assertThat(later(2900, ABSENT)).containsExactly(OTHER);
    }

    @Test
    void oneThatIsMarkedIsForgotten() {
        assertThat(looks(7, ABSENT)).containsExactly(OTHER);
        assertThat(looks(1)).isEmpty();
        assertThat(looks(50, ABSENT)).isEmpty();
    }
}
