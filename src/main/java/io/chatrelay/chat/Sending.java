package io.chatrelay.chat;

import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.UUID;

import org.jboss.logging.Logger;

/**
 * Decisions of one turn on their way to Inkeep:
 *
 * <pre>
 * attempt ── may be sent, is recorded as sent ──▶ told ──┬── acknowledged, or the rest of the turn is its answer ──▶ done
 *    ▲                    │                              ├── nobody knows ──▶ pause, twice as long each time ──┐
 *    │                    └── too late ──▶ undeliverable ├── refused at the first try ──▶ undeliverable        │
 *    │                                                   └── refused after an unknown try ──▶ waits for proof  │
 *    └─────────────────────────────────────────────────────────────────────────────────────────────────────────┘
 * </pre>
 *
 * The same decision is told again only after a try whose fate is unknown, and only while the stream shows no outcome of its call. It
 * holds a thread only while it asks the database.
 */
final class Sending {

    private static final Logger LOG = Logger.getLogger(Sending.class);
    /** Between the record and the call the process may have been paused; below the lease, so that nobody else owns the turn yet. */
    private static final Duration FRESH = Duration.ofSeconds(3);

    private final Outbox outbox;
    private final RunningTurn turn;
    private final List<Ledger.Due> decisions;
    private final List<UUID> ids;
    private boolean unknown;
    private Duration pause;

    /** @param unknown whether an earlier process may have sent one of them */
    Sending(Outbox outbox, RunningTurn turn, List<Ledger.Due> decisions, boolean unknown) {
        this.outbox = outbox;
        this.turn = turn;
        this.decisions = List.copyOf(decisions);
        this.ids = decisions.stream().map(Ledger.Due::id).toList();
        this.unknown = unknown;
        this.pause = outbox.config().retryBackoff();
    }

    void attempt() {
        if (!turn.awaitsAny(decisions)) {
            return;
        }
        try {
            long asked = System.nanoTime();
            switch (outbox.leave(ids, turn.owner())) {
                case SEND -> {
                    if (System.nanoTime() - asked > FRESH.toNanos()) {
                        again();
                    } else if (turn.awaitsAny(decisions)) {
                        // Looked at again: while the ledger was asked, the turn may have ended or the outcome may have come.
                        tell();
                    }
                }
                case LATE -> turn.undeliverable("its time has passed");
                case NEVER -> LOG.debugf("turn %s: a decision need not be sent any more", turn.turn().id());
            }
        } catch (SQLException e) {
            LOG.warnf("turn %s: a decision waits for the database: %s", turn.turn().id(), e.getSQLState());
            again();
        }
    }

    private void tell() {
        LOG.infof("turn %s: a decision on %d call(s) is sent", turn.turn().id(), ids.size());
        turn.run().deliver(decisions.stream().map(Ledger.Due::decision).toList()).subscribe().with(this::told,
                failure -> told(new Delivery.Unknown(failure.getClass().getSimpleName())));
    }

    private void told(Delivery delivery) {
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
            case Delivery.Refused(var reason) -> {
                outbox.count("refused");
                LOG.warnf("turn %s: Inkeep refused a decision: %s", turn.turn().id(), reason);
                if (unknown) {
                    // Inkeep may have taken an earlier try: its outcome will say so, until it cannot come any more.
                    outbox.later(outbox.config().maxBackoff(), this::awaitProof);
                } else {
                    turn.undeliverable("Inkeep refused it");
                }
            }
            case Delivery.Unknown(var reason) -> {
                outbox.count("unknown");
                LOG.warnf("turn %s: nobody knows whether Inkeep heard a decision: %s", turn.turn().id(), reason);
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
            outbox.acknowledge(ids);
        } catch (SQLException e) {
            if (turn.awaitsAny(decisions)) {
                outbox.later(outbox.config().maxBackoff(), this::acknowledge);
            }
        }
    }

    private void awaitProof() {
        if (!turn.awaitsAny(decisions)) {
            return;
        }
        try {
            if (outbox.late(ids)) {
                turn.undeliverable("Inkeep refused it");
                return;
            }
        } catch (SQLException e) {
            LOG.debugf("turn %s waits for the database", turn.turn().id());
        }
        outbox.later(outbox.config().maxBackoff(), this::awaitProof);
    }
}
