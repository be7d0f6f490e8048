package io.chatrelay.journal;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

import org.jboss.logging.Logger;

import io.chatrelay.cluster.KeptConnection;
import io.chatrelay.cluster.Lease;
import io.chatrelay.database.SqlErrors;
import io.chatrelay.defect.Trace;

/**
 * The only writer of this replica. It drains the events that all running turns have appended, stores them in one transaction, and publishes
 * them to readers only after the commit. The next batch accumulates during a commit, so higher load makes batches larger, not commits more
 * frequent.
 *
 * <p>The result of a failed commit is unknown, so the writer retries the same rows until it succeeds: it publishes nothing that is not stored.
 * If the database rejects a batch, the writer stores it turn by turn, so that a bad event of one turn does not block the other turns.
 */
final class JournalWriter<E> implements TurnLog.Writer<E>, Runnable {

    private static final Logger LOG = Logger.getLogger(JournalWriter.class);

    /** How often an idle writer checks its connection: a small part of the time after which a process without sessions counts as gone. */
    private static final Duration CONNECTED_EVERY = Duration.ofMillis(250);

    /** Handles events of a turn's log, on the writer's thread. */
    interface Listener<E> {

        /** The turn's last event is stored. */
        void ended(UUID turn);

        /** The owner or the readers of this log failed: its pending events are not stored. Other logs continue. */
        void failed(TurnLog<E> log);
    }

    private final KeptConnection connection;
    private final Lease lease;
    private final JournalConfig config;
    private final JournalMetrics metrics;
    private final Listener<E> listener;
    private final LongSupplier nanoTime;
    private final LinkedBlockingQueue<TurnLog<E>> dirty = new LinkedBlockingQueue<>();
    private final Set<TurnLog<E>> waitingForRoom = ConcurrentHashMap.newKeySet();
    private final AtomicLong reserved = new AtomicLong();
    private volatile boolean stopping;
    private volatile long roundAt;
    private long connectedAt;
    private long gatheredAt;

    JournalWriter(KeptConnection connection, Lease lease, JournalConfig config, JournalMetrics metrics,
            Listener<E> listener, LongSupplier nanoTime) {
        this.connection = connection;
        this.lease = lease;
        this.config = config;
        this.metrics = metrics;
        this.listener = listener;
        this.nanoTime = nanoTime;
        this.roundAt = nanoTime.getAsLong();
        this.connectedAt = roundAt - CONNECTED_EVERY.toNanos();
        this.gatheredAt = roundAt - config.linger().toNanos();
    }

    /**
     * Time since the last completed round, which stored a batch or found nothing. Grows while the database is unavailable, and without limit if
     * the writer's thread died.
     */
    double secondsSinceRound() {
        return (nanoTime.getAsLong() - roundAt) / 1e9;
    }

    @Override
    public void enqueue(TurnLog<E> log) {
        dirty.add(log);
    }

    @Override
    public void ended(UUID turn) {
        listener.ended(turn);
    }

    @Override
    public void reserve(long bytes) {
        reserved.addAndGet(bytes);
    }

    @Override
    public void release(long bytes) {
        reserved.addAndGet(-bytes);
    }

    @Override
    public boolean hasRoom() {
        return reserved.get() < config.maxPending().asLongValue();
    }

    long pendingBytes() {
        return reserved.get();
    }

    @Override
    public void awaitRoom(TurnLog<E> log) {
        waitingForRoom.add(log);
    }

    /** Ends the writer after it has stored the pending events. */
    void stop() {
        stopping = true;
    }

    @Override
    public void run() {
        boolean goesOn = true;
        while (goesOn) {
            try {
                goesOn = round();
                roundAt = nanoTime.getAsLong();
            } catch (InterruptedException e) {
                goesOn = false;
            } catch (Throwable e) {
                giveUp(e);
            }
        }
        connection.discard();
    }

    /**
     * While there is nothing to store: keeps the connection open and its incarnation lock held, so that this process does not count as gone
     * when its other session breaks.
     */
    private void keepConnected() {
        long now = nanoTime.getAsLong();
        if (now - connectedAt < CONNECTED_EVERY.toNanos()) {
            return;
        }
        connectedAt = now;
        try {
            if (!connection.get().isValid(1)) {
                connection.discard();
                connection.get();
            }
        } catch (SQLException | RuntimeException e) {
            // The next batch logs the failure.
            LOG.debugf("The journal's writer has no connection: %s", e.getClass().getName());
            connection.discard();
        }
    }

    /** Stores what is pending; waits briefly for the first event. False when the writer is stopping and nothing is left. */
    private boolean round() throws InterruptedException {
        List<TurnLog.Batch<E>> gathered = gather();
        // Read after the batches were taken: a log of an earlier incarnation is lost already, or will be dropped soon.
        UUID me = lease.incarnation();
        List<TurnLog.Batch<E>> batches = gathered.stream().filter(batch -> batch.log().as().equals(me)).toList();
        if (!batches.isEmpty()) {
            store(batches, me);
        }
        tellRoom();
        if (batches.isEmpty() && !stopping) {
            keepConnected();
        }
        return !(batches.isEmpty() && stopping);
    }

    /** The result of the current batch is unknown. Giving up the lease hands over the turns to a replica that can still end them. */
    private void giveUp(Throwable failure) {
        try {
            // The transaction may be half done, and the next commit would keep that half.
            connection.discard();
            lease.lost(lease.incarnation());
            LOG.errorf("The journal's writer failed; its turns are given up: %s", Trace.of(failure));
        } catch (Throwable e) {
            // For example out of memory. The journal's sweep drops the remaining turns. Without this thread no turn would be stored.
            return;
        }
    }

    /** A failing metric must not affect the operation that it counts. */
    private static void counted(Runnable metric) {
        try {
            metric.run();
        } catch (RuntimeException e) {
            LOG.warnf("A metric of the journal failed: %s", e.getClass().getName());
        }
    }

    /** An exception from one log in a round affects only that log's turn. */
    private void guarded(TurnLog<E> log, Runnable part) {
        try {
            part.run();
        } catch (RuntimeException | Error e) {
            log.logIds().run(() -> {
                LOG.errorf("The journal failed for turn %s, which is given up: %s", log.turn(), Trace.of(e));
                listener.failed(log);
            });
        }
    }

    private List<TurnLog.Batch<E>> gather() throws InterruptedException {
        TurnLog<E> first = dirty.poll(100, TimeUnit.MILLISECONDS);
        if (first == null) {
            return List.of();
        }
        long early = config.linger().toNanos() - (nanoTime.getAsLong() - gatheredAt);
        if (early > 0 && !stopping) {
            TimeUnit.NANOSECONDS.sleep(early);
        }
        gatheredAt = nanoTime.getAsLong();
        List<TurnLog<E>> logs = new ArrayList<>();
        logs.add(first);
        dirty.drainTo(logs);
        List<TurnLog.Batch<E>> batches = new ArrayList<>(logs.size());
        long bytes = 0;
        for (TurnLog<E> log : logs) {
            if (bytes >= config.maxBatch().asLongValue()) {
                dirty.add(log);
                continue;
            }
            int taken = batches.size();
            guarded(log, () -> {
                TurnLog.Batch<E> batch = log.take(config.maxRow().asLongValue());
                if (batch != null) {
                    batches.add(batch);
                }
            });
            bytes += batches.size() > taken ? batches.getLast().bytes().length : 0;
        }
        return batches;
    }

    private void store(List<TurnLog.Batch<E>> batches, UUID me) throws InterruptedException {
        Duration backoff = Duration.ofMillis(20);
        boolean again = false;
        while (true) {
            try {
                long start = nanoTime.getAsLong();
                if (!commit(batches, me, again)) {
                    lease.lost(me);
                    return;
                }
                long nanos = nanoTime.getAsLong() - start;
                batches.forEach(this::told);
                counted(() -> metrics.committed(batches, nanos));
                return;
            } catch (SQLException e) {
                counted(metrics::failed);
                // Without a connection the database cannot have rejected the batch, whatever its error states about the client.
                if (connection.isOpen() && SqlErrors.refuses(e)) {
                    rollback();
                    if (again || !SqlErrors.isDuplicate(e)) {
                        refused(batches, me, e);
                        return;
                    }
                    again = true;
                    continue;
                }
                again = true;
                LOG.warnf("The journal waits for the database: %s", SqlErrors.reason(e));
                connection.discard();
                Thread.sleep(backoff);
                backoff = min(backoff.multipliedBy(2), config.maxBackoff());
            }
        }
    }

    private void told(TurnLog.Batch<E> batch) {
        guarded(batch.log(), () -> {
            if (batch.log().committed(batch)) {
                dirty.add(batch.log());
            }
        });
    }

    private void refused(List<TurnLog.Batch<E>> batches, UUID me, SQLException cause) throws InterruptedException {
        if (batches.size() > 1) {
            for (TurnLog.Batch<E> batch : batches) {
                store(List.of(batch), me);
            }
            return;
        }
        TurnLog.Batch<E> batch = batches.getFirst();
        guarded(batch.log(), () -> batch.log().logIds().run(() -> {
            LOG.errorf("The database refused events %d to %d of turn %s: %s", batch.entries().getFirst().number(),
                    batch.entries().getLast().number(), batch.row().turn(),
                    cause.getCause() == null ? SqlErrors.reason(cause) : Trace.of(cause));
            batch.log().refused(batch, cause);
        }));
    }

    /**
     * True if stored; false if this process no longer holds its lease, and nothing was stored.
     *
     * @param again whether an earlier attempt may have stored the batches
     */
    private boolean commit(List<TurnLog.Batch<E>> batches, UUID me, boolean again) throws SQLException {
        Connection current = connection.idle();
        List<TransactionalEffect> effects = new ArrayList<>();
        List<EventTable.Row> rows = new ArrayList<>(batches.size());
        for (TurnLog.Batch<E> batch : batches) {
            effects.addAll(batch.effects());
            rows.add(batch.row());
        }
        // Most batches need a single statement, which is its own transaction.
        current.setAutoCommit(effects.isEmpty());
        boolean stored = EventTable.insertFenced(current, me, rows, again);
        if (effects.isEmpty()) {
            return stored;
        }
        if (!stored) {
            current.rollback();
            return false;
        }
        apply(effects, current);
        current.commit();
        return true;
    }

    /** A defect in an effect fails only its own turn, like any data that the database rejects. */
    private static void apply(List<TransactionalEffect> effects, Connection current) throws SQLException {
        Map<TransactionalEffect.Together, List<TransactionalEffect>> together = new LinkedHashMap<>();
        try {
            for (TransactionalEffect effect : effects) {
                TransactionalEffect.Together kind = effect.together();
                if (kind == null) {
                    effect.apply(current);
                } else {
                    together.computeIfAbsent(kind, _ -> new ArrayList<>()).add(effect);
                }
            }
            List<TransactionalEffect.Together> kinds = new ArrayList<>(together.keySet());
            kinds.sort(Comparator.comparing(TransactionalEffect.Together::endsTurns));
            for (TransactionalEffect.Together kind : kinds) {
                kind.apply(current, together.getOrDefault(kind, List.of()));
            }
        } catch (RuntimeException e) {
            throw new SQLException("an effect failed", "22000", e);
        }
    }

    private void rollback() {
        try {
            Connection current = connection.get();
            if (!current.getAutoCommit()) {
                current.rollback();
            }
        } catch (SQLException e) {
            connection.discard();
        }
    }

    private void tellRoom() {
        if (!waitingForRoom.isEmpty() && hasRoom()) {
            // A copy: the same iteration could visit a log that is added back to the set, forever if two of them share a bin.
            for (TurnLog<E> log : List.copyOf(waitingForRoom)) {
                // Removed before the notification, because the log may ask for room again during it.
                waitingForRoom.remove(log);
                guarded(log, () -> {
                    if (!log.tellRoom()) {
                        waitingForRoom.add(log);
                    }
                });
            }
        }
    }

    private static Duration min(Duration a, Duration b) {
        return a.compareTo(b) < 0 ? a : b;
    }
}
