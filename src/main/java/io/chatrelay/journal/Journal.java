package io.chatrelay.journal;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

import org.jboss.logging.Logger;

import io.chatrelay.cluster.KeptConnection;
import io.chatrelay.cluster.Lease;
import io.chatrelay.cluster.LeaseConfig;
import io.chatrelay.cluster.Presence;
import io.chatrelay.database.SqlErrors;
import io.chatrelay.defect.RepeatedTask;
import io.chatrelay.defect.Trace;
import io.micrometer.core.instrument.MeterRegistry;
import io.smallrye.mutiny.Multi;

/**
 * The durable event log of turns: store, then publish. An event reaches a reader only after its transaction has committed; the events of a turn
 * are numbered 1, 2, 3 … without a gap.
 *
 * <p>The journal has two threads, each with its own connection: the writer, and a clock that renews the lease, sweeps the leases of other
 * replicas and polls for events of turns that run elsewhere. Each {@link #groupCommit} has another one. The clock's tasks are no scheduled
 * methods of the framework: they share one connection, the lease is renewed even if all other threads are busy, and the framework's scheduler looks
 * for due tasks only once a second. The class is long because only it knows which turns are open here: opening, dropping, handing over and
 * claiming a turn must agree on that.
 *
 * @param <E> the events of a turn
 */
public final class Journal<E> {

    private static final Logger LOG = Logger.getLogger(Journal.class);
    /** Longer than the time from a turn's row to its log during a send, and longer than a takeover. */
    private static final Duration FORGOTTEN_AFTER = Duration.ofSeconds(20);
    /** Longer than a database query that claims many turns. */
    private static final Duration ANSWERED_WITHIN = Duration.ofSeconds(5);
    /** Events that are pending at a handover are milliseconds old, unless the database is unavailable. */
    private static final Duration STORED_WITHIN = Duration.ofSeconds(2);
    /** So that the start and the end of an absence are noticed within a small part of it. */
    private static final int LOOKS_AN_ABSENCE = 6;
    private static final int RENEWALS_AN_ABSENCE = 3;
    /** How often dead replicas are checked within the time for which their rows are kept. */
    private static final int FORGETS = 60;

    /** What the journal needs from the component that knows what a turn means. */
    public interface TakeoverHandler {

        /**
         * This replica now owns a turn whose previous replica is gone.
         *
         * @param lastNumber number of its last stored event
         * @param owner      the incarnation with which this replica claimed it
         */
        void takeOver(UUID turn, long lastNumber, UUID owner);

        /** A caller has asked a replica, not necessarily this one, to cancel this turn. Repeated until the turn has ended. */
        void cancel(UUID turn);
    }

    private final JournalConnections connections;
    private final EventCodec<E> codec;
    private final JournalConfig config;
    private final EventTable<E> table;
    private final Feeds<E> feeds;
    private final Lease lease;
    private final LeaseConfig leaseConfig;
    private final TurnOwnership turns;
    private final JournalWriter<E> writer;
    private final Map<UUID, TurnLog<E>> open = new ConcurrentHashMap<>();
    /** Sealed logs whose turns are not given away yet. Used only by the thread that hands over. */
    private final Set<TurnLog<E>> handedOver = new HashSet<>();
    private final ScheduledExecutorService clock;
    private final EventCompactor compactor;
    private final Thread writerThread;
    private final Map<UUID, Long> suspected = new HashMap<>();
    /** Set by the start, before any task that uses it. */
    @SuppressWarnings("NullAway.Init")
    private TakeoverHandler takeoverHandler;
    private final MeterRegistry registry;
    private final List<GroupCommit<?, ?>> groupCommits = new CopyOnWriteArrayList<>();
    private volatile boolean leaving;
    private final Presence presence;
    private final KeptConnection control;
    private final LongSupplier nanoTime;

    /** @param turns the table of turns, which another package owns */
    public Journal(JournalConnections connections, EventCodec<E> codec, JournalConfig config, LeaseConfig leaseConfig,
            FeedConfig feedConfig, TurnOwnership turns, ExecutorService loaders, MeterRegistry registry) {
        this(connections, codec, config, leaseConfig, feedConfig, turns, loaders, registry, System::nanoTime);
    }

    /** @param nanoTime the clock by which the journal judges how old something is; it does not time the repeated tasks */
    Journal(JournalConnections connections, EventCodec<E> codec, JournalConfig config, LeaseConfig leaseConfig,
            FeedConfig feedConfig, TurnOwnership turns, ExecutorService loaders, MeterRegistry registry,
            LongSupplier nanoTime) {
        this.connections = connections;
        this.codec = codec;
        this.config = config;
        this.leaseConfig = leaseConfig;
        this.turns = turns;
        this.table = new EventTable<>(codec);
        this.feeds = new Feeds<>(connections.pool(), table, codec, feedConfig, loaders);
        this.nanoTime = nanoTime;
        this.lease = new Lease(leaseConfig, this::dropAll, nanoTime);
        this.presence = new Presence(leaseConfig.absence());
        this.control = kept();
        this.registry = registry;
        JournalMetrics metrics = new JournalMetrics(registry);
        this.writer = new JournalWriter<>(kept(), lease, config, metrics, new JournalWriter.Listener<>() {
            @Override
            public void ended(UUID turn) {
                Journal.this.ended(turn);
            }

            @Override
            public void failed(TurnLog<E> log) {
                drop(log.turn(), log);
            }
        }, nanoTime);
        metrics.gauge("chat.relay.journal.writer.idle.seconds",
                "Since the writer came round: stored what was there, or found nothing",
                writer, JournalWriter::secondsSinceRound);
        metrics.gauge("chat.relay.journal.pending.bytes", "Appended and not yet committed", writer,
                JournalWriter::pendingBytes);
        metrics.gauge("chat.relay.turns.running", "Turns that this replica runs", open, Map::size);
        metrics.gauge("chat.relay.feed.followers", "Readers of turns that run elsewhere", feeds, Feeds::following);
        this.clock = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().daemon().name("chat-relay-journal-clock").factory());
        this.compactor = new EventCompactor(connections.pool(), turns, config);
        this.writerThread = Thread.ofPlatform().daemon().name("chat-relay-journal-writer").unstarted(writer);
    }

    private KeptConnection kept() {
        return new KeptConnection(connections.own(), patience(leaseConfig), lease::incarnation, presence, nanoTime);
    }

    /** The longest time the journal waits for one answer of the database before it retries on another connection. */
    public static Duration patience(LeaseConfig config) {
        return Lease.patience(config);
    }

    /** Registers this process and starts the writer. Fails if the database cannot be reached. */
    public void start(TakeoverHandler takesOver) throws SQLException {
        this.takeoverHandler = takesOver;
        lease.renew(control.get());
        writerThread.start();
        every(renewEvery(), this::renew);
        every(leaseConfig.sweepEvery(), () -> onControl(this::sweep));
        every(config.followEvery(), () -> onControl(this::poll));
        every(leaseConfig.forgetAfter().dividedBy(FORGETS), () -> onControl(lease::forget));
        if (presence.enabled()) {
            every(leaseConfig.absence().dividedBy(LOOKS_AN_ABSENCE), () -> onControl(this::lookWhoIsGone));
        }
    }

    /** With presence enabled, three renewals fit into an absence: a process that renews is not gone, whatever its sessions show. */
    private Duration renewEvery() {
        Duration often = leaseConfig.absence().dividedBy(RENEWALS_AN_ABSENCE);
        return presence.enabled() && often.compareTo(lease.renewEvery()) < 0 ? often : lease.renewEvery();
    }

    /** From now on this replica begins and takes over no turns, and other replicas do not hand over turns to it; running turns continue. */
    public void leave() {
        leaving = true;
        onClock(connection -> {
            lease.leave(connection);
            return true;
        });
    }

    /** Whether another replica could continue this process' turns. Blocks on the database. */
    public boolean hasPeers() {
        return onClock(lease::hasPeers).orElse(false);
    }

    /**
     * Commands of many callers that are stored in one transaction; it stops with the journal. While this replica leaves, none has a result.
     *
     * @param most    commands in one transaction
     * @param bytes   of all commands in one transaction
     * @param waiting commands that may wait for one
     */
    public <C, R> GroupCommit<C, R> groupCommit(String name, GroupCommit.SharedStatement<C, R> statement, int most, long bytes,
            int waiting) {
        // It shows no presence: where it is idle for long, a router may forget it, and the server would take this process for alive.
        KeptConnection own = new KeptConnection(connections.own(), patience(leaseConfig), lease::incarnation,
                new Presence(Duration.ZERO), nanoTime);
        GroupCommit<C, R> commands = new GroupCommit<>(name, registry, own, lease::incarnation, () -> leaving, statement,
                patience(leaseConfig), new GroupCommit.Bounds(most, bytes, waiting));
        groupCommits.add(commands);
        commands.start();
        return commands;
    }

    /** Number of this process' turns whose end is not stored yet, including those that it is handing over. */
    public int unfinished() {
        return open.size();
    }

    /**
     * Hands over turns to which nothing more is appended: stores their pending events, gives up ownership, and moves their readers here to
     * follow the turns on the other replica. Blocks on the database. A turn that cannot be stored or given away in time is given away by the
     * next call, or finally by the end of the lease.
     */
    public void handOver(Collection<UUID> turns) {
        turns.stream().map(open::get).filter(Objects::nonNull).forEach(log -> {
            log.seal();
            handedOver.add(log);
        });
        handedOver.removeIf(log -> open.get(log.turn()) != log);
        long until = nanoTime.getAsLong() + STORED_WITHIN.toNanos();
        while (handedOver.stream().anyMatch(TurnLog::isPending) && nanoTime.getAsLong() < until) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
        }
        List<TurnLog<E>> stored = handedOver.stream().filter(log -> !log.isPending()).toList();
        List<UUID> ids = stored.stream().map(TurnLog::turn).toList();
        boolean given = !ids.isEmpty() && onClock(connection -> SqlErrors.inTransaction(connection, () -> {
            this.turns.giveAway(connection, ids, lease.incarnation(), lease.ended(connection));
            return true;
        })).orElse(false);
        if (given) {
            for (TurnLog<E> log : stored) {
                handedOver.remove(log);
                open.remove(log.turn(), log);
                feeds.close(log.turn());
                log.moved();
            }
        }
    }

    /** Merges the rows of turns that have ended since the last call into fewer, for a bounded time. Blocks on the database. */
    public void compact() {
        compactor.compact();
    }

    /** Detaches readers that can resume elsewhere, each after it has received the stored events. */
    public void closeReaders() {
        feeds.close();
    }

    /** Ends the streams of readers that have not detached on their own: their sockets are full. */
    public void dropReaders() {
        feeds.drop();
    }

    /** Whether readers are being detached. */
    public boolean closesReaders() {
        return feeds.closed();
    }

    /** Number of readers that are still attached. */
    public int readers() {
        return feeds.open();
    }

    /** Stores pending events, releases the lease, and stops. Another replica takes over the turns that still run. */
    public void stop() {
        leaving = true;
        feeds.closeNow();
        groupCommits.forEach(GroupCommit::stop);
        writer.stop();
        try {
            writerThread.join(STORED_WITHIN);
            clock.submit(() -> onControl(lease::release)).get(STORED_WITHIN.toSeconds(), TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (Exception e) {
            LOG.warn("The lease was not given up; it ends by itself");
        }
        stopClock();
    }

    private void stopClock() {
        // No due task starts any more, and a running task gets its answer soon.
        clock.shutdown();
        try {
            if (clock.awaitTermination(STORED_WITHIN.toSeconds(), TimeUnit.SECONDS)) {
                control.discard();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        clock.shutdownNow();
    }

    /** The identity under which this process owns turns; it changes when the lease is lost. */
    public UUID replica() {
        return lease.incarnation();
    }

    /** The reason why this process accepts no turns now, in one sentence; empty if it accepts turns. */
    public Optional<String> unready() {
        if (leaving) {
            return Optional.of("the process stops");
        }
        if (!lease.registered()) {
            return Optional.of("the process holds no lease");
        }
        if (!lease.isFresh()) {
            return Optional.of("the lease is not renewed");
        }
        return writer.secondsSinceRound() <= config.roundWithin().toMillis() / 1e3 ? Optional.empty()
                : Optional.of("the journal's writer does not come round");
    }

    /**
     * Fails the transaction unless this process may write to turns. Every transaction that creates a turn must call it first.
     *
     * @return the owner to write into the turn's row
     */
    public UUID fence(Connection connection) throws SQLException {
        UUID me = lease.incarnation();
        if (!leaving && Lease.isHeld(connection, me)) {
            return me;
        }
        throw new SQLException("this replica holds no lease", "57P03");
    }

    /**
     * Opens the log of a turn that this replica owns, after its last stored event.
     *
     * @param as the incarnation that owns the turn. If it has lost its lease since, the log is lost from the start
     */
    public TurnLog<E> open(UUID turn, long lastNumber, UUID as, TurnLog.Owner owner) {
        TurnChannel<E> channel = feeds.open(turn, lastNumber);
        TurnLog<E> log = new TurnLog<>(turn, as, lastNumber, writer, channel, codec, owner,
                config.maxPendingPerTurn().asLongValue());
        open.put(turn, log);
        if (!as.equals(lease.incarnation())) {
            drop(turn, log);
        }
        return log;
    }

    /** Closes a log whose turn could not be ended here; the sweep later finds the turn as forgotten. */
    public void abandon(UUID turn) {
        open.remove(turn);
        feeds.close(turn);
    }

    /**
     * Committed events of a turn after a number, live until its end, wherever it runs.
     *
     * @param comesBack whether a replica that stops may detach the reader: the reader knows its position and can resume elsewhere
     */
    public Multi<List<JournalEntry<E>>> read(UUID turn, long after, Executor executor, boolean comesBack) {
        return feeds.read(turn, after, executor, comesBack);
    }

    /**
     * All stored events of a turn, loaded page by page; for a running turn, the events stored so far.
     *
     * @throws UnreadableEventException if an event cannot be read, after the events before it were delivered
     */
    public void replay(Connection connection, UUID turn, Consumer<E> events) throws SQLException {
        long position = 0;
        List<JournalEntry<E>> page;
        do {
            page = table.after(connection, turn, position, config.maxRow().asLongValue());
            page.forEach(entry -> events.accept(entry.event()));
            position = page.isEmpty() ? position : page.getLast().number();
        } while (!page.isEmpty());
    }

    /** Erases the events of turns that do not run. */
    public static void erase(Connection connection, UUID[] turns) throws SQLException {
        EventTable.erase(connection, turns);
    }

    private void ended(UUID turn) {
        open.remove(turn);
        feeds.close(turn);
    }

    private void dropAll() {
        List.copyOf(open.values()).forEach(log -> drop(log.turn(), log));
    }

    private void drop(UUID turn, TurnLog<E> log) {
        if (open.remove(turn, log)) {
            feeds.close(turn);
            log.logIds().run(() -> lost(log));
        }
    }

    private static void lost(TurnLog<?> log) {
        try {
            log.lost();
        } catch (RuntimeException e) {
            // The other logs must still be dropped.
            LOG.errorf("turn %s was dropped, and its owner failed: %s", log.turn(), Trace.of(e));
        }
    }

    private void renew() {
        // A connection that hung or broke is no reason to wait for the next interval.
        if (!onControl(lease::renew)) {
            onControl(lease::renew);
        }
    }

    private void lookWhoIsGone(Connection connection) throws SQLException {
        List<UUID> gone = leaving ? List.of() : presence.gone(connection, lease.incarnation());
        if (!gone.isEmpty()) {
            lease.markGone(connection, gone, leaseConfig.absence());
            poll(connection);
        }
    }

    private void sweep(Connection connection) throws SQLException {
        lease.sweep(connection);
        // Repeats a drop that failed halfway: these logs can store nothing, and their readers would wait forever.
        for (TurnLog<E> log : List.copyOf(open.values())) {
            if (!log.as().equals(lease.incarnation())) {
                drop(log.turn(), log);
            }
        }
        if (!leaving) {
            UUID me = lease.incarnation();
            takeOver(connection, me, () -> forgotten(connection, me));
        }
    }

    /**
     * Runs often, and is cheap if there is nothing to do: new events for readers, cancels of own turns, turns of a replica that has just died.
     */
    private void poll(Connection connection) throws SQLException {
        feeds.poll(connection);
        if (!open.isEmpty()) {
            turns.cancelRequested(connection, lease.incarnation()).forEach(takeoverHandler::cancel);
        }
        List<UUID> dead = leaving || !lease.registered() ? List.of() : Lease.dead(connection);
        if (!dead.isEmpty()) {
            UUID me = lease.incarnation();
            // A replica that lost its own lease learns it at its next renewal.
            takeOver(connection, me, () -> Lease.isHeld(connection, me) ? turns.claim(connection, dead, me) : List.of());
        }
    }

    private void takeOver(Connection connection, UUID me, SqlErrors.Work<List<UUID>> claim) throws SQLException {
        Map<UUID, Long> orphans = SqlErrors.inTransaction(connection,
                () -> EventTable.lastNumbers(connection, claim.run()));
        orphans.forEach((turn, last) -> takeoverHandler.takeOver(turn, last, me));
    }

    /**
     * Turns that this replica owns but does not run: the answer to the commit that began them was lost, or a takeover failed halfway. Without
     * this they would stay in the running state forever.
     */
    private List<UUID> forgotten(Connection connection, UUID me) throws SQLException {
        List<UUID> forgotten = new ArrayList<>();
        Set<UUID> idle = new HashSet<>();
        long now = nanoTime.getAsLong();
        for (UUID turn : turns.running(connection, me)) {
            if (!open.containsKey(turn)) {
                idle.add(turn);
                // Measured by the local clock: a turn is briefly idle between its row and its log.
                if (now - suspected.computeIfAbsent(turn, _ -> now) > FORGOTTEN_AFTER.toNanos()) {
                    suspected.remove(turn);
                    forgotten.add(turn);
                }
            }
        }
        suspected.keySet().retainAll(idle);
        return forgotten;
    }

    private interface Question<T> {
        T ask(Connection connection) throws SQLException;
    }

    private interface ControlTask {
        void run(Connection connection) throws SQLException;
    }

    private void every(Duration interval, Runnable task) {
        clock.scheduleWithFixedDelay(new RepeatedTask("The journal's clock", task), interval.toNanos(), interval.toNanos(),
                TimeUnit.NANOSECONDS);
    }

    /** False if the database did not answer: the connection is discarded. */
    private boolean onControl(ControlTask task) {
        try {
            task.run(control.get());
            return true;
        } catch (SQLException e) {
            LOG.warnf("The journal's clock waits for the database: %s", SqlErrors.reason(e));
            control.discard();
            presence.forget();
            if (SqlErrors.endsConnection(e)) {
                connections.flush().run();
            }
            return false;
        }
    }

    /** Runs on the clock's thread and connection; empty if the query failed. */
    private <T> Optional<T> onClock(Question<T> question) {
        List<T> answer = new ArrayList<>(1);
        try {
            clock.submit(() -> onControl(connection -> answer.add(question.ask(connection)))).get(ANSWERED_WITHIN.toSeconds(),
                    TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException | RejectedExecutionException e) {
            LOG.warnf("The database did not answer in time: %s", e.getClass().getSimpleName());
        }
        return answer.stream().findFirst();
    }
}
