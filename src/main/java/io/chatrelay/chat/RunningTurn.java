package io.chatrelay.chat;

import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Flow;

import org.jboss.logging.Logger;

import io.chatrelay.chat.ChatEvent.Ended;
import io.chatrelay.chat.ChatEvent.Started;
import io.chatrelay.chat.ChatEvent.TextDelta;
import io.chatrelay.journal.TurnLog;

/**
 * A turn that runs here: it reads its upstream no faster than the journal stores, folds what comes into the message, and
 * ends exactly once.
 *
 * <pre>
 * waiting for the first event ── first event ──▶ answering ◀── room ── paused (the journal is behind)
 *        │                                          │  └───── no room ─────▶│
 *        └── refused, timed out ──▶ over ◀── Ended, cut, timed out, too large, lease lost
 * </pre>
 *
 * It belongs to no connection: readers come and go without it. All that happens to it is serialised by its monitor.
 */
final class RunningTurn implements Flow.Subscriber<ChatEvent>, TurnLog.Owner {

    private static final Logger LOG = Logger.getLogger(RunningTurn.class);

    private final Turn turn;
    private final Transcript transcript;
    private final TurnConfig config;
    private final Runner runner;
    private TurnLog<ChatEvent> log;
    private Flow.Subscription upstream;
    private final long startedNanos;
    private long heardNanos;
    private long size;
    private boolean paused;
    private boolean over;
    private Ended last;
    private int refusals;

    RunningTurn(Turn turn, Transcript transcript, TurnConfig config, long nowNanos, Runner runner) {
        this.turn = turn;
        this.transcript = transcript;
        this.config = config;
        this.runner = runner;
        this.startedNanos = nowNanos;
        this.heardNanos = nowNanos;
    }

    Turn turn() {
        return turn;
    }

    synchronized void writesTo(TurnLog<ChatEvent> opened) {
        this.log = opened;
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
        boolean late;
        synchronized (this) {
            upstream = subscription;
            late = over;
        }
        if (late) {
            subscription.cancel();
        } else {
            subscription.request(1);
        }
    }

    @Override
    public void onNext(ChatEvent event) {
        boolean more;
        synchronized (this) {
            if (over) {
                return;
            }
            heardNanos = System.nanoTime();
            if (event instanceof Ended ended) {
                end(ended);
                return;
            }
            transcript.apply(event);
            log.append(List.of(event),
                    event instanceof Started(var id) && id != null ? new UpstreamPosition(turn.id(), id) : null);
            size += weight(event);
            if (size > config.maxSize().asLongValue()) {
                end(Ended.failed(Failure.of(Failure.Code.TURN_TOO_LARGE,
                        "The answer grew beyond the size that is configured for a turn; what came before is kept.")));
                return;
            }
            more = log.hasRoom();
            paused = !more;
        }
        if (more) {
            upstream.request(1);
        }
    }

    @Override
    public void onError(Throwable failure) {
        stop(Ended.failed(Failure.of(Failure.Code.INTERNAL_ERROR, "The turn ended by a defect of this service.")));
    }

    @Override
    public void onComplete() {
        stop(Ended.failed(Failure.of(Failure.Code.UPSTREAM_CUT, "Inkeep's answer ended before it was finished.")));
    }

    /** Ends the turn from here, unless it has ended: what is open is closed, what came before is kept. */
    void stop(Ended ended) {
        synchronized (this) {
            if (!over) {
                end(ended);
            }
        }
    }

    /** Ends the turn if it has waited too long. Called by the clock. */
    void tick(long nowNanos) {
        synchronized (this) {
            if (over) {
                return;
            }
            if (nowNanos - startedNanos > config.maxDuration().toNanos()) {
                end(Ended.failed(Failure.of(Failure.Code.TURN_TOO_LONG,
                        "The turn ran longer than %s.".formatted(config.maxDuration()))));
            } else if (!paused && nowNanos - heardNanos > limit().toNanos()) {
                end(Ended.failed(Failure.of(Failure.Code.UPSTREAM_TIMEOUT,
                        transcript.started() ? "Inkeep was silent for longer than %s.".formatted(limit())
                                : "Inkeep sent nothing within %s.".formatted(limit()))));
            }
        }
    }

    private Duration limit() {
        return transcript.started() ? config.silenceTimeout() : config.firstEventTimeout();
    }

    private void end(Ended ended) {
        over = true;
        List<ChatEvent> closing = transcript.closing(ended);
        closing.forEach(transcript::apply);
        log.append(closing, new TurnEnd(turn, ended, transcript.started(),
                kept()));
        last = ended;
        leave();
    }

    private String kept() {
        try {
            return transcript.hasContent() ? transcript.parts() : null;
        } catch (RuntimeException e) {
            // Whatever is odd about an answer, its turn has to end; its events are stored as they came.
            LOG.errorf("turn %s: its message cannot be written: %s", turn.id(), e.getClass().getSimpleName());
            return null;
        }
    }

    private void leave() {
        if (upstream != null) {
            upstream.cancel();
        }
        runner.over(this);
    }

    @Override
    public void room() {
        synchronized (this) {
            if (over || !paused) {
                return;
            }
            paused = false;
            heardNanos = System.nanoTime();
        }
        upstream.request(1);
    }

    @Override
    public void refused(SQLException cause) {
        Ended ended = Ended.failed(Failure.of(Failure.Code.STORAGE_REFUSED,
                "The database refused a part of the answer; what came before is kept."));
        synchronized (this) {
            over = true;
            last = ended;
            leave();
        }
        runner.endAsStored(turn, log, ended, ++refusals);
    }

    @Override
    public void ended() {
        runner.ended(turn, last);
    }

    @Override
    public void lost() {
        synchronized (this) {
            if (!over) {
                over = true;
                leave();
            }
        }
    }

    /** About what an event costs in the heap and in the table; exact is what the journal counts. */
    private static int weight(ChatEvent event) {
        return 32 + switch (event) {
            case TextDelta(_, var text) -> text.length();
            case ChatEvent.ToolInputDelta(_, var text) -> text.length();
            case ChatEvent.ToolCalled(_, _, var input, _) -> input.text().length();
            case ChatEvent.ToolSucceeded(_, var output) -> output.text().length();
            case ChatEvent.ApprovalDecided(_, _, _, var reason) -> reason == null ? 0 : reason.length();
            case ChatEvent.ToolFailed(_, var error) -> error.length();
            case ChatEvent.Data(_, _, var data) -> data.text().length();
            case Started _,ChatEvent.StepStarted _,ChatEvent.StepFinished _,ChatEvent.TextStarted _,ChatEvent.TextEnded _,ChatEvent.ToolInputStarted _,ChatEvent.ApprovalRequested _,ChatEvent.ToolDenied _,Ended _ ->
                    0;
        };
    }
}
