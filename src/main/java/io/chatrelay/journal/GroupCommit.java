package io.chatrelay.journal;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.SQLTransientException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

import io.chatrelay.cluster.KeptConnection;
import io.chatrelay.database.SqlErrors;
import io.chatrelay.defect.Trace;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;

/**
 * Runs commands of many callers in one statement, which is its own transaction. Commands that arrive while a statement is under way run together in
 * the next one: commits grow with time, not with commands, and a command on an idle replica does not wait. It has one thread and one connection, so
 * a burst of callers neither queues for the pool nor takes connections from others.
 *
 * <p>A command that the statement leaves out, or that the database rejects, has no result, and nothing of it is stored: its caller does it in another
 * way, which also finds the reason. All commands of a statement wait for the slowest one, so it waits for no lock for long.
 *
 * @param <C> a command
 * @param <R> its result
 */
public final class GroupCommit<C, R> implements Runnable {

    private static final Logger LOG = Logger.getLogger(GroupCommit.class);
    /** An idle connection may have broken unnoticed. */
    private static final Duration TRUSTED = Duration.ofSeconds(1);
    private static final int VALID_WITHIN_SECONDS = 1;
    /** Of a row that another transaction holds in an index. Longer than a commit; the command that waits is better done alone. */
    private static final Duration LOCK = Duration.ofMillis(200);
    /** The server ends a statement before its caller gives up, so that the result is known. */
    private static final double STATEMENT_SHARE = 0.75;

    /** What is run for all commands. */
    public interface SharedStatement<C, R> {

        /**
         * Runs the commands in one statement on a connection in auto-commit mode.
         *
         * @param as the incarnation of this process; without its lease nothing may be stored
         * @return the results of those that took effect
         */
        Map<C, R> run(Connection connection, UUID as, List<C> commands) throws SQLException;

        /** What must not be twice in one statement, compared by {@code equals}. The second command has no result. */
        Object key(C command);

        /** The bytes that the command adds to the statement. */
        long size(C command);
    }

    /** @param most commands in one statement, in number and in bytes; a larger command has no result */
    record Bounds(int most, long bytes, int waiting) {}

    /** @param command null for a caller that waits for those before it */
    private record Waiting<C, R>(@Nullable C command, CompletableFuture<Optional<R>> result, AtomicBoolean claimed) {

        Waiting(@Nullable C command) {
            this(command, new CompletableFuture<>(), new AtomicBoolean());
        }

        /** The thread that runs the command claims it, or its caller, who gives up. */
        boolean claim() {
            return claimed.compareAndSet(false, true);
        }

        void hasNone() {
            result.complete(Optional.empty());
        }
    }

    private final KeptConnection connection;
    private final Supplier<UUID> incarnation;
    private final BooleanSupplier closed;
    private final SharedStatement<C, R> statement;
    private final Duration patience;
    private final Bounds bounds;
    private final BlockingQueue<Waiting<C, R>> queue;
    private final Thread thread;
    private final Timer commits;
    private final DistributionSummary sizes;
    private volatile boolean stopping;
    private @Nullable Waiting<C, R> next;
    private @Nullable Connection bounded;
    private long usedAt;

    /**
     * @param name     of its thread and its metrics
     * @param closed   whether nothing is accepted now
     * @param patience how long a command may wait until its statement begins; and the longest time that the connection waits for an answer
     */
    GroupCommit(String name, MeterRegistry registry, KeptConnection connection, Supplier<UUID> incarnation,
            BooleanSupplier closed, SharedStatement<C, R> statement, Duration patience, Bounds bounds) {
        this.connection = connection;
        this.incarnation = incarnation;
        this.closed = closed;
        this.statement = statement;
        this.patience = patience;
        this.bounds = bounds;
        this.queue = new LinkedBlockingQueue<>(bounds.waiting());
        this.thread = Thread.ofPlatform().daemon().name("chat-relay-" + name).unstarted(this);
        this.commits = Timer.builder("chat.relay." + name + ".commit")
                .description("Transactions of this kind, and how long one takes").publishPercentileHistogram()
                .register(registry);
        this.sizes = DistributionSummary.builder("chat.relay." + name + ".batch")
                .description("What took effect in one transaction of this kind").register(registry);
    }

    void start() {
        thread.start();
    }

    void stop() {
        stopping = true;
        thread.interrupt();
    }

    /** Number of commands whose statement has not begun. */
    int waiting() {
        return queue.size();
    }

    /**
     * Runs a command. Blocks until its transaction has committed.
     *
     * @return empty if nothing of the command was stored
     * @throws SQLException if the database does not answer. Then the command may have been stored
     */
    public Optional<R> run(C command) throws SQLException {
        return statement.size(command) > bounds.bytes() ? Optional.empty() : ask(new Waiting<>(command));
    }

    /** Blocks until the commands that were given before have a result. */
    public void awaitEarlier() throws SQLException {
        ask(new Waiting<>(null));
    }

    private Optional<R> ask(Waiting<C, R> waiting) throws SQLException {
        if (stopping || closed.getAsBoolean() || thread.getState() == Thread.State.TERMINATED) {
            return Optional.empty();
        }
        if (!queue.offer(waiting)) {
            throw away();
        }
        try {
            return result(waiting);
        } catch (TimeoutException e) {
            throw away();
        } catch (InterruptedException e) {
            waiting.claim();
            Thread.currentThread().interrupt();
            throw away();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof SQLException sql ? sql
                    : new SQLException("the statement failed", "XX000", e.getCause());
        }
    }

    private Optional<R> result(Waiting<C, R> waiting) throws InterruptedException, ExecutionException, TimeoutException {
        try {
            return waiting.result.get(patience.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            if (waiting.claim()) {
                queue.remove(waiting);
                throw e;
            }
            // Its statement has begun, and ends sooner than this.
            return waiting.result.get(patience.toNanos(), TimeUnit.NANOSECONDS);
        }
    }

    private static SQLException away() {
        return new SQLTransientException("the database did not answer in time", "08006");
    }

    @Override
    public void run() {
        while (!stopping) {
            try {
                run(gather());
            } catch (InterruptedException e) {
                // It stops, or goes on.
                continue;
            } catch (RuntimeException | Error e) {
                // Their callers give up; without this thread all later ones would.
                logged(e);
            }
        }
        connection.discard();
        if (next != null) {
            next.hasNone();
        }
        for (Waiting<C, R> waiting = queue.poll(); waiting != null; waiting = queue.poll()) {
            waiting.hasNone();
        }
    }

    private static void logged(Throwable failure) {
        try {
            LOG.errorf("Commands that share a transaction failed: %s", Trace.of(failure));
        } catch (RuntimeException | Error e) {
            // For example out of memory.
            return;
        }
    }

    /** What waits and fits into one statement, in order. */
    private List<Waiting<C, R>> gather() throws InterruptedException {
        List<Waiting<C, R>> batch = new ArrayList<>();
        Set<Object> keys = new HashSet<>();
        long bytes = 0;
        Waiting<C, R> waiting = next == null ? queue.take() : next;
        next = null;
        while (waiting != null) {
            C command = waiting.command;
            Object key = command == null ? waiting : statement.key(command);
            if (keys.contains(key)) {
                waiting.hasNone();
            } else {
                bytes += command == null ? 0 : statement.size(command);
                if (batch.size() == bounds.most() || bytes > bounds.bytes() && !batch.isEmpty()) {
                    next = waiting;
                    break;
                }
                keys.add(key);
                batch.add(waiting);
            }
            waiting = queue.poll();
        }
        return batch;
    }

    private void run(List<Waiting<C, R>> gathered) {
        Connection current;
        try {
            current = connected();
        } catch (SQLException e) {
            connection.discard();
            // The pool may have a connection where there is none for this thread.
            gathered.forEach(SqlErrors.isRolledBack(e) ? Waiting::hasNone : waiting -> waiting.result.completeExceptionally(e));
            LOG.warnf("There is no connection for commands that share a transaction: %s", SqlErrors.reason(e));
            return;
        }
        List<Waiting<C, R>> batch = gathered.stream().filter(Waiting::claim).toList();
        List<C> commands = batch.stream().<C>mapMulti((waiting, found) -> {
            if (waiting.command != null) {
                found.accept(waiting.command);
            }
        }).toList();
        if (commands.isEmpty() || closed.getAsBoolean()) {
            batch.forEach(Waiting::hasNone);
            return;
        }
        try {
            run(batch, commands, current);
        } catch (SQLException e) {
            ended(batch, e);
        } catch (RuntimeException | Error e) {
            connection.discard();
            batch.forEach(waiting -> waiting.result.completeExceptionally(e));
            throw e;
        }
    }

    private void run(List<Waiting<C, R>> batch, List<C> commands, Connection current) throws SQLException {
        long start = System.nanoTime();
        Map<C, R> results = statement.run(current, incarnation.get(), commands);
        usedAt = System.nanoTime();
        batch.forEach(waiting -> waiting.result
                .complete(Optional.ofNullable(waiting.command == null ? null : results.get(waiting.command))));
        commits.record(usedAt - start, TimeUnit.NANOSECONDS);
        sizes.record(results.size());
    }

    private void ended(List<Waiting<C, R>> batch, SQLException e) {
        boolean rolledBack = connection.isOpen() && SqlErrors.isRolledBack(e);
        if (!rolledBack || !SqlErrors.isOfStatement(e)) {
            connection.discard();
        }
        batch.forEach(rolledBack ? Waiting::hasNone : waiting -> waiting.result.completeExceptionally(e));
        if (rolledBack) {
            LOG.debugf("The database rejected %d commands together: %s", batch.size(), SqlErrors.reason(e));
        } else {
            LOG.warnf("The database did not answer %d commands: %s", batch.size(), SqlErrors.reason(e));
        }
    }

    private Connection connected() throws SQLException {
        if (System.nanoTime() - usedAt > TRUSTED.toNanos() && !connection.get().isValid(VALID_WITHIN_SECONDS)) {
            connection.discard();
        }
        Connection current = connection.idle();
        if (current != bounded) {
            for (String setting : List.of("set lock_timeout = " + LOCK.toMillis(),
                    "set statement_timeout = " + (long) (patience.toMillis() * STATEMENT_SHARE))) {
                try (PreparedStatement set = current.prepareStatement(setting)) {
                    set.execute();
                }
            }
            bounded = current;
        }
        return current;
    }
}
