package io.chatrelay.cluster;

import static io.chatrelay.cluster.StoredLeases.MARK_ENDED;
import static io.chatrelay.cluster.StoredLeases.MARK_GONE;
import static io.chatrelay.cluster.StoredLeases.REGISTER;
import static io.chatrelay.cluster.StoredLeases.RENEW;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.chatrelay.database.ScriptedDatabase;

/** When a lease is kept, when it is lost, and when a process may take over from others. What a row's SQL does in PostgreSQL, LeaseTest asks. */
class LeaseTimesTest {

    private static final Duration LEASE = Duration.ofSeconds(10);
    private static final Duration INTERVAL = Duration.ofSeconds(2);
    /** The longest gap between two renewals that is no outage. */
    private static final Duration UNBROKEN = LEASE.minus(INTERVAL.multipliedBy(2));
    private static final Duration MOMENT = Duration.ofMillis(1);

    private record Times(Duration duration, Duration renewEvery, Duration sweepEvery, Duration absence, Duration forgetAfter)
            implements
                LeaseConfig {
        Times(Duration duration, Duration renewEvery) {
            this(duration, renewEvery, renewEvery, Duration.ofSeconds(1), Duration.ofHours(1));
        }
    }

    private final ManualClock databaseClock = new ManualClock();
    private final ManualClock clock = new ManualClock();
    private final ScriptedDatabase database = new ScriptedDatabase(this::passes);
    private final StoredLeases stored = new StoredLeases(database, databaseClock);
    private final AtomicInteger lost = new AtomicInteger();
    private final Lease mine = lease(clock, lost::incrementAndGet);
    private final Lease other = lease(clock, () -> {});

    private static Lease lease(ManualClock clock, Runnable onLost) {
        return new Lease(new Times(LEASE, INTERVAL), onLost, clock);
    }

    private Connection connection() throws SQLException {
        return database.source().getConnection();
    }

    private void passes(Duration time) {
        databaseClock.advance(time);
        clock.advance(time);
    }

    private void renew(Lease lease) throws SQLException {
        lease.renew(connection());
    }

    private void sweep(Lease lease) throws SQLException {
        lease.sweep(connection());
    }

    /** These renew at their interval, for so long that each of them may take over from others. */
    private void renewLongEnough(Lease... leases) throws SQLException {
        for (Duration time = Duration.ZERO; time.compareTo(LEASE) <= 0; time = time.plus(INTERVAL)) {
            for (Lease lease : leases) {
                renew(lease);
            }
            passes(INTERVAL);
        }
        for (Lease lease : leases) {
            renew(lease);
        }
    }

    @Nested
    class Renewing {

        @Test
        void aRenewalGivesAWholeLeaseFromNowOnByTheDatabasesClock() throws SQLException {
            renew(mine);
            databaseClock.advance(Duration.ofSeconds(7));
            assertThat(stored.millisLeft(mine.incarnation())).isEqualTo(3000);

            renew(mine);

            assertThat(stored.millisLeft(mine.incarnation())).isEqualTo(LEASE.toMillis());
        }

        @Test
        void aLateRenewalKeepsALeaseThatNoReplicaTook() throws SQLException {
            renew(mine);
            UUID before = mine.incarnation();
            passes(Duration.ofHours(1));
            assertThat(mine.isFresh()).isFalse();

            renew(mine);

            assertThat(mine.incarnation()).isEqualTo(before);
            assertThat(mine.isFresh()).isTrue();
            assertThat(lost).hasValue(0);
        }

        @Test
        void aProcessWhoseLeaseAnotherTookRegistersAnew() throws SQLException {
            renew(mine);
            UUID before = mine.incarnation();
            stored.end(before);

            renew(mine);
            mine.lost(before);

            assertThat(lost).as("a lease is lost once, whoever notices it").hasValue(1);
            assertThat(mine.incarnation()).isNotEqualTo(before);
            assertThat(stored.isHeld(mine.incarnation())).isTrue();
            assertThat(stored.isHeld(before)).isFalse();
        }

        @Test
        void aRenewalThatFailsLosesNothing() throws SQLException {
            renew(mine);
            UUID before = mine.incarnation();
            database.on(RENEW).fails("57014").losesTheAnswer();

            assertThatThrownBy(() -> renew(mine)).isInstanceOf(SQLException.class);
            assertThatThrownBy(() -> renew(mine)).isInstanceOf(SQLException.class);
            renew(mine);

            assertThat(mine.incarnation()).isEqualTo(before);
            assertThat(lost).hasValue(0);
        }

        @Test
        void aRegistrationWithoutAnAnswerIsRepeatedByTheSameProcess() throws SQLException {
            UUID before = mine.incarnation();
            database.on(REGISTER).losesTheAnswer();

            assertThatThrownBy(() -> renew(mine)).isInstanceOf(SQLException.class);
            assertThat(mine.registered()).isFalse();
            renew(mine);

            assertThat(mine.registered()).isTrue();
            assertThat(mine.incarnation()).isEqualTo(before);
            assertThat(stored.registered()).isEqualTo(1);
        }

        @Test
        void aProcessThatGaveUpItsLeaseDoesNotRegisterAgain() throws SQLException {
            renew(mine);
            mine.release(connection());
            assertThat(stored.isHeld(mine.incarnation())).isFalse();

            renew(mine);

            assertThat(mine.registered()).isFalse();
            assertThat(stored.registered()).isEqualTo(1);
            assertThat(lost).hasValue(0);
        }
    }

    @Nested
    class TakingOver {

        @Test
        void aLeaseEndsByTheDatabasesClockHoweverSlowItsOwnersIs() throws SQLException {
            ManualClock standsStill = new ManualClock();
            Lease silent = lease(standsStill, lost::incrementAndGet);
            renewLongEnough(mine, silent);
            UUID replica = silent.incarnation();
            for (Duration time = INTERVAL; time.compareTo(LEASE) <= 0; time = time.plus(INTERVAL)) {
                passes(INTERVAL);
                renew(mine);
                sweep(mine);
                assertThat(stored.isHeld(replica)).as("after %s", time).isTrue();
            }

            passes(MOMENT);
            sweep(mine);

            assertThat(stored.isHeld(replica)).isFalse();
            assertThat(silent.isFresh()).as("by its own clock").isTrue();
            renew(silent);
            assertThat(lost).hasValue(1);
        }

        @Test
        void aLeaseEndsByTheDatabasesClockHoweverFastTheTakersIs() throws SQLException {
            renew(other);
            renew(mine);
            for (int i = 0; i < 10; i++) {
                clock.advance(INTERVAL);
                renew(mine);
            }

            sweep(mine);

            assertThat(database.calls(MARK_ENDED)).as("it believes that its time has come").hasSize(1);
            assertThat(stored.isHeld(other.incarnation())).isTrue();
        }

        @Test
        void aProcessTakesOverOnlyAfterAWholeLeaseOfItsOwnRenewals() throws SQLException {
            renew(other);
            passes(LEASE.plus(MOMENT));
            for (Duration time = Duration.ZERO; time.compareTo(LEASE) <= 0; time = time.plus(INTERVAL)) {
                renew(mine);
                sweep(mine);
                assertThat(database.calls(MARK_ENDED)).as("after %s", time).isEmpty();
                passes(INTERVAL);
            }

            renew(mine);
            sweep(mine);

            assertThat(stored.isHeld(other.incarnation())).isFalse();
            assertThat(stored.isHeld(mine.incarnation())).isTrue();
        }

        @Test
        void aGapThatCountsAsAnOutageDelaysTakeoversByAWholeLease() throws SQLException {
            renewLongEnough(mine, other);
            passes(UNBROKEN.plus(MOMENT));
            renew(mine);
            passes(UNBROKEN);
            renew(mine);
            assertThat(stored.isOver(other.incarnation())).isTrue();

            sweep(mine);

            assertThat(database.calls(MARK_ENDED)).isEmpty();
            passes(LEASE.minus(UNBROKEN));
            renew(mine);
            sweep(mine);
            assertThat(database.calls(MARK_ENDED)).as("a lease after the gap, to the moment").isEmpty();
            passes(MOMENT);
            sweep(mine);
            assertThat(stored.isHeld(other.incarnation())).isFalse();
        }

        @Test
        void theLongestGapThatIsNoOutageDelaysNoTakeover() throws SQLException {
            renewLongEnough(mine, other);
            passes(UNBROKEN);
            renew(mine);
            passes(UNBROKEN);
            renew(mine);

            sweep(mine);

            assertThat(stored.isHeld(other.incarnation())).isFalse();
        }

        @Test
        void aProcessWithoutAFreshLeaseMarksNobody() throws SQLException {
            renewLongEnough(mine, other);
            passes(UNBROKEN.plus(MOMENT));

            sweep(mine);
            mine.markGone(connection(), List.of(other.incarnation()), Duration.ofSeconds(1));

            assertThat(database.said()).doesNotContain(MARK_ENDED, MARK_GONE);
        }

        @Test
        void aTakeoverAskedForBeforeAnOutageAndExecutedAfterItTakesNothing() throws SQLException {
            renewLongEnough(mine, other);
            database.on(MARK_ENDED).meanwhile(() -> databaseClock.advance(Duration.ofHours(1)));

            sweep(mine);

            assertThat(database.calls(MARK_ENDED)).hasSize(1);
            assertThat(stored.isOver(other.incarnation())).isTrue();
            assertThat(stored.isHeld(other.incarnation())).isTrue();
        }

        @Test
        void anOutageOfTheDatabaseCostsNobodyItsLease() throws SQLException {
            renewLongEnough(mine, other);
            passes(Duration.ofHours(1));

            renew(other);
            sweep(other);
            passes(INTERVAL);
            renew(mine);
            sweep(mine);

            assertThat(lost).hasValue(0);
            assertThat(stored.isHeld(mine.incarnation())).isTrue();
        }

        @Test
        void aProcessWithoutSessionsIsTakenOverWhenItIsSilentBeforeItsLeaseEnds() throws SQLException {
            renewLongEnough(mine, other);
            Duration absence = Duration.ofSeconds(1);

            mine.markGone(connection(), List.of(other.incarnation()), absence);
            assertThat(stored.isHeld(other.incarnation())).as("it has just renewed").isTrue();
            passes(absence.plus(MOMENT));
            mine.markGone(connection(), List.of(other.incarnation()), absence);

            assertThat(stored.isOver(other.incarnation())).isFalse();
            assertThat(stored.isHeld(other.incarnation())).isFalse();
        }
    }

    /** The journal's clock renews through such a connection, and tries once more at once. */
    @ParameterizedTest
    @CsvSource({ "10000, 2000", "1000, 50", "3000, 1000", "600000, 60000" })
    void connectionsThatHangOneAfterTheOtherLeaveTimeToRenew(long lease, long interval) throws SQLException {
        Times times = new Times(Duration.ofMillis(lease), Duration.ofMillis(interval));
        Lease renewed = new Lease(times, lost::incrementAndGet, clock);
        KeptConnection control = new KeptConnection(database.source(), Lease.patience(times), renewed::incarnation,
                new Presence(Duration.ZERO), clock);
        renewed.renew(control.get());
        passes(times.renewEvery());
        database.on(RENEW).timesOut().timesOut();

        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> renewed.renew(control.get())).isInstanceOf(SQLException.class);
            control.discard();
            assertThat(stored.isOver(renewed.incarnation())).isFalse();
        }
        assertThat(stored.millisLeft(renewed.incarnation())).isGreaterThanOrEqualTo(interval);
        renewed.renew(control.get());

        assertThat(stored.millisLeft(renewed.incarnation())).isEqualTo(lease);
        assertThat(lost).hasValue(0);
    }
}
