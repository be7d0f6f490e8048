package io.chatrelay.journal;

import static io.chatrelay.cluster.StoredLeases.DEAD;
import static io.chatrelay.cluster.StoredLeases.RENEW;
import static io.chatrelay.database.ScriptedDatabase.CONNECT;
import static io.chatrelay.journal.RecordingOwner.LOST;
import static io.chatrelay.journal.StoredEvents.STORE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import io.chatrelay.cluster.ManualClock;
import io.chatrelay.cluster.StoredLeases;
import io.chatrelay.database.ScriptedDatabase;
import io.chatrelay.database.ScriptedDatabase.Gate;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.smallrye.mutiny.helpers.test.AssertSubscriber;

/** Which turns are open on a replica: how they are dropped, handed over and taken over. Its threads run; how old something is, the test says. */
class JournalTest {

    private static final Duration LEASE = Duration.ofSeconds(10);
    private static final Duration OFTEN = Duration.ofMillis(10);
    private static final Duration NEVER = Duration.ofHours(1);
    private static final Duration MOMENT = Duration.ofMillis(1);
    /** After that a turn that is owned and not run is no beginning. */
    private static final Duration FORGOTTEN = Duration.ofSeconds(20);

    private final ManualClock clock = new ManualClock();
    private final ScriptedDatabase database = new ScriptedDatabase(clock::advance);
    private final StoredLeases leases = new StoredLeases(database, clock);
    private final StoredEvents stored = new StoredEvents(database, leases::isHeld);
    private final Turns turns = new Turns();
    private final AtomicInteger flushes = new AtomicInteger();
    private final ExecutorService loaders = Executors.newVirtualThreadPerTaskExecutor();
    private final Journal<String> journal = new Journal<>(
            new JournalConnections(database.source(), database.source(), flushes::incrementAndGet), new Lines(),
            new Settings.Bounds().withPollsEvery(OFTEN), new Settings.Leases(LEASE, OFTEN, OFTEN, Duration.ZERO, NEVER),
            new Settings.Feeds(), turns, loaders, new SimpleMeterRegistry(), clock);
    private final List<String> takenOver = new CopyOnWriteArrayList<>();

    /** The table of turns. */
    private static final class Turns extends NoTurns {
        private final Set<UUID> running = ConcurrentHashMap.newKeySet();
        private final Set<UUID> claimable = ConcurrentHashMap.newKeySet();
        private final List<UUID> givenAway = new CopyOnWriteArrayList<>();
        private final AtomicInteger looks = new AtomicInteger();

        @Override
        public List<UUID> running(Connection connection, UUID owner) {
            looks.incrementAndGet();
            return List.copyOf(running);
        }

        @Override
        public List<UUID> claim(Connection connection, List<UUID> gone, UUID owner) {
            List<UUID> claimed = List.copyOf(claimable);
            claimable.clear();
            return claimed;
        }

        @Override
        public void giveAway(Connection connection, List<UUID> turns, UUID from, UUID to) {
            givenAway.addAll(turns);
        }
    }

    @BeforeEach
    void start() throws SQLException {
        journal.start(new Journal.TakeoverHandler() {
            @Override
            public void takeOver(UUID turn, long lastNumber, UUID owner) {
                takenOver.add(turn + " after " + lastNumber + " as " + owner);
            }

            @Override
            public void cancel(UUID turn) {}
        });
    }

    @AfterEach
    void stop() {
        journal.stop();
        loaders.shutdownNow();
    }

    private static void await(String what, Callable<Boolean> condition) {
        Awaitility.await(what).atMost(Duration.ofSeconds(20)).pollInterval(Duration.ofMillis(5)).until(condition);
    }

    /** The sweep comes round twice: what it was about to do before is done then. */
    private void awaitSweeps() {
        int before = turns.looks.get();
        await("two sweeps", () -> turns.looks.get() >= before + 2);
    }

    private TurnLog<String> open(UUID turn, RecordingOwner owner) {
        return journal.open(turn, 0, journal.replica(), owner);
    }

    private AssertSubscriber<List<JournalEntry<String>>> read(UUID turn) {
        return journal.read(turn, 0, Runnable::run, true).subscribe().withSubscriber(AssertSubscriber.create(Long.MAX_VALUE));
    }

    private static List<String> got(AssertSubscriber<List<JournalEntry<String>>> reader) {
        return reader.getItems().stream().flatMap(List::stream).map(entry -> entry.number() + " " + entry.event()).toList();
    }

    @Test
    void aTurnThatIsOwnedAndNotRunIsTakenOverWhenItCannotBeABeginningAnyMore() {
        UUID turn = UUID.randomUUID();
        stored.put(turn, 1, "a", "b");
        turns.running.add(turn);
        awaitSweeps();
        clock.advance(FORGOTTEN);
        awaitSweeps();
        assertThat(takenOver).isEmpty();

        clock.advance(MOMENT);
        await("its takeover", () -> !takenOver.isEmpty());

        assertThat(takenOver).containsExactly(turn + " after 2 as " + journal.replica());
    }

    @Test
    void aTurnWhoseLogIsOpenedInTimeIsNotTakenOver() {
        UUID turn = UUID.randomUUID();
        turns.running.add(turn);
        awaitSweeps();

        open(turn, new RecordingOwner());
        awaitSweeps();
        clock.advance(FORGOTTEN.multipliedBy(2));
        awaitSweeps();

        assertThat(takenOver).isEmpty();
    }

    @Test
    void theTurnsOfAReplicaThatIsGoneAreClaimedByTheNextPoll() {
        UUID turn = UUID.randomUUID();
        stored.put(turn, 1, "a");
        turns.claimable.add(turn);
        leases.isGoneWithTurns(UUID.randomUUID());

        await("its takeover", () -> !takenOver.isEmpty());

        assertThat(takenOver).containsExactly(turn + " after 1 as " + journal.replica());
    }

    @Test
    void aReplicaThatLeavesClaimsNothing() {
        journal.leave();
        turns.claimable.add(UUID.randomUUID());
        leases.isGoneWithTurns(UUID.randomUUID());
        int before = database.calls(RENEW).size();
        await("more rounds of the clock", () -> database.calls(RENEW).size() > before + 3);

        assertThat(takenOver).isEmpty();
        assertThat(journal.unready()).contains("the process stops");
    }

    @Test
    void aLostLeaseDropsAllTurnsAndEndsTheirStreams() {
        UUID turn = UUID.randomUUID();
        UUID replica = journal.replica();
        RecordingOwner first = new RecordingOwner();
        RecordingOwner second = new RecordingOwner();
        open(turn, first);
        open(UUID.randomUUID(), second);
        var reader = read(turn);

        leases.end(replica);
        await("the loss", () -> first.told().contains(LOST) && second.told().contains(LOST));

        await("the end of its stream", () -> reader.getFailure() != null);
        await("its next registration", () -> leases.isHeld(journal.replica()));
        assertThat(journal.replica()).isNotEqualTo(replica);
        assertThat(journal.unfinished()).isZero();
        RecordingOwner late = new RecordingOwner();
        journal.open(UUID.randomUUID(), 0, replica, late);
        assertThat(late.told()).as("of a log that is opened under the lost lease").containsExactly(LOST);
    }

    @Test
    void whoHoldsNoLeaseWritesNoTurn() throws SQLException {
        Connection connection = database.source().getConnection();
        assertThat(journal.fence(connection)).isEqualTo(journal.replica());
        database.always(RENEW).fails("57P03");

        leases.end(journal.replica());

        assertThatThrownBy(() -> journal.fence(connection)).isInstanceOfSatisfying(SQLException.class,
                e -> assertThat(e.getSQLState()).isEqualTo("57P03"));
    }

    @Test
    void aLeaseThatIsNotRenewedMakesTheReplicaUnready() {
        assertThat(journal.unready()).isEmpty();
        database.always(RENEW).fails("57P03");
        int before = database.calls(RENEW).size();
        await("a failed renewal", () -> database.calls(RENEW).size() > before + 2);

        clock.advance(LEASE.plus(MOMENT));

        assertThat(journal.unready()).contains("the lease is not renewed");
    }

    @Test
    void aRenewalThatHangsIsTriedOnAnotherConnectionBeforeTheLeaseEnds() {
        UUID replica = journal.replica();
        AtomicLong left = new AtomicLong();
        AtomicInteger renewed = new AtomicInteger();
        List<String> between = new CopyOnWriteArrayList<>();
        database.on(RENEW).timesOut().meanwhile(() -> {
            left.set(leases.millisLeft(replica));
            List<String> before = database.said().subList(0, database.said().lastIndexOf(RENEW));
            between.addAll(before.subList(before.lastIndexOf(RENEW) + 1, before.size()));
        });
        database.always(RENEW).meanwhile(renewed::incrementAndGet);

        await("renewals that go on", () -> renewed.get() > 1);

        assertThat(left.get()).isGreaterThan(LEASE.toMillis() / 3);
        assertThat(between).as("nothing else comes first").contains(CONNECT).doesNotContain(DEAD);
        assertThat(journal.replica()).isEqualTo(replica);
        assertThat(flushes).as("the pool's connections are probably broken, too").hasValue(1);
    }

    @Test
    void aTurnThatIsHandedOverIsStoredAndItsReadersFollowIt() {
        UUID turn = UUID.randomUUID();
        RecordingOwner owner = new RecordingOwner();
        TurnLog<String> log = open(turn, owner);
        var reader = read(turn);
        log.append(List.of("a", "b"), null);

        journal.handOver(List.of(turn));
        log.append(List.of("too late"), null);
        assertThat(turns.givenAway).containsExactly(turn);
        assertThat(journal.unfinished()).isZero();
        stored.put(turn, 3, "from elsewhere");

        await("what the other replica writes", () -> got(reader).size() == 3);
        assertThat(got(reader)).containsExactly("1 a", "2 b", "3 from elsewhere");
        assertThat(owner.told()).as("it gave the turn away itself").isEmpty();
    }

    @Test
    void aTurnThatCannotBeStoredInTimeIsHandedOverByTheNextCall() throws InterruptedException {
        UUID turn = UUID.randomUUID();
        TurnLog<String> log = open(turn, new RecordingOwner());
        Gate hangs = new Gate();
        database.on(STORE).waitsAt(hangs);
        log.append(List.of("a"), null);
        hangs.awaitReached();

        Thread first = Thread.startVirtualThread(() -> journal.handOver(List.of(turn)));
        await("its end", () -> {
            clock.advance(Duration.ofSeconds(1));
            return !first.isAlive();
        });
        assertThat(turns.givenAway).isEmpty();
        assertThat(journal.unfinished()).isEqualTo(1);
        hangs.release();
        journal.handOver(List.of());

        assertThat(turns.givenAway).containsExactly(turn);
        assertThat(stored.rows(turn)).containsExactly("1-1: a");
    }
}
