package io.chatrelay.journal;

import static io.chatrelay.cluster.StoredLeases.RENEW;
import static io.chatrelay.database.ScriptedDatabase.CLOSE;
import static io.chatrelay.database.ScriptedDatabase.COMMIT;
import static io.chatrelay.database.ScriptedDatabase.ROLLBACK;
import static io.chatrelay.journal.RecordingOwner.LOST;
import static io.chatrelay.journal.StoredEvents.STORE;
import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import io.chatrelay.cluster.ManualClock;
import io.chatrelay.cluster.StoredLeases;
import io.chatrelay.database.ScriptedDatabase;
import io.chatrelay.database.ScriptedDatabase.Gate;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

/** What the journal's threads do when something on them throws, or hangs. */
class JournalThreadsTest {

    private final ManualClock clock = new ManualClock();
    private final ScriptedDatabase database = new ScriptedDatabase(clock::advance);
    private final StoredLeases leases = new StoredLeases(database, clock);
    private final StoredEvents stored = new StoredEvents(database, leases::isHeld);
    private final Settings.Rows rows = new Settings.Rows();
    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final ExecutorService loaders = Executors.newVirtualThreadPerTaskExecutor();
    private final Journal<String> journal = new Journal<>(
            new JournalConnections(database.source(), database.source(), () -> {}),
            new Lines(), rows,
            new Settings.Leases(), new Settings.Feeds(), new NoTurns(), loaders, metrics, clock);

    /** One whose owner has a defect: there it throws what is no exception. */
    private static final class Broken extends RecordingOwner {
        @Override
        public void ended() {
            throw new StackOverflowError("as scripted");
        }

        @Override
        public void refused(SQLException cause) {
            throw new StackOverflowError("as scripted");
        }
    }

    private void start() throws SQLException {
        journal.start(new Journal.TakeoverHandler() {
            @Override
            public void takeOver(UUID turn, long lastNumber, UUID owner) {}

            @Override
            public void cancel(UUID turn) {}
        });
    }

    @AfterEach
    void stop() {
        journal.stop();
        loaders.shutdownNow();
    }

    private TurnLog<String> open(RecordingOwner owner) {
        return journal.open(UUID.randomUUID(), 0, journal.replica(), owner);
    }

    private static ConditionFactory await(String what) {
        return Awaitility.await(what).atMost(Duration.ofSeconds(20)).pollInterval(Duration.ofMillis(10));
    }

    private static void awaitStored(TurnLog<String> log, long number) {
        await("event " + number).until(() -> log.committed() == number);
    }

    @Test
    void aDefectOfOneTurnCostsNoOther() throws SQLException {
        UUID replica = journal.replica();
        TurnLog<String> broken = open(new Broken());
        RecordingOwner owner = new RecordingOwner();
        TurnLog<String> sound = open(owner);
        broken.append(List.of("hello", "end"), null);
        sound.append(List.of("hello"), null);
        start();

        awaitStored(sound, 1);
        sound.append(List.of("still", "here"), null);
        awaitStored(sound, 3);
        assertThat(owner.told()).isEmpty();
        assertThat(journal.replica()).as("the incarnation that holds the lease").isEqualTo(replica);
    }

    @Test
    void aTurnWhoseRowCannotBeMadeIsGivenUpAndLeavesTheOthersInTheQueue() throws SQLException {
        RecordingOwner unlucky = new RecordingOwner();
        RecordingOwner owner = new RecordingOwner();
        TurnLog<String> first = open(unlucky);
        TurnLog<String> second = open(owner);
        first.append(List.of("hello"), null);
        second.append(List.of("hello"), null);
        rows.noMemory().set(true);
        start();

        awaitStored(second, 1);
        assertThat(unlucky.told()).as("it is taken over from what is stored").containsExactly(LOST);
        assertThat(owner.told()).isEmpty();
        assertThat(journal.unfinished()).isEqualTo(1);
    }

    @Test
    void halfATransactionIsNeverKept() throws SQLException {
        TurnLog<String> log = open(new RecordingOwner());
        log.append(List.of("hello"), _ -> {
            throw new StackOverflowError("as scripted");
        });
        start();
        await("the writer's next incarnation")
                .until(() -> !journal.replica().equals(log.as()) && leases.isHeld(journal.replica()));
        TurnLog<String> next = open(new RecordingOwner());
        next.append(List.of("hello"), null);
        awaitStored(next, 1);

        List<String> said = database.said().stream()
                .filter(Set.of(STORE, COMMIT, ROLLBACK, CLOSE)::contains).toList();
        assertThat(said.subList(0, 3)).containsExactly(STORE, ROLLBACK, CLOSE);
        assertThat(stored.rows(log.turn())).isEmpty();
    }

    @Test
    void aWriterThatHangsIsSeenByWhoAsksForReadinessAndInAMetric() throws SQLException, InterruptedException {
        Gate hangs = new Gate();
        database.on(STORE).waitsAt(hangs);
        start();
        assertThat(journal.unready()).isEmpty();
        TurnLog<String> log = open(new RecordingOwner());
        log.append(List.of("hello"), null);

        hangs.awaitReached();
        clock.advance(rows.roundWithin());
        assertThat(journal.unready()).isEmpty();
        clock.advance(Duration.ofMillis(1));
        assertThat(journal.unready()).hasValueSatisfying(reason -> assertThat(reason).contains("writer"));
        assertThat(metrics.get("chat.relay.journal.writer.idle.seconds").gauge().value())
                .isGreaterThan(rows.roundWithin().toMillis() / 1e3);

        hangs.release();
        awaitStored(log, 1);
        await("a replica that is ready again").until(() -> journal.unready().isEmpty());
    }

    @Test
    void aClockOnWhichSomethingThrowsGoesOnRenewing() throws SQLException {
        database.on(RENEW).meanwhile(() -> {
            throw new StackOverflowError("as scripted");
        });
        start();

        await("more renewals").until(() -> database.calls(RENEW).size() > 3);
    }
}
