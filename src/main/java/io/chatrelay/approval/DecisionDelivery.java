package io.chatrelay.approval;

import java.sql.SQLException;
import java.time.Duration;
import java.util.UUID;

import org.jboss.logging.Logger;

import io.chatrelay.defect.Trace;
import io.chatrelay.logging.LogIds;
import io.chatrelay.upstream.DeliveryResult;

/**
 * The delivery of one decision to the upstream:
 *
 * <pre>
 * attempt ── may be sent, is recorded as sent ──▶ sent ──┬── acknowledged, or the rest of the turn is the response ──▶ done
 *    ▲                    │                              ├── result unknown ──▶ pause, twice as long each time ──┐
 *    │                    └── too late ──▶ undeliverable ├── refused at the first try ──▶ undeliverable          │
 *    │                                                   └── refused after an unknown try ──▶ waits for proof, if a stream can give it
 *    └───────────────────────────────────────────────────────────────────────────────────────────────────────────┘
 * </pre>
 *
 * A decision is sent again only after a try with an unknown result, and only while the stream shows no outcome of its call. A delivery holds a thread
 * only during database calls.
 */
public final class DecisionDelivery {

    /** The services that a delivery requires: the ledger, a clock, and a counter. */
    public interface Environment {

        ApprovalsConfig config();

        /** Runs a task on a virtual thread after a pause. */
        void later(Duration pause, Runnable task);

        /**
         * Records that a decision is about to be sent, if it may be.
         *
         * @param owner    the incarnation that owns the turn
         * @param attempts that the owner knows of
         */
        SendPermission permission(UUID id, UUID owner, int attempts) throws SQLException;

        /** How often the decision was recorded as about to be sent. */
        int attempts(UUID id) throws SQLException;

        /** Whether the decision can no longer be sent because its window has closed. */
        boolean late(UUID id) throws SQLException;

        void acknowledge(UUID id) throws SQLException;

        /** Counts the result of a delivery. */
        void count(String result);
    }

    /** Whether a decision may be sent now. */
    public enum SendPermission {
        SEND,
        /** Its window has closed: it is never sent. */
        LATE,
        /** Another process has recorded a try meanwhile. */
        TRIED,
        /** Its outcome is known, or its turn is over or has another owner. */
        NEVER
    }

    private static final Logger LOG = Logger.getLogger(DecisionDelivery.class);
    /**
     * From the permission to the first byte: the delivery may wait for a connection, and the process may be paused. Shorter than the lease; the turn
     * is not handed over meanwhile.
     */
    private static final Duration FRESH = Duration.ofSeconds(3);

    private final Environment environment;
    private final AwaitingTurn turn;
    private final Ledger.Due decision;
    private final LogIds ids;
    private int attempts;
    private boolean unknown;
    private boolean mayHaveBeenSent;
    private Duration pause;

    public DecisionDelivery(Environment environment, AwaitingTurn turn, Ledger.Due decision) {
        this.environment = environment;
        this.turn = turn;
        this.decision = decision;
        this.ids = LogIds.ofTurn(turn.turn().id(), turn.turn().conversationId(), turn.turn().traceparent());
        this.attempts = decision.attempts();
        this.mayHaveBeenSent = attempts > 0;
        this.unknown = mayHaveBeenSent;
        this.pause = environment.config().retryBackoff();
    }

    private void later(Duration after, Runnable task) {
        environment.later(after, ids.bound(task));
    }

    public void attempt() {
        if (!turn.awaits(decision.callId())) {
            return;
        }
        if (!turn.run().isProven()) {
            // The run is still being replayed, because another process began it or its connection broke.
            mayHaveBeenSent = attempts > 0;
            later(environment.config().pollEvery(), this::attempt);
            return;
        }
        if (mayHaveBeenSent) {
            // The outcome, if it exists, follows the stored events.
            mayHaveBeenSent = false;
            later(environment.config().catchUp(), this::attempt);
            return;
        }
        try {
            long asked = System.nanoTime();
            switch (environment.permission(decision.id(), turn.owner(), attempts)) {
                case SEND -> {
                    attempts++;
                    deliver(asked);
                }
                case TRIED -> tried();
                case LATE -> turn.undeliverable("its time has passed");
                case NEVER -> LOG.debugf("turn %s: decision %s need not be sent any more", turn.turn().id(), decision.id());
            }
        } catch (SQLException e) {
            LOG.warnf("turn %s: decision %s waits for the database: %s", turn.turn().id(), decision.id(), e.getSQLState());
            again();
        } catch (RuntimeException e) {
            LOG.errorf("turn %s: decision %s could not be sent, and is tried again: %s", turn.turn().id(), decision.id(),
                    Trace.of(e));
            again();
        }
    }

    /** Another process made the try, or the response to its record was lost: its result is unknown. */
    private void tried() throws SQLException {
        attempts = environment.attempts(decision.id());
        unknown = true;
        mayHaveBeenSent = true;
        again();
    }

    private void deliver(long permittedNanos) {
        LOG.infof("turn %s: decision %s is sent: %s", turn.turn().id(), decision.id(), decision.state().wireName());
        turn.deliveryBegins();
        turn.deliversBy(turn.run()
                .deliver(decision.decision(),
                        () -> turn.awaits(decision.callId()) && System.nanoTime() - permittedNanos < FRESH.toNanos())
                .subscribe().with(this::delivered, this::lost));
    }

    private void lost(Throwable defect) {
        LOG.errorf("turn %s: decision %s met a defect: %s", turn.turn().id(), decision.id(), Trace.of(defect));
        delivered(new DeliveryResult.Unknown(defect.getClass().getSimpleName()));
    }

    private void delivered(DeliveryResult delivery) {
        turn.deliveryEnds();
        switch (delivery) {
            case DeliveryResult.Acknowledged() -> {
                environment.count("acknowledged");
                later(Duration.ZERO, this::acknowledge);
                turn.acknowledged();
            }
            case DeliveryResult.Continued(var rest) -> {
                environment.count("acknowledged");
                later(Duration.ZERO, this::acknowledge);
                turn.continuesWith(rest);
            }
            case DeliveryResult.Refused(_) -> {
                environment.count("refused");
                LOG.warnf("turn %s: the upstream refused decision %s", turn.turn().id(), decision.id());
                if (unknown && !turn.isParked()) {
                    // The upstream may have accepted an earlier try: wait for the outcome that proves it, until it can no longer arrive.
                    later(environment.config().maxBackoff(), this::awaitProof);
                } else {
                    turn.undeliverable("it was refused");
                }
            }
            case DeliveryResult.Unsent() -> again();
            case DeliveryResult.Unknown(var reason) -> {
                environment.count("unknown");
                LOG.warnf("turn %s: it is not known whether the upstream got decision %s: %s", turn.turn().id(),
                        decision.id(), reason);
                unknown = true;
                again();
            }
        }
    }

    private void again() {
        later(pause, this::attempt);
        Duration longer = pause.multipliedBy(2);
        pause = longer.compareTo(environment.config().maxBackoff()) < 0 ? longer : environment.config().maxBackoff();
    }

    /** Retries until the acknowledgement is stored, because the turn's next owner sends an unacknowledged decision again. */
    private void acknowledge() {
        try {
            environment.acknowledge(decision.id());
        } catch (SQLException | RuntimeException e) {
            if (turn.awaits(decision.callId())) {
                later(environment.config().maxBackoff(), this::acknowledge);
            }
        }
    }

    private void awaitProof() {
        if (!turn.awaits(decision.callId())) {
            return;
        }
        try {
            if (environment.late(decision.id())) {
                turn.undeliverable("it was refused");
                return;
            }
        } catch (SQLException | RuntimeException e) {
            LOG.debugf("turn %s waits for the database", turn.turn().id());
        }
        later(environment.config().maxBackoff(), this::awaitProof);
    }
}
