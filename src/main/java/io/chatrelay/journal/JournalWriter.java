package io.chatrelay.journal;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

import org.jboss.logging.Logger;

import io.chatrelay.cluster.DedicatedConnection;
import io.chatrelay.cluster.Lease;
import io.chatrelay.database.SqlErrors;
import io.chatrelay.defect.Trace;

/**
 * The one writer of this replica: it drains what all running turns have appended, stores it in one transaction, and tells
 * the readers only after the commit. While a commit is under way the next batch gathers, so load makes batches larger and
 * not commits more frequent.
 *
 * <p>A commit that failed is unknown, so the same rows are tried again, for as long as it takes: nothing is told that is
 * not stored. What the database refuses is tried turn by turn, so that one turn's bad event stops nobody else.
 */
final class JournalWriter<E> implements TurnLog.Writer<E>, Runnable {

    private static final Logger LOG = Logger.getLogger(JournalWriter.class);

    /** How often an idle writer looks after its connection: a small part of the time after which a process without sessions is gone. */
    private static final Duration CONNECTED_EVERY = Duration.ofMillis(250);

    /** What the journal does about turns, on the writer's thread. */
    interface Listener<E> {

        /** The turn's last event is stored. */
        void ended(UUID turn);

        /** This log's owner, or its readers, failed: what it has pending is not stored. The others go on. */
        void failed(TurnLog<E> log);
    }

    private final DedicatedConnection connection;
    private final Lease lease;
    private final JournalConfig config;
    private final JournalMetrics metrics;
    private final Listener<E> listener;
    private final LinkedBlockingQueue<TurnLog<E>> dirty = new LinkedBlockingQueue<>();
    private final Set<TurnLog<E>> waitingForRoom = ConcurrentHashMap.newKeySet();
    private final AtomicLong reserved = new AtomicLong();
    private volatile boolean stopping;
    private volatile long roundAt = System.nanoTime();
    private long connectedAt = System.nanoTime() - CONNECTED_EVERY.toNanos();

    JournalWriter(DedicatedConnection connection, Lease lease, JournalConfig config, JournalMetrics metrics,
            Listener<E> listener) {
        this.connection = connection;
        this.lease = lease;
        this.config = config;
        this.metrics = metrics;
        this.listener = listener;
    }

    /** Since it last came round: stored what was there, or found nothing. Grows while the database is away, and without end if it died. */
    double secondsSinceRound() {
        return (System.nanoTime() - roundAt) / 1e9;
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

    /** Lets what is pending be stored, then ends the writer. */
    void stop() {
        stopping = true;
    }

    @Override
    public void run() {
        boolean goesOn = true;
        while (goesOn) {
            try {
                goesOn = round();
                roundAt = System.nanoTime();
            } catch (InterruptedException e) {
                goesOn = false;
            } catch (Throwable e) {
                giveUp(e);
            }
        }
        connection.discard();
    }

    /**
     * While there is nothing to store: the connection is there, and shows the incarnation, so that a process whose other session breaks is not taken for
     * gone.
     */
    private void keepConnected() {
        long now = System.nanoTime();
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
            // The next batch will say so.
            LOG.debugf("The journal's writer has no connection: %s", e.getClass().getName());
            connection.discard();
        }
    }

    /** Stores what is there, waiting a little for it. False once there is nothing more to come. */
    private boolean round() throws InterruptedException {
        List<TurnLog.Batch<E>> gathered = gather();
        // After it was taken: what belongs to an earlier incarnation is lost, or about to be told so.
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

    /** Whatever was in hand is unknown now. Giving the lease up hands the turns to whoever can still end them. */
    private void giveUp(Throwable failure) {
        try {
            // Its transaction may be half done, and the next commit would keep that half.
            connection.discard();
            lease.lost(lease.incarnation());
            LOG.errorf("The journal's writer failed; its turns are given up: %s", Trace.of(failure));
        } catch (Throwable e) {
            // With no memory left, say. The journal's sweep drops what is left of the turns; without this thread no turn would be stored.
            return;
        }
    }

    /** Whatever happened is no less true where it cannot be counted. */
    private static void counted(Runnable metric) {
        try {
            metric.run();
        } catch (RuntimeException e) {
            LOG.warnf("A metric of the journal failed: %s", e.getClass().getName());
        }
    }

    /** What one log's part in a round throws is that turn's alone. */
    private void guarded(TurnLog<E> log, Runnable part) {
        try {
            part.run();
        } catch (RuntimeException | Error e) {
            LOG.errorf("The journal failed for turn %s, which is given up: %s", log.turn(), Trace.of(e));
            listener.failed(log);
        }
    }

    private List<TurnLog.Batch<E>> gather() throws InterruptedException {
        TurnLog<E> first = dirty.poll(100, TimeUnit.MILLISECONDS);
        if (first == null) {
            return List.of();
        }
        long linger = config.linger().toNanos();
        if (linger > 0 && !stopping) {
            TimeUnit.NANOSECONDS.sleep(linger);
        }
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
            bytes += batches.stream().skip(taken).mapToLong(batch -> batch.bytes().length).sum();
        }
        return batches;
    }

    private void store(List<TurnLog.Batch<E>> batches, UUID me) throws InterruptedException {
        Duration backoff = Duration.ofMillis(20);
        while (true) {
            try {
                long start = System.nanoTime();
                if (!commit(batches, me)) {
                    lease.lost(me);
                    return;
                }
                long nanos = System.nanoTime() - start;
                batches.forEach(this::told);
                counted(() -> metrics.committed(batches, nanos));
                return;
            } catch (SQLException e) {
                counted(metrics::failed);
                // Without a connection nothing was refused, whatever the database says of who asks.
                if (connection.isOpen() && SqlErrors.refuses(e)) {
                    rollback();
                    refused(batches, me, e);
                    return;
                }
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
        LOG.errorf("The database refused events %d to %d of turn %s: %s", batch.entries().getFirst().number(),
                batch.entries().getLast().number(), batch.row().turn(),
                cause.getCause() == null ? SqlErrors.reason(cause) : Trace.of(cause));
        guarded(batch.log(), () -> batch.log().refused(batch, cause));
    }

    /** True once stored; false if this process no longer holds its lease, and nothing was stored. */
    private boolean commit(List<TurnLog.Batch<E>> batches, UUID me) throws SQLException {
        Connection current = connection.get();
        List<TransactionalEffect> effects = batches.stream().flatMap(batch -> batch.effects().stream()).toList();
        // Most batches are one statement, and that is a transaction by itself.
        current.setAutoCommit(effects.isEmpty());
        boolean stored = EventTable.insertFenced(current, me, batches.stream().map(TurnLog.Batch::row).toList());
        if (effects.isEmpty()) {
            return stored;
        }
        if (!stored) {
            current.rollback();
            return false;
        }
        for (TransactionalEffect effect : effects) {
            apply(effect, current);
        }
        current.commit();
        return true;
    }

    /** A defect of a effect is its turn's, like anything else that the database will not take from it. */
    private static void apply(TransactionalEffect effect, Connection current) throws SQLException {
        try {
            effect.apply(current);
        } catch (RuntimeException e) {
            throw new SQLException("a effect failed", "22000", e);
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
            // A copy: what goes back into the set would be met again by the same walk, for ever if two of them share a bin.
            for (TurnLog<E> log : List.copyOf(waitingForRoom)) {
                // Removed before it is told, for it may ask for room again while it is being told.
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
