package io.chatrelay.journal;

import java.sql.Connection;
import java.sql.PreparedStatement;
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

import org.jboss.logging.Logger;

import io.chatrelay.cluster.DedicatedConnection;
import io.chatrelay.cluster.Lease;
import io.chatrelay.cluster.LeaseConfig;
import io.chatrelay.cluster.Presence;
import io.chatrelay.database.SqlErrors;
import io.chatrelay.defect.RepeatedTask;
import io.chatrelay.defect.Trace;
import io.micrometer.core.instrument.MeterRegistry;
import io.smallrye.mutiny.Multi;

/**
 * The durable event log of turns: write, then tell. An event reaches a reader only after its transaction committed;
 * events of a turn are numbered 1, 2, 3 … without a gap.
 *
 * <p>Two threads of its own, each with a connection that it keeps: the writer, and a clock that renews the lease, sweeps
 * those of others and follows turns that run elsewhere. A third rewrites ended turns, and borrows its connection. It is long because it
 * alone knows which turns are open here: what opens, drops, hands over or claims one has to agree on that.
 *
 * @param <E> the events of a turn
 */
public final class Journal<E> {

    private static final Logger LOG = Logger.getLogger(Journal.class);
    /** Longer than a send takes from its turn's row to its log, and than taking over takes. */
    private static final Duration FORGOTTEN_AFTER = Duration.ofSeconds(20);
    /** Longer than a look at the database takes that claims many turns. */
    private static final Duration ANSWERED_WITHIN = Duration.ofSeconds(5);
    /** What is pending at a hand-over is milliseconds old, or the database is away. */
    private static final Duration STORED_WITHIN = Duration.ofSeconds(2);
    /** So that an absence is noticed, and its end, in a small part of it. */
    private static final int LOOKS_AN_ABSENCE = 6;
    private static final int RENEWALS_AN_ABSENCE = 3;
    /** How often the replicas that are gone are looked through within the time for which they are kept. */
    private static final int FORGETS = 60;

    /** What the journal asks of whoever knows what a turn means. */
    public interface TakeoverHandler {

        /**
         * This replica now owns a turn whose replica is gone.
         *
         * @param lastNumber of its last stored event
         * @param owner      as which this replica claimed it
         */
        void takeOver(UUID turn, long lastNumber, UUID owner);

        /** A caller has asked, on whatever replica, that this turn be stopped. Told again until it has ended. */
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
    /** Sealed, and not given away yet. Touched by the thread alone that hands over. */
    private final Set<TurnLog<E>> handedOver = new HashSet<>();
    private final ScheduledExecutorService clock;
    private final EventCompactor compactor;
    private final Thread writerThread;
    private final Map<UUID, Long> suspected = new HashMap<>();
    private TakeoverHandler takeoverHandler;
    private volatile boolean leaving;
    private final Presence presence;
    private final DedicatedConnection control;

    /** @param turns the table of turns, which another room owns */
    public Journal(JournalConnections connections, EventCodec<E> codec, JournalConfig config, LeaseConfig leaseConfig,
            FeedConfig feedConfig, TurnOwnership turns, ExecutorService loaders, MeterRegistry registry) {
        this.connections = connections;
        this.codec = codec;
        this.config = config;
        this.leaseConfig = leaseConfig;
        this.turns = turns;
        this.table = new EventTable<>(codec);
        this.feeds = new Feeds<>(connections.pool(), table, codec, feedConfig, loaders);
        this.lease = new Lease(leaseConfig, this::dropAll);
        this.presence = new Presence(leaseConfig.absence());
        this.control = kept();
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
        });
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

    private DedicatedConnection kept() {
        return new DedicatedConnection(connections.own(), patience(leaseConfig), lease::incarnation, presence);
    }

    /** How long the journal waits for one answer of the database, at the most, before it asks again on another connection. */
    public static Duration patience(LeaseConfig config) {
        return Lease.patience(config);
    }

    /** Registers this process and starts to write. Fails if the database cannot be reached. */
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
        compactor.start();
    }

    /** Where sessions are looked at, three renewals fit into an absence: a process that renews is not gone, whatever its sessions say. */
    private Duration renewEvery() {
        Duration often = leaseConfig.absence().dividedBy(RENEWALS_AN_ABSENCE);
        return presence.enabled() && often.compareTo(lease.renewEvery()) < 0 ? often : lease.renewEvery();
    }

    /** From now on no turn is begun here or taken over, and other replicas hand none to this one; those that run go on. */
    public void leave() {
        leaving = true;
        onClock(connection -> {
            lease.leave(connection);
            return true;
        });
    }

    /** Whether another process is there that could go on with this one's turns. Blocks for the database. */
    public boolean hasPeers() {
        return onClock(lease::hasPeers).orElse(false);
    }

    /** Turns of this process whose end is not stored yet, those included that it is handing over. */
    public int unfinished() {
        return open.size();
    }

    /**
     * Lets another process go on with turns to which nothing more is appended: what is pending is stored, they are no longer this
     * replica's, and their readers here follow them there. Blocks for the database. What cannot be stored or given away in time is given
     * away by the next call, and at the last by the end of the lease.
     */
    public void handOver(Collection<UUID> turns) {
        turns.stream().map(open::get).filter(Objects::nonNull).forEach(log -> {
            log.seal();
            handedOver.add(log);
        });
        handedOver.removeIf(log -> open.get(log.turn()) != log);
        long until = System.nanoTime() + STORED_WITHIN.toNanos();
        while (handedOver.stream().anyMatch(TurnLog::isPending) && System.nanoTime() < until) {
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

    /** Sends readers away that can come back elsewhere, each once it has what is there. */
    public void closeReaders() {
        feeds.close();
    }

    /** Ends the streams of those that have not gone by themselves: their sockets are full. */
    public void dropReaders() {
        feeds.drop();
    }

    /** Whether readers are being sent away. */
    public boolean closesReaders() {
        return feeds.closed();
    }

    /** Readers that are still there. */
    public int readers() {
        return feeds.open();
    }

    /** Stores what is pending, gives the lease up, and ends. Turns that still run are for another replica. */
    public void stop() {
        leaving = true;
        feeds.closeNow();
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
        compactor.stop();
    }

    private void stopClock() {
        // What is due is not begun any more, and what is under way has its answer soon.
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

    /** The identity under which this process owns turns; it changes when a lease was lost. */
    public UUID replica() {
        return lease.incarnation();
    }

    /** Why this process takes no turns now, in one sentence; empty while it does. */
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
     * Fails the transaction unless this process may write to turns. Every transaction that creates a turn begins with it.
     *
     * @return the owner to be written into the turn's row
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
     * @param as the incarnation that owns the turn: if it has lost its lease since, the log is lost from the start
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

    /** Gives up a log whose turn could not be ended here; it is found again as forgotten. */
    public void abandon(UUID turn) {
        open.remove(turn);
        feeds.close(turn);
    }

    /**
     * Committed events of a turn after a number, live until its end, wherever it runs.
     *
     * @param comesBack whether the reader can be sent away by a replica that stops: it knows its position, and says it elsewhere
     */
    public Multi<List<JournalEntry<E>>> read(UUID turn, long after, Executor executor, boolean comesBack) {
        return feeds.read(turn, after, executor, comesBack);
    }

    /**
     * All stored events of a turn, a page at a time; of a turn that runs, what is stored by then.
     *
     * @throws UnreadableEventException after the events before it, where one cannot be read
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
        List.copyOf(open.values()).forEach(log -> drop(log.turn(), log));
    }

    private void drop(UUID turn, TurnLog<E> log) {
        if (open.remove(turn, log)) {
            feeds.close(turn);
            try {
                log.lost();
            } catch (RuntimeException e) {
                // The others have to be dropped all the same.
                LOG.errorf("turn %s was dropped, and its owner failed: %s", turn, Trace.of(e));
            }
        }
    }

    private void renew() {
        // A connection that hung or broke is no reason to wait for the next time.
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
        // Where dropping them failed half-way: they can store nothing, and their readers would wait for ever.
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

    /** Often, and cheap where there is nothing: news for readers, cancels of our turns, turns of a replica that has just gone. */
    private void poll(Connection connection) throws SQLException {
        feeds.poll(connection);
        if (!open.isEmpty()) {
            turns.cancelRequested(connection, lease.incarnation()).forEach(takeoverHandler::cancel);
        }
        List<UUID> dead = leaving || !lease.registered() ? List.of() : Lease.dead(connection);
        if (!dead.isEmpty()) {
            UUID me = lease.incarnation();
            // Whoever lost its own lease learns it by its renewal.
            takeOver(connection, me, () -> Lease.isHeld(connection, me) ? turns.claim(connection, dead, me) : List.of());
        }
    }

    private void takeOver(Connection connection, UUID me, SqlErrors.Work<List<UUID>> claim) throws SQLException {
        Map<UUID, Long> orphans = SqlErrors.inTransaction(connection,
                () -> EventTable.lastNumbers(connection, claim.run()));
        orphans.forEach((turn, last) -> takeoverHandler.takeOver(turn, last, me));
    }

    /**
     * Turns that are ours but that nobody runs here: the answer to the commit that began them was lost, or taking them over
     * failed half-way. Without this they would be running for ever.
     */
    private List<UUID> forgotten(Connection connection, UUID me) throws SQLException {
        List<UUID> forgotten = new ArrayList<>();
        Set<UUID> idle = new HashSet<>();
        long now = System.nanoTime();
        for (UUID turn : turns.running(connection, me)) {
            if (!open.containsKey(turn)) {
                idle.add(turn);
                // By our own clock: a turn is idle for a moment between its row and its log.
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

    /** False where the database did not answer: the connection is given up. */
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

    /** On the clock's thread and connection; empty where it failed. */
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
