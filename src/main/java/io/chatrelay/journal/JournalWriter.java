package io.chatrelay.journal;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

import javax.sql.DataSource;

import org.jboss.logging.Logger;

/**
 * The one writer of this replica: it drains what all running turns have appended, stores it in one transaction, and tells
 * the readers only after the commit. While a commit is under way the next batch gathers, so load makes batches larger and
 * not commits more frequent.
 *
 * <p>A commit that failed is unknown, so the same rows are tried again, for as long as it takes: nothing is told that is
 * not stored. What the database refuses is tried turn by turn, so that one turn's bad event stops nobody else.
 */
final class JournalWriter<E> implements Runnable {

    private static final Logger LOG = Logger.getLogger(JournalWriter.class);

    private final DataSource database;
    private final Lease lease;
    private final JournalConfig config;
    private final JournalMetrics metrics;
    private final Consumer<UUID> ended;
    private final LinkedBlockingQueue<TurnLog<E>> dirty = new LinkedBlockingQueue<>();
    private final Set<TurnLog<E>> waitingForRoom = ConcurrentHashMap.newKeySet();
    private final AtomicLong reserved = new AtomicLong();
    private volatile boolean stopping;
    private Connection connection;

    JournalWriter(DataSource database, Lease lease, JournalConfig config, JournalMetrics metrics, Consumer<UUID> ended) {
        this.database = database;
        this.lease = lease;
        this.config = config;
        this.metrics = metrics;
        this.ended = ended;
    }

    void enqueue(TurnLog<E> log) {
        dirty.add(log);
    }

    void ended(UUID turn) {
        ended.accept(turn);
    }

    void reserve(long bytes) {
        reserved.addAndGet(bytes);
    }

    void release(long bytes) {
        reserved.addAndGet(-bytes);
    }

    boolean hasRoom() {
        return reserved.get() < config.maxPending().asLongValue();
    }

    long pendingBytes() {
        return reserved.get();
    }

    void awaitRoom(TurnLog<E> log) {
        waitingForRoom.add(log);
    }

    /** Lets what is pending be stored, then ends the writer. */
    void stop() {
        stopping = true;
    }

    @Override
    public void run() {
        while (true) {
            try {
                List<TurnLog.Batch<E>> batches = gather();
                if (!batches.isEmpty()) {
                    store(batches);
                    tellRoom();
                } else if (stopping) {
                    discardConnection();
                    return;
                }
            } catch (InterruptedException e) {
                discardConnection();
                return;
            } catch (RuntimeException e) {
                LOG.error("The journal's writer goes on after an unexpected error", e);
            }
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
            TurnLog.Batch<E> batch = log.take(config.maxRow().asLongValue());
            if (batch != null) {
                batches.add(batch);
                bytes += batch.bytes().length;
            }
        }
        return batches;
    }

    private void store(List<TurnLog.Batch<E>> batches) throws InterruptedException {
        Duration backoff = Duration.ofMillis(20);
        while (true) {
            try {
                long start = System.nanoTime();
                if (!commit(batches)) {
                    lease.lost();
                    return;
                }
                metrics.committed(batches, System.nanoTime() - start);
                batches.forEach(this::told);
                return;
            } catch (SQLException e) {
                metrics.failed();
                if (Database.refuses(e)) {
                    rollback();
                    refused(batches, e);
                    return;
                }
                LOG.warnf("The journal waits for the database: %s", Database.reason(e));
                discardConnection();
                Thread.sleep(backoff);
                backoff = min(backoff.multipliedBy(2), config.maxBackoff());
            }
        }
    }

    private void told(TurnLog.Batch<E> batch) {
        if (batch.log().committed(batch)) {
            dirty.add(batch.log());
        }
    }

    private void refused(List<TurnLog.Batch<E>> batches, SQLException cause) throws InterruptedException {
        if (batches.size() > 1) {
            for (TurnLog.Batch<E> batch : batches) {
                store(List.of(batch));
            }
            return;
        }
        TurnLog.Batch<E> batch = batches.getFirst();
        LOG.errorf("The database refused events %d to %d of turn %s: %s", batch.entries().getFirst().number(),
                batch.entries().getLast().number(), batch.row().turn(), Database.reason(cause));
        batch.log().refused(batch, cause);
    }

    /** True once stored; false if this process no longer holds its lease, and nothing was stored. */
    private boolean commit(List<TurnLog.Batch<E>> batches) throws SQLException {
        Connection current = connection();
        List<Rider> riders = batches.stream().flatMap(batch -> batch.riders().stream()).toList();
        // Most batches are one statement, and that is a transaction by itself.
        current.setAutoCommit(riders.isEmpty());
        boolean stored = EventTable.insertFenced(current, lease.incarnation(),
                batches.stream().map(TurnLog.Batch::row).toList());
        if (riders.isEmpty()) {
            return stored;
        }
        if (!stored) {
            current.rollback();
            return false;
        }
        for (Rider rider : riders) {
            rider.ride(current);
        }
        current.commit();
        return true;
    }

    private Connection connection() throws SQLException {
        if (connection == null) {
            Connection opened = database.getConnection();
            try (Statement settings = opened.createStatement()) {
                opened.setAutoCommit(true);
                settings.execute("set idle_in_transaction_session_timeout = " + config.idleInTransactionTimeout().toMillis());
                settings.execute("set lock_timeout = " + config.lockTimeout().toMillis());
                connection = opened;
            } catch (SQLException e) {
                Database.discard(opened);
                throw e;
            }
        }
        return connection;
    }

    private void rollback() {
        try {
            if (!connection.getAutoCommit()) {
                connection.rollback();
            }
        } catch (SQLException e) {
            discardConnection();
        }
    }

    private void discardConnection() {
        if (connection != null) {
            Database.discard(connection);
            connection = null;
        }
    }

    private void tellRoom() {
        if (!waitingForRoom.isEmpty() && hasRoom()) {
            // A copy: what goes back into the set would be met again by the same walk, for ever if two of them share a bin.
            List.copyOf(waitingForRoom).forEach(this::tellRoom);
        }
    }

    private void tellRoom(TurnLog<E> log) {
        // Removed before it is told, for it may ask for room again while it is being told.
        if (waitingForRoom.remove(log)) {
            log.tellRoom();
            if (log.waitsForRoom()) {
                waitingForRoom.add(log);
            }
        }
    }

    private static Duration min(Duration a, Duration b) {
        return a.compareTo(b) < 0 ? a : b;
    }
}
