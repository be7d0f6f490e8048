package io.chatrelay.journal;

import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

import io.chatrelay.cluster.KeptConnection;
import io.chatrelay.cluster.Lease;
import io.chatrelay.cluster.ManualClock;
import io.chatrelay.cluster.Presence;
import io.chatrelay.cluster.StoredLeases;
import io.chatrelay.database.ScriptedDatabase;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.smallrye.mutiny.helpers.test.AssertSubscriber;

/**
 * A journal's writer with its lease and feeds, on a scripted database and a manual clock. Nothing happens until the test calls {@link #write},
 * and then on the test's thread.
 */
final class WriterUnderTest {

    /** A running turn: its log, its readers' stream, and what its owner was told. */
    record Turn(UUID id, TurnLog<String> log, RecordingOwner owner, AssertSubscriber<List<JournalEntry<String>>> reader) {

        void append(String... events) {
            log.append(List.of(events), null);
        }

        void append(TransactionalEffect effect, String... events) {
            log.append(List.of(events), effect);
        }

        List<String> told() {
            return owner.told();
        }

        /** What its reader has got so far, as {@code "1 a"}. */
        List<String> published() {
            return reader.getItems().stream().flatMap(List::stream).map(entry -> entry.number() + " " + entry.event()).toList();
        }
    }

    final ManualClock clock = new ManualClock();
    final ScriptedDatabase database = new ScriptedDatabase(clock::advance);
    final StoredLeases leases = new StoredLeases(database, clock);
    final StoredEvents stored = new StoredEvents(database, leases::isHeld);
    final Lease lease;
    final JournalWriter<String> writer;
    private final Settings.Bounds bounds;
    private final Feeds<String> feeds;
    private final Map<UUID, Turn> open = new ConcurrentHashMap<>();
    private final ManualExecutor loaders = new ManualExecutor();

    WriterUnderTest(Settings.Bounds bounds) {
        this.bounds = bounds;
        Lines codec = new Lines();
        feeds = new Feeds<>(database.source(), new EventTable<>(codec), codec, new Settings.Feeds(), loaders);
        lease = new Lease(new Settings.Leases(), () -> List.copyOf(open.values()).forEach(turn -> drop(turn.log())), clock);
        writer = new JournalWriter<>(
                new KeptConnection(database.source(), Duration.ofSeconds(3), lease::incarnation, new Presence(Duration.ZERO),
                        clock),
                lease, bounds, new JournalMetrics(new SimpleMeterRegistry()), new JournalWriter.Listener<>() {
                    @Override
                    public void ended(UUID turn) {
                        open.remove(turn);
                    }

                    @Override
                    public void failed(TurnLog<String> log) {
                        drop(log);
                    }
                }, clock);
        register();
    }

    private void register() {
        try {
            lease.renew(database.source().getConnection());
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private void drop(TurnLog<String> log) {
        if (open.remove(log.turn()) != null) {
            log.lost();
        }
    }

    /** A new turn with a reader from its first event on. */
    Turn open() {
        return open(0, lease.incarnation());
    }

    /** A turn that goes on after its last stored event, and that this incarnation owns. */
    Turn open(long lastNumber, UUID as) {
        UUID id = UUID.randomUUID();
        RecordingOwner owner = new RecordingOwner();
        TurnLog<String> log = new TurnLog<>(id, as, lastNumber, writer, feeds.open(id, lastNumber),
                new Lines(),
                owner, bounds.maxPendingPerTurn().asLongValue());
        Turn turn = new Turn(id, log, owner, feeds.read(id, lastNumber, Runnable::run, true).subscribe()
                .withSubscriber(AssertSubscriber.create(Long.MAX_VALUE)));
        open.put(id, turn);
        return turn;
    }

    /** The writer stores what is pending, until nothing is left. */
    void write() {
        writer.stop();
        writer.run();
    }

    /** The rows that each attempt to store something contained. */
    List<List<String>> attempts() {
        return database.calls(StoredEvents.STORE).stream().map(StoredEvents::rowsOf).toList();
    }
}
