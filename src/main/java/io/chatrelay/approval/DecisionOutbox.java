package io.chatrelay.approval;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

import javax.sql.DataSource;

import jakarta.enterprise.context.ApplicationScoped;

import org.jboss.logging.Logger;

import io.chatrelay.defect.RepeatedTask;
import io.chatrelay.defect.Trace;
import io.chatrelay.event.ApprovalState;
import io.chatrelay.logging.LogIds;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.virtual.threads.VirtualThreads;

/**
 * Passes decisions from the ledger to the turns that wait for them on this replica, and delivers them to the upstream. Decisions that this replica
 * records are passed at once; one poll for all waiting turns finds decisions of other replicas and expiries. Only a turn's own replica sends.
 *
 * <p>The poll has a clock of its own, which also times the deliveries: the framework's scheduler looks once a second, and a caller waits for the
 * decision.
 */
@ApplicationScoped
public class DecisionOutbox implements DecisionDelivery.Environment {

    private static final Logger LOG = Logger.getLogger(DecisionOutbox.class);

    private static final String EVENTS = "chat.relay.approvals";

    private final DataSource database;
    private final ExecutorService virtualThreads;
    private final ApprovalsConfig config;
    private final MeterRegistry metrics;
    private final Map<UUID, AwaitingTurn> waiting = new ConcurrentHashMap<>();
    private final AtomicBoolean polling = new AtomicBoolean();
    /** In seconds, as the last poll found it. */
    private volatile double longestWait;
    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("chat-relay-approval-clock").factory());

    DecisionOutbox(DataSource database, @VirtualThreads ExecutorService virtualThreads, ApprovalsConfig config,
            MeterRegistry metrics) {
        this.database = database;
        this.virtualThreads = virtualThreads;
        this.config = config;
        this.metrics = metrics;
        metrics.gaugeMapSize("chat.relay.approvals.waiting.turns", List.of(), waiting);
        // From the start on: of what appears with its first event, Prometheus does not see that event.
        for (ApprovalState state : List.of(ApprovalState.APPROVED, ApprovalState.DENIED, ApprovalState.EXPIRED)) {
            metrics.counter(EVENTS, "event", state.wireName());
        }
        Gauge.builder("chat.relay.approvals.oldest.seconds", this, outbox -> outbox.waiting.isEmpty() ? 0 : outbox.longestWait)
                .description("Since the oldest approval was asked that waits in a turn of this replica").register(metrics);
    }

    public void start() {
        long every = config.pollEvery().toNanos();
        clock.scheduleWithFixedDelay(new RepeatedTask("The approvals' clock", this::poll), every, every, TimeUnit.NANOSECONDS);
    }

    public void stop() {
        clock.shutdownNow();
    }

    @Override
    public ApprovalsConfig config() {
        return config;
    }

    /** From now on this turn receives decisions on its calls. */
    public void watch(AwaitingTurn turn) {
        waiting.put(turn.turn().id(), turn);
    }

    public void forget(AwaitingTurn turn) {
        waiting.remove(turn.turn().id(), turn);
    }

    /** A decision for this turn may exist: if the turn runs here, it does not wait for the poll. */
    void nudge(UUID turn) {
        if (waiting.containsKey(turn)) {
            later(Duration.ZERO, () -> look(turn));
        }
    }

    private void poll() {
        if (!waiting.isEmpty() && polling.compareAndSet(false, true)) {
            try {
                virtualThreads.execute(() -> {
                    try {
                        lookAtAll();
                    } finally {
                        polling.set(false);
                    }
                });
            } catch (RuntimeException | Error e) {
                // A failure to start a thread must not stop the poll permanently.
                polling.set(false);
                throw e;
            }
        }
    }

    private void lookAtAll() {
        List<UUID> asking = List.copyOf(waiting.keySet());
        withDatabase(connection -> {
            look(connection, asking);
            longestWait = Ledger.longestWait(connection, asking);
        });
    }

    private void look(UUID turn) {
        withDatabase(connection -> look(connection, List.of(turn)));
    }

    private void look(Connection connection, List<UUID> asking) throws SQLException {
        counted(Ledger.expire(connection, asking));
        for (Ledger.Due due : Ledger.due(connection, asking)) {
            AwaitingTurn turn = waiting.get(due.turn());
            if (turn != null) {
                ids(turn).run(() -> tell(turn, due));
            }
        }
    }

    private interface Looking {
        void at(Connection connection) throws SQLException;
    }

    private void withDatabase(Looking look) {
        try (Connection connection = database.getConnection()) {
            look.at(connection);
        } catch (SQLException e) {
            LOG.warnf("Decisions wait for the database: %s", e.getSQLState());
        } catch (RuntimeException e) {
            LOG.errorf("Decisions could not be looked up: %s", Trace.of(e));
        }
    }

    private static LogIds ids(AwaitingTurn turn) {
        return LogIds.ofTurn(turn.turn().id(), turn.turn().conversationId(), turn.turn().traceparent());
    }

    /** A defect in one turn does not affect other turns. */
    private static void tell(AwaitingTurn turn, Ledger.Due decision) {
        try {
            turn.decided(decision);
        } catch (RuntimeException e) {
            turn.onError(e);
        }
    }

    /** Expires the due approvals of these turns on any replica; the replicas that run the turns find them expired. */
    void expire(Set<UUID> turns) {
        try (Connection connection = database.getConnection()) {
            counted(Ledger.expireAll(connection, turns));
        } catch (SQLException e) {
            throw new IllegalStateException("an expiry could not be recorded", e);
        }
    }

    private void counted(int expired) {
        if (expired > 0) {
            metrics.counter(EVENTS, "event", ApprovalState.EXPIRED.wireName()).increment(expired);
        }
    }

    /**
     * Sends a decision until it is acknowledged, its outcome is known, its window closes or the turn is over. A decision that a previous process may
     * have sent waits until the run has been replayed.
     */
    public void send(AwaitingTurn turn, Ledger.Due decision) {
        later(Duration.ZERO, ids(turn).bound(new DecisionDelivery(this, turn, decision)::attempt));
    }

    @Override
    public void later(Duration pause, Runnable task) {
        try {
            if (pause.isZero()) {
                virtualThreads.execute(task);
            } else {
                clock.schedule(() -> virtualThreads.execute(task), pause.toNanos(), TimeUnit.NANOSECONDS);
            }
        } catch (RejectedExecutionException e) {
            // This process is shutting down; the turn's next owner sends the unacknowledged decision.
            LOG.debug("A decision is left for the turn's next owner");
        }
    }

    @Override
    public DecisionDelivery.SendPermission permission(UUID id, UUID owner, int attempts) throws SQLException {
        try (Connection connection = database.getConnection()) {
            if (Ledger.send(connection, id, owner, attempts)) {
                return DecisionDelivery.SendPermission.SEND;
            }
            if (Ledger.late(connection, id)) {
                return DecisionDelivery.SendPermission.LATE;
            }
            return Ledger.attempts(connection, id) == attempts ? DecisionDelivery.SendPermission.NEVER
                    : DecisionDelivery.SendPermission.TRIED;
        }
    }

    @Override
    public int attempts(UUID id) throws SQLException {
        try (Connection connection = database.getConnection()) {
            return Ledger.attempts(connection, id);
        }
    }

    @Override
    public boolean late(UUID id) throws SQLException {
        try (Connection connection = database.getConnection()) {
            return Ledger.late(connection, id);
        }
    }

    /** One statement, which is its own transaction. */
    boolean decide(List<Ledger.Wanted> wanted, String by, String endUser) {
        try (Connection connection = database.getConnection()) {
            if (!Ledger.decide(connection, wanted, by, endUser)) {
                return false;
            }
            wanted.forEach(one -> metrics.counter(EVENTS, "event", one.state().wireName()).increment());
            return true;
        } catch (SQLException e) {
            throw new IllegalStateException("a decision could not be recorded", e);
        }
    }

    @Override
    public void acknowledge(UUID id) throws SQLException {
        try (Connection connection = database.getConnection()) {
            Ledger.acknowledge(connection, id);
        }
    }

    @Override
    public void count(String result) {
        metrics.counter("chat.relay.approval.deliveries", "result", result).increment();
    }
}
