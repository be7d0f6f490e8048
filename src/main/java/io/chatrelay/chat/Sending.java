package io.chatrelay.chat;

import java.sql.SQLException;
import java.time.Duration;

import org.jboss.logging.Logger;

import io.chatrelay.defect.Trace;

/**
 * One decision on its way to Inkeep:
 *
 * <pre>
 * attempt ── may be sent, is recorded as sent ──▶ told ──┬── acknowledged, or the rest of the turn is its answer ──▶ done
 *    ▲                    │                              ├── nobody knows ──▶ pause, twice as long each time ──┐
 *    │                    └── too late ──▶ undeliverable ├── refused at the first try ──▶ undeliverable        │
 *    │                                                   └── refused after an unknown try ──▶ waits for proof, if a stream can give it
 *    └─────────────────────────────────────────────────────────────────────────────────────────────────────────┘
 * </pre>
 *
 * The same decision is told again only after a try whose fate is unknown, and only while the stream shows no outcome of its call. It
 * holds a thread only while it asks the database.
 */
final class Sending {

    private static final Logger LOG = Logger.getLogger(Sending.class);
    /** From the leave to the first byte, in which a connection is waited for and the process may be paused; below the lease; a turn is not handed over meanwhile. */
    private static final Duration FRESH = Duration.ofSeconds(3);

    private final Outbox outbox;
    private final RunningTurn turn;
    private final Ledger.Due decision;
    private int attempts;
    private boolean unknown;
    private boolean mayHaveBeenSent;
    private Duration pause;

    Sending(Outbox outbox, RunningTurn turn, Ledger.Due decision) {
        this.outbox = outbox;
        this.turn = turn;
        this.decision = decision;
        this.attempts = decision.attempts();
        this.mayHaveBeenSent = attempts > 0;
        this.unknown = mayHaveBeenSent;
        this.pause = outbox.config().retryBackoff();
    }

    void attempt() {
        if (!turn.awaits(decision.callId())) {
            return;
        }
        if (!turn.run().isProven()) {
            // Its run is still being read again, for another process began it or its connection broke.
            mayHaveBeenSent = attempts > 0;
            outbox.later(outbox.config().pollEvery(), this::attempt);
            return;
        }
        if (mayHaveBeenSent) {
            // Its outcome, if there is one, follows what is stored.
            mayHaveBeenSent = false;
            outbox.later(outbox.config().catchUp(), this::attempt);
            return;
        }
        try {
            long asked = System.nanoTime();
            switch (outbox.leave(decision.id(), turn.owner(), attempts)) {
                case SEND -> {
                    attempts++;
                    tell(asked);
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

    /** A try that this process did not make, or whose record's answer was lost: nobody knows what became of it. */
    private void tried() throws SQLException {
        attempts = outbox.attempts(decision.id());
        unknown = true;
        mayHaveBeenSent = true;
        again();
    }

    private void tell(long leaveNanos) {
        LOG.infof("turn %s: decision %s is sent: %s", turn.turn().id(), decision.id(), decision.state().wireName());
        turn.tells();
        turn.tells(turn.run()
                .deliver(decision.decision(),
                        () -> turn.awaits(decision.callId()) && System.nanoTime() - leaveNanos < FRESH.toNanos())
                .subscribe().with(this::told, this::lost));
    }

    private void lost(Throwable defect) {
        LOG.errorf("turn %s: decision %s met a defect: %s", turn.turn().id(), decision.id(), Trace.of(defect));
        told(new Delivery.Unknown(defect.getClass().getSimpleName()));
    }

    private void told(Delivery delivery) {
        turn.told();
        switch (delivery) {
            case Delivery.Acknowledged() -> {
                outbox.count("acknowledged");
                outbox.later(Duration.ZERO, this::acknowledge);
                turn.acknowledged();
            }
            case Delivery.Continued(var rest) -> {
                outbox.count("acknowledged");
                outbox.later(Duration.ZERO, this::acknowledge);
                turn.goesOn(rest);
            }
            case Delivery.Refused(_) -> {
                outbox.count("refused");
                LOG.warnf("turn %s: Inkeep refused decision %s", turn.turn().id(), decision.id());
                if (unknown && !turn.isParked()) {
                    // Inkeep may have taken an earlier try: its outcome will say so, until it cannot come any more.
                    outbox.later(outbox.config().maxBackoff(), this::awaitProof);
                } else {
                    turn.undeliverable("Inkeep refused it");
                }
            }
            case Delivery.Unsent() -> again();
            case Delivery.Unknown(var reason) -> {
                outbox.count("unknown");
                LOG.warnf("turn %s: nobody knows whether Inkeep heard decision %s: %s", turn.turn().id(),
                        decision.id(), reason);
                unknown = true;
                again();
            }
        }
    }

    private void again() {
        outbox.later(pause, this::attempt);
        Duration longer = pause.multipliedBy(2);
        pause = longer.compareTo(outbox.config().maxBackoff()) < 0 ? longer : outbox.config().maxBackoff();
    }

    /** Not acknowledged in the ledger means told again by the turn's next owner, so it is tried until it is written. */
    private void acknowledge() {
        try {
            outbox.acknowledge(decision.id());
        } catch (SQLException | RuntimeException e) {
            if (turn.awaits(decision.callId())) {
                outbox.later(outbox.config().maxBackoff(), this::acknowledge);
            }
        }
    }

    private void awaitProof() {
        if (!turn.awaits(decision.callId())) {
            return;
        }
        try {
            if (outbox.late(decision.id())) {
                turn.undeliverable("Inkeep refused it");
                return;
            }
        } catch (SQLException | RuntimeException e) {
            LOG.debugf("turn %s waits for the database", turn.turn().id());
        }
        outbox.later(outbox.config().maxBackoff(), this::awaitProof);
    }
}
