package io.chatrelay.api;

import java.util.List;
import java.util.concurrent.Executor;
import java.util.function.Supplier;

import org.jboss.logging.Logger;

import io.chatrelay.approval.ApprovalView;
import io.chatrelay.database.SqlErrors;
import io.chatrelay.defect.Trace;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.PausePoints;
import io.vertx.core.Context;

/**
 * Detects that a turn waits for decisions: it has been at a pause point for the configured time, and the ledger has no decision for any
 * call that the turn waits for. It belongs to one event loop; the ledger is read on another thread.
 *
 * <pre>
 * running ── pause point ──▶ standing ── pauseAfter ──▶ queries the ledger ── all open ──▶ waits
 *    ▲                          │                            ├── decided: the events will follow
 *    └── its calls continue ────┴────────────────────────────┘
 * </pre>
 */
final class ApprovalPauseDetector {

    private static final Logger LOG = Logger.getLogger(ApprovalPauseDetector.class);
    private static final long NO_TIMER = -1;

    interface Listener {

        /** The turn waits for at least one approval. */
        void waits(List<ApprovalView> open);

        /** The turn was at a pause point, but does not wait. */
        void goesOn();
    }

    private final PausePoints calls;
    private final long pauseAfterMillis;
    private final Context context;
    private final Supplier<List<ApprovalView>> ledger;
    private final Executor blocking;
    private Listener listener;
    private boolean standing;
    private boolean stopped;
    /** Counts changes, so that the detector ignores the ledger's answer to an outdated query. */
    private long changes;
    private long timer = NO_TIMER;

    /**
     * @param calls    the calls before the first event that is taken
     * @param ledger   returns the turn's open approvals; blocks
     * @param blocking the executor for the blocking query
     */
    ApprovalPauseDetector(PausePoints calls, ApiConfig config, Context context, Supplier<List<ApprovalView>> ledger,
            Executor blocking) {
        this.calls = calls;
        this.pauseAfterMillis = Math.max(1, config.pauseAfter().toMillis());
        this.context = context;
        this.ledger = ledger;
        this.blocking = blocking;
    }

    /** @param mayStand whether the current position, before another event, may count as a pause point */
    void begin(Listener told, boolean mayStand) {
        listener = told;
        if (mayStand && calls.mayPause()) {
            stand();
        }
    }

    /** Takes the next event. True if the position after it is a pause point. */
    boolean take(ChatEvent event) {
        boolean point = calls.apply(event);
        if (point) {
            stand();
        } else if (standing && !calls.mayPause()) {
            leave();
        }
        return point;
    }

    /** Whether the turn is at its last pause point, according to its events. */
    boolean standing() {
        return standing;
    }

    void stop() {
        stopped = true;
        leave();
    }

    private void stand() {
        leave();
        if (!stopped) {
            standing = true;
            askLater();
        }
    }

    private void leave() {
        standing = false;
        changes++;
        context.owner().cancelTimer(timer);
        timer = NO_TIMER;
    }

    private void askLater() {
        long since = changes;
        timer = context.owner().setTimer(pauseAfterMillis, _ -> context.runOnContext(_ -> {
            if (since == changes) {
                blocking.execute(() -> ask(since));
            }
        }));
    }

    private void ask(long since) {
        try {
            List<ApprovalView> open = ledger.get();
            context.runOnContext(_ -> answered(since, open));
        } catch (RuntimeException e) {
            if (SqlErrors.isAway(e)) {
                LOG.debugf("The ledger cannot be asked (%s); asking again", e.getClass().getSimpleName());
            } else {
                LOG.errorf("The ledger cannot be asked, and is asked again: %s", Trace.of(e));
            }
            context.runOnContext(_ -> {
                if (since == changes) {
                    askLater();
                }
            });
        }
    }

    private void answered(long since, List<ApprovalView> open) {
        if (since != changes) {
            return;
        }
        List<ApprovalView> waiting = open.stream().filter(view -> calls.waiting().contains(view.toolCallId())).toList();
        // If a call is decided, the turn continues automatically, and a client that saw the approval must keep its stream until then.
        if (waiting.size() == calls.waiting().size()) {
            leave();
            listener.waits(waiting);
        } else {
            leave();
            listener.goesOn();
        }
    }
}
