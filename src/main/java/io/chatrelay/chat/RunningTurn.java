package io.chatrelay.chat;

import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Flow;

import org.jboss.logging.Logger;

import io.chatrelay.chat.ChatEvent.Ended;
import io.chatrelay.chat.ChatEvent.Started;
import io.chatrelay.chat.ChatEvent.TextDelta;
import io.chatrelay.journal.Rider;
import io.chatrelay.journal.TurnLog;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.subscription.Cancellable;

/**
 * A turn that runs here: it reads its upstream no faster than the journal stores, folds what comes into the message, and
 * ends exactly once.
 *
 * <pre>
 * waiting for the first event ── first event ──▶ answering ◀── room ── paused (the journal is behind)
 *        │                                          │  │  └── no room ────▶│
 *        │                                          │  └── the answer ends at an approval ──▶ parked ── its rest ──▶ answering
 *        └── refused, timed out ──▶ over ◀── Ended, cut, timed out, too large, undeliverable, lease lost
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
    private final Upstream.Approvals terms;
    private final AwaitedCalls awaited;
    private UpstreamRun run;
    private UUID owner;
    private TurnLog<ChatEvent> log;
    private Flow.Subscription upstream;
    private final long startedNanos;
    private long heardNanos;
    private long size;
    private boolean paused;
    private boolean parked;
    private Cancellable telling;
    private boolean over;
    private Ended last;
    private int refusals;

    /**
     * @param transcript of what is stored already
     * @param size       of what is stored already
     * @param begunNanos when it began, by this process' clock
     */
    RunningTurn(Turn turn, Transcript transcript, long size, TurnConfig config, Upstream.Approvals terms, long begunNanos,
            Runner runner) {
        this.turn = turn;
        this.transcript = transcript;
        this.config = config;
        this.runner = runner;
        this.terms = terms;
        this.awaited = new AwaitedCalls(terms.ends());
        this.size = size;
        this.startedNanos = begunNanos;
        this.heardNanos = System.nanoTime();
    }

    Turn turn() {
        return turn;
    }

    synchronized UpstreamRun run() {
        return run;
    }

    /** The incarnation that owns it. */
    synchronized UUID owner() {
        return owner;
    }

    synchronized void writesTo(TurnLog<ChatEvent> opened, UUID as) {
        this.log = opened;
        this.owner = as;
    }

    /** Begins to read what the upstream answers, or goes on where its last process was. */
    void reads(UpstreamRun begun) {
        synchronized (this) {
            run = begun;
            transcript.asking().forEach((callId, announced) -> awaited.asked(Jsonb.clean(callId), announced));
            if (!awaited.isEmpty()) {
                runner.waits(this);
            }
        }
        begun.answer().subscribe().withSubscriber(this);
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
            take(event);
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

    private void take(ChatEvent event) {
        Rider rider = null;
        if (event instanceof Started(var id) && id != null) {
            rider = new UpstreamPosition(turn.id(), id);
        } else if (event instanceof ChatEvent.ApprovalRequested(var approvalId, var callId)) {
            ChatEvent.ToolCalled call = transcript.open(callId);
            if (call == null || awaited.awaits(Jsonb.clean(callId))) {
                // Only a call that this turn announced can ask, and once.
                LOG.warnf("turn %s: an approval was asked for a call that is not open", turn.id());
                return;
            }
            rider = Ask.of(turn.id(), call, approvalId, terms, runner.approvals());
            awaited.asked(Jsonb.clean(callId), false);
            runner.waits(this);
        } else {
            CallOutcome outcome = CallOutcome.of(turn.id(), event);
            rider = outcome != null && awaited.settled(outcome.callId()) ? outcome : null;
        }
        transcript.apply(event);
        log.append(List.of(event), rider);
        size += weight(event);
    }

    /** The ledger has a decision on one of its calls. Told as often as it is found; it counts once. */
    void decided(Ledger.Due decision) {
        List<Ledger.Due> ready;
        synchronized (this) {
            if (over || log == null) {
                return;
            }
            if (awaited.decided(decision)) {
                ChatEvent event = new ChatEvent.ApprovalDecided(decision.approvalId(), decision.callId(), decision.state(),
                        decision.reason());
                transcript.apply(event);
                log.append(List.of(event), connection -> Ledger.waits(connection, turn.id()));
                size += weight(event);
                heardNanos = System.nanoTime();
            }
            ready = handOver();
        }
        ready.forEach(due -> runner.send(this, due));
    }

    /** What is sent now. An answer that ends at approvals is told the next decision when it has ended, and not before. */
    private List<Ledger.Due> handOver() {
        return terms.ends() && !parked ? List.of() : awaited.handOver();
    }

    /** Whether the call still has no outcome, and the turn runs. */
    synchronized boolean awaits(String callId) {
        return !over && awaited.awaits(callId);
    }

    /** A decision is on its way. Where the answer to it is the rest of the turn, its end is the end of that, too. */
    void tells(Cancellable call) {
        boolean late;
        synchronized (this) {
            telling = terms.ends() ? call : telling;
            late = over;
        }
        if (late && terms.ends()) {
            call.cancel();
        }
    }

    /** Inkeep said that it took a decision. Where its answer had ended, the rest should have come with that. */
    void acknowledged() {
        boolean lost;
        synchronized (this) {
            heardNanos = System.nanoTime();
            lost = parked;
        }
        if (lost) {
            stop(Ended.failed(Failure.of(Failure.Code.UPSTREAM_CUT,
                    "Inkeep took the decision, but does not tell the rest of its answer; what came before is kept.")));
        }
    }

    /** The answer goes on. */
    void goesOn(Multi<ChatEvent> rest) {
        synchronized (this) {
            if (over) {
                return;
            }
            heardNanos = System.nanoTime();
            parked = false;
        }
        rest.subscribe().withSubscriber(this);
    }

    /** A decision cannot be told to Inkeep, so nothing will come of its call. */
    void undeliverable(String why) {
        stop(Ended.failed(Failure.of(Failure.Code.APPROVAL_UNAVAILABLE,
                "A decision is recorded, but could not be given to Inkeep: %s. What came before is kept.".formatted(why))));
    }

    @Override
    public void onError(Throwable failure) {
        stop(Ended.failed(Failure.of(Failure.Code.INTERNAL_ERROR, "The turn ended by a defect of this service.")));
    }

    @Override
    public void onComplete() {
        List<Ledger.Due> ready = List.of();
        boolean waits;
        synchronized (this) {
            parked = !over && terms.ends() && !awaited.isEmpty();
            waits = parked;
            if (waits) {
                ready = handOver();
            }
        }
        ready.forEach(due -> runner.send(this, due));
        if (!waits) {
            stop(Ended.failed(Failure.of(Failure.Code.UPSTREAM_CUT, "Inkeep's answer ended before it was finished.")));
        }
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
            } else if (!paused && !parked && !awaited.undecided() && nowNanos - heardNanos > limit().toNanos()) {
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
        // Before the append: the writer may say that it is stored before this method ends.
        last = ended;
        log.append(closing, new TurnEnd(turn, ended, transcript.started(),
                kept()));
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
        if (telling != null) {
            telling.cancel();
        }
        runner.over(this);
    }

    @Override
    public void room() {
        Flow.Subscription current;
        synchronized (this) {
            if (over || !paused) {
                return;
            }
            paused = false;
            heardNanos = System.nanoTime();
            current = upstream;
        }
        current.request(1);
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
    static int weight(ChatEvent event) {
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
