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
 * Notices that a turn waits for decisions: it stands at a pause point, has stood there for a while, and in the ledger nobody has
 * decided anything that it waits for. Belongs to one event loop; the ledger is asked elsewhere.
 *
 * <pre>
 * running ── a pause point ──▶ standing ── for a while ──▶ asks the ledger ── all open ──▶ waits
 *    ▲                            │                             ├── decided: the events are on their way
 *    └── its calls go on ─────────┴─────────────────────────────┘
 * </pre>
 */
final class ApprovalPauseDetector {

    private static final Logger LOG = Logger.getLogger(ApprovalPauseDetector.class);
    private static final long NO_TIMER = -1;

    interface Listener {

        /** The turn waits, for at least one. */
        void waits(List<ApprovalView> open);

        /** It stood, but does not wait. */
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
    /** Counts what changes, so that an answer of the ledger to an older question is not taken. */
    private long changes;
    private long timer = NO_TIMER;

    /**
     * @param calls    as they are before the first event that is taken
     * @param ledger   gives what is open in the turn; blocks
     * @param blocking where it may block
     */
    ApprovalPauseDetector(PausePoints calls, ApiConfig config, Context context, Supplier<List<ApprovalView>> ledger,
            Executor blocking) {
        this.calls = calls;
        this.pauseAfterMillis = Math.max(1, config.pauseAfter().toMillis());
        this.context = context;
        this.ledger = ledger;
        this.blocking = blocking;
    }

    /** @param mayStand whether the turn may stand where it is now, before another event */
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

    /** Whether the turn stands at the last pause point, as far as its events say. */
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
        // One that is decided goes on by itself, and a client that saw it approved must not be left before it has.
        if (waiting.size() == calls.waiting().size()) {
            leave();
            listener.waits(waiting);
        } else {
            leave();
            listener.goesOn();
        }
    }
}
