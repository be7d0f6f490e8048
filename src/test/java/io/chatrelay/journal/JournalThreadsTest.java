package io.chatrelay.journal;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import io.chatrelay.turn.TurnFixtures;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;

/** What the journal's threads do when something on them throws, or hangs. */
class JournalThreadsTest {

    private static final String STORES = "insert into turn_event";
    private static final String RENEWS = "update replica set lease_end";

    private final ScriptedDatabase database = new ScriptedDatabase();
    private final Settings.Rows rows = new Settings.Rows();
    private final SimpleMeterRegistry metrics = new SimpleMeterRegistry();
    private final ExecutorService loaders = Executors.newVirtualThreadPerTaskExecutor();
    private final Journal<String> journal = new Journal<>(
            new JournalConnections(database.source(), database.source(), () -> {}),
            new Lines(), rows,
            new Settings.Leases(), new Settings.Feeds(), TurnFixtures.table(), loaders, metrics);

    private static final class Lines implements EventCodec<String> {
        @Override
        public byte[] encode(String event) {
            return event.getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public String decode(byte[] bytes, int offset, int length) {
            return new String(bytes, offset, length, StandardCharsets.UTF_8);
        }

        @Override
        public boolean isLast(String event) {
            return event.equals("end");
        }
    }

    private static class Owner implements TurnLog.Owner {
        private final AtomicBoolean lost = new AtomicBoolean();

        @Override
        public void room() {}

        @Override
        public void refused(SQLException cause) {}

        @Override
        public void lost() {
            lost.set(true);
        }

        @Override
        public void ended() {}
    }

    /** One whose owner has a defect: there it throws what is no exception. */
    private static final class Broken extends Owner {
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

    private TurnLog<String> open(Owner owner) {
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
        Owner owner = new Owner();
        TurnLog<String> sound = open(owner);
        broken.append(List.of("hello", "end"), null);
        sound.append(List.of("hello"), null);
        start();

        awaitStored(sound, 1);
        sound.append(List.of("still", "here"), null);
        awaitStored(sound, 3);
        assertThat(owner.lost).isFalse();
        assertThat(journal.replica()).as("the incarnation that holds the lease").isEqualTo(replica);
    }

    @Test
    void aTurnWhoseRowCannotBeMadeIsGivenUpAndLeavesTheOthersInTheQueue() throws SQLException {
        Owner unlucky = new Owner();
        Owner owner = new Owner();
        TurnLog<String> first = open(unlucky);
        TurnLog<String> second = open(owner);
        first.append(List.of("hello"), null);
        second.append(List.of("hello"), null);
        rows.noMemory().set(true);
        start();

        awaitStored(second, 1);
        assertThat(unlucky.lost).as("it is taken over from what is stored").isTrue();
        assertThat(owner.lost).isFalse();
        assertThat(journal.unfinished()).isEqualTo(1);
    }

    @Test
    void halfATransactionIsNeverKept() throws SQLException {
        TurnLog<String> log = open(new Owner());
        log.append(List.of("hello"), _ -> {
            throw new StackOverflowError("as scripted");
        });
        start();
        await("the writer's next incarnation").until(() -> !journal.replica().equals(log.as()));
        TurnLog<String> next = open(new Owner());
        next.append(List.of("hello"), null);
        awaitStored(next, 1);

        List<String> said = database.said().stream()
                .filter(word -> word.contains(STORES) || word.matches("commit|rollback|close"))
                .toList();
        assertThat(said).element(0).asString().contains(STORES);
        assertThat(said.subList(1, 3)).containsExactly("rollback", "close");
    }

    @Test
    void aWriterThatHangsIsSeenByWhoAsksForReadinessAndInAMetric() throws SQLException {
        CountDownLatch hangs = new CountDownLatch(1);
        database.before(STORES, () -> {
            try {
                hangs.await();
            } catch (InterruptedException e) {
                throw new SQLException(e);
            }
        });
        start();
        assertThat(journal.unready()).isEmpty();
        TurnLog<String> log = open(new Owner());
        log.append(List.of("hello"), null);

        await("a replica that is not ready").until(() -> journal.unready().isPresent());
        assertThat(journal.unready()).hasValueSatisfying(reason -> assertThat(reason).contains("writer"));
        assertThat(metrics.get("chat.relay.journal.writer.idle.seconds").gauge().value()).isGreaterThan(0.5);

        hangs.countDown();
        awaitStored(log, 1);
        await("a replica that is ready again").until(() -> journal.unready().isEmpty());
    }

    @Test
    void aClockOnWhichSomethingThrowsGoesOnRenewing() throws SQLException {
        AtomicInteger renewals = new AtomicInteger();
        database.before(RENEWS, () -> {
            if (renewals.incrementAndGet() == 1) {
                throw new StackOverflowError("as scripted");
            }
        });
        start();

        await("more renewals").until(() -> renewals.get() > 3);
    }
}
