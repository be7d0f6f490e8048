package io.chatrelay.journal;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

import javax.sql.DataSource;

import org.jboss.logging.Logger;

import io.micrometer.core.instrument.MeterRegistry;
import io.smallrye.mutiny.Multi;

/**
 * The durable event log of turns: write, then tell. An event reaches a reader only after its transaction committed;
 * events of a turn are numbered 1, 2, 3 … without a gap.
 *
 * <p>Two threads of its own, each with a connection that it keeps: the writer, and a clock that renews the lease, sweeps
 * those of others, follows turns that run elsewhere and compacts ended ones.
 *
 * @param <E> the events of a turn
 */
public final class Journal<E> {

    private static final Logger LOG = Logger.getLogger(Journal.class);

    /** A third of the time between two renewals of the lease. */
    private static final Duration COMPACTION = Duration.ofSeconds(1);

    /** What the journal asks of whoever knows what a turn means. */
    public interface Successor {

        /** This replica now owns a turn whose replica is gone; its last stored event has that number. */
        void takeOver(UUID turn, long lastNumber);
    }

    private final DataSource database;
    private final EventCodec<E> codec;
    private final JournalConfig config;
    private final EventTable<E> table;
    private final Feeds<E> feeds;
    private final Lease lease;
    private final LeaseConfig leaseConfig;
    private final JournalWriter<E> writer;
    private final Map<UUID, TurnLog<E>> open = new ConcurrentHashMap<>();
    private final ScheduledExecutorService clock;
    private final Thread writerThread;
    private Successor successor = (turn, last) -> {};
    private Connection control;

    public Journal(DataSource database, EventCodec<E> codec, JournalConfig config, LeaseConfig leaseConfig,
            FeedConfig feedConfig, ExecutorService loaders, MeterRegistry registry) {
        this.database = database;
        this.codec = codec;
        this.config = config;
        this.leaseConfig = leaseConfig;
        this.table = new EventTable<>(codec);
        this.feeds = new Feeds<>(database, table, codec, feedConfig, loaders);
        this.lease = new Lease(leaseConfig, this::dropAll);
        JournalMetrics metrics = new JournalMetrics(registry);
        this.writer = new JournalWriter<>(database, lease, config, metrics, this::ended);
        metrics.gauge("chat.relay.journal.pending.bytes", "Appended and not yet committed", writer,
                JournalWriter::pendingBytes);
        metrics.gauge("chat.relay.turns.running", "Turns that this replica runs", open, Map::size);
        metrics.gauge("chat.relay.feed.followers", "Readers of turns that run elsewhere", feeds, Feeds::following);
        this.clock = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().daemon().name("chat-relay-journal-clock").factory());
        this.writerThread = Thread.ofPlatform().daemon().name("chat-relay-journal-writer").unstarted(writer);
    }

    /** Registers this process and starts to write. Fails if the database cannot be reached. */
    public void start(Successor takesOver) throws SQLException {
        this.successor = takesOver;
        lease.renew(control());
        writerThread.start();
        every(lease.renewEvery(), lease::renew);
        every(leaseConfig.sweepEvery(), this::takeOver);
        every(config.followEvery(), feeds::poll);
        every(config.compactEvery(), this::compact);
    }

    /** Stores what is pending, gives the lease up, and ends. Turns that still run are for another replica. */
    public void stop() {
        writer.stop();
        try {
            writerThread.join(Duration.ofSeconds(5));
            clock.submit(() -> onControl(lease::release)).get(5, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (Exception e) {
            LOG.warn("The lease was not given up; it ends by itself");
        }
        clock.shutdownNow();
    }

    /** The identity under which this process owns turns; it changes when a lease was lost. */
    public UUID replica() {
        return lease.incarnation();
    }

    /** Whether this process holds a lease, and so may take turns. */
    public boolean ready() {
        return lease.registered();
    }

    /**
     * Fails the transaction unless this process may write to turns. Every transaction that creates a turn begins with it.
     *
     * @return the owner to be written into the turn's row
     */
    public UUID fence(Connection connection) throws SQLException {
        UUID me = lease.incarnation();
        try (PreparedStatement fence = connection.prepareStatement(Lease.FENCE)) {
            fence.setObject(1, me);
            try (ResultSet held = fence.executeQuery()) {
                if (held.next()) {
                    return me;
                }
            }
        }
        throw new SQLException("this replica holds no lease", "57P03");
    }

    /** Opens the log of a turn that this replica owns, after its last stored event. */
    public TurnLog<E> open(UUID turn, long lastNumber, TurnLog.Owner owner) {
        TurnChannel<E> channel = feeds.open(turn, lastNumber);
        TurnLog<E> log = new TurnLog<>(turn, lastNumber, writer, channel, codec, owner,
                config.maxPendingPerTurn().asLongValue());
        open.put(turn, log);
        return log;
    }

    /** Committed events of a turn after a number, live until its end, wherever it runs. */
    public Multi<List<Entry<E>>> read(UUID turn, long after, Executor executor) {
        return feeds.read(turn, after, executor);
    }

    /** All stored events of a turn, a page at a time. For a turn that does not run. */
    public void replay(Connection connection, UUID turn, Consumer<E> events) throws SQLException {
        long position = 0;
        List<Entry<E>> page;
        do {
            page = table.after(connection, turn, position, config.maxRow().asLongValue());
            page.forEach(entry -> events.accept(entry.event()));
            position = page.isEmpty() ? position : page.getLast().number();
        } while (!page.isEmpty());
    }

    /** Erases the events of a turn that does not run. */
    public static void erase(Connection connection, UUID[] turns) throws SQLException {
        try (PreparedStatement delete = connection.prepareStatement("delete from turn_event where turn_id = any(?)")) {
            delete.setArray(1, connection.createArrayOf("uuid", turns));
            delete.executeUpdate();
        }
    }

    private void ended(UUID turn) {
        open.remove(turn);
        feeds.close(turn);
    }

    private void dropAll() {
        List.copyOf(open.entrySet()).forEach(entry -> {
            open.remove(entry.getKey());
            feeds.close(entry.getKey());
            entry.getValue().lost();
        });
    }

    private void takeOver(Connection connection) throws SQLException {
        record Orphan(UUID turn, long last) {}
        List<UUID> dead = lease.sweep(connection);
        if (dead.isEmpty()) {
            return;
        }
        List<Orphan> orphans = new ArrayList<>();
        connection.setAutoCommit(false);
        try {
            UUID me = fence(connection);
            for (UUID turn : claim(connection, dead, me)) {
                orphans.add(new Orphan(turn, EventTable.lastNumber(connection, turn)));
            }
            connection.commit();
        } catch (SQLException e) {
            connection.rollback();
            throw e;
        } finally {
            connection.setAutoCommit(true);
        }
        orphans.forEach(orphan -> successor.takeOver(orphan.turn(), orphan.last()));
    }

    private static List<UUID> claim(Connection connection, List<UUID> dead, UUID me) throws SQLException {
        List<UUID> claimed = new ArrayList<>();
        try (PreparedStatement claim = connection.prepareStatement("""
                update turn set owner = ? where id in (
                    select id from turn where owner = any(?) and state in ('running', 'awaiting_approval')
                    limit 200 for update skip locked)
                returning id""")) {
            claim.setObject(1, me);
            claim.setArray(2, connection.createArrayOf("uuid", dead.toArray()));
            try (ResultSet rows = claim.executeQuery()) {
                while (rows.next()) {
                    claimed.add(rows.getObject(1, UUID.class));
                }
            }
        }
        return claimed;
    }

    /**
     * Rewrites the rows of turns that have ended since, for about a second: the lease is renewed on this thread too. The
     * turn's row is locked, so that a deleted one stays deleted.
     */
    private void compact(Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        try (PreparedStatement next = connection.prepareStatement("""
                update turn set compacted = true where id in (
                    select id from turn where ended_at is not null and not compacted
                    order by ended_at limit 1 for update skip locked)
                returning id""")) {
            long until = System.nanoTime() + COMPACTION.toNanos();
            while (System.nanoTime() < until) {
                try (ResultSet row = next.executeQuery()) {
                    if (!row.next()) {
                        break;
                    }
                    EventTable.compact(connection, row.getObject(1, UUID.class), config.maxRow().asLongValue());
                }
                connection.commit();
            }
        } catch (SQLException e) {
            connection.rollback();
            throw e;
        } finally {
            connection.setAutoCommit(true);
        }
    }

    private interface ControlTask {
        void run(Connection connection) throws SQLException;
    }

    private void every(Duration interval, ControlTask task) {
        clock.scheduleWithFixedDelay(() -> onControl(task), interval.toNanos(), interval.toNanos(), TimeUnit.NANOSECONDS);
    }

    private void onControl(ControlTask task) {
        try {
            task.run(control());
        } catch (SQLException e) {
            LOG.warnf("The journal's clock waits for the database: %s", Database.reason(e));
            if (control != null) {
                Database.discard(control);
                control = null;
            }
        } catch (RuntimeException e) {
            LOG.error("The journal's clock goes on after an unexpected error", e);
        }
    }

    private Connection control() throws SQLException {
        if (control == null) {
            control = database.getConnection();
        }
        return control;
    }
}
