package io.chatrelay.turn;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Flow;

import org.jboss.logging.Logger;

import io.chatrelay.approval.ApprovalInsert;
import io.chatrelay.approval.ApprovalsConfig;
import io.chatrelay.approval.AwaitedCalls;
import io.chatrelay.approval.AwaitingTurn;
import io.chatrelay.approval.CallOutcome;
import io.chatrelay.approval.Ledger;
import io.chatrelay.defect.Trace;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.ApprovalRequested;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.ChatEvent.Started;
import io.chatrelay.event.ChatEvent.ToolCalled;
import io.chatrelay.event.EventWeight;
import io.chatrelay.event.Failure;
import io.chatrelay.event.InputDigest;
import io.chatrelay.event.PrintableName;
import io.chatrelay.event.Transcript;
import io.chatrelay.event.Turn;
import io.chatrelay.journal.TransactionalEffect;
import io.chatrelay.journal.TurnLog;
import io.chatrelay.logging.LogIds;
import io.chatrelay.turn.TurnProgress.Over;
import io.chatrelay.turn.TurnProgress.Parked;
import io.chatrelay.turn.TurnProgress.Paused;
import io.chatrelay.turn.TurnProgress.Reading;
import io.chatrelay.turn.TurnProgress.StoringApproval;
import io.chatrelay.upstream.Upstream;
import io.chatrelay.upstream.UpstreamRun;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.subscription.Cancellable;

/**
 * A turn that runs on this replica. It reads its upstream no faster than the journal stores, adds each event to the message, and ends exactly once.
 * {@link TurnProgress} shows its states.
 *
 * A turn does not depend on any connection: readers connect and disconnect independently. Its monitor serialises all transitions. It is one class
 * because every transition reads and writes the same state.
 */
final class RunningTurn implements Flow.Subscriber<ChatEvent>, TurnLog.Owner, AwaitingTurn {

    private static final Logger LOG = Logger.getLogger(RunningTurn.class);

    /** What a running turn requires from the process that runs it. */
    interface Environment {

        ApprovalsConfig approvals();

        /** Runs a task on another thread, because it takes too long for an event loop. */
        void offload(Runnable task);

        /** Delivers a decision to the upstream, on another thread. */
        void deliver(AwaitingTurn turn, Ledger.Due decision);

        /** Releases the turn. The journal then finds it as forgotten, and it is ended from its stored events. */
        void abandon(UUID turn);

        /**
         * Ends the turn from its stored events.
         *
         * @param refusals how often the database has rejected this turn
         */
        void endAsStored(Turn turn, TurnLog<ChatEvent> log, Ended ended, int refusals);
    }

    /** Up to this weight of events the message is written in microseconds. A larger message takes too long for an event loop. */
    private static final int WRITTEN_AT_ONCE = 64 << 10;

    private final Turn turn;
    private final LogIds ids;
    private final Transcript transcript;
    private final TurnConfig config;
    private final TurnListener listener;
    private final Environment environment;
    private final Upstream.Approvals terms;
    private final AwaitedCalls awaited;
    private UpstreamRun run;
    private UUID owner;
    private TurnLog<ChatEvent> log;
    private Flow.Subscription upstream;
    private final TurnTimeouts timeouts;
    private long size;
    private TurnProgress progress = new Reading();
    private Cancellable call;
    private int deliveries;
    private Ended last;
    private int refusals;

    /**
     * @param transcript of the stored events
     * @param size       of the stored events
     * @param begunNanos when the turn began, by this process' clock
     */
    RunningTurn(Turn turn, Transcript transcript, long size, TurnConfig config, Upstream.Approvals terms, long begunNanos,
            TurnListener listener, Environment environment) {
        this.turn = turn;
        this.ids = LogIds.ofTurn(turn.id(), turn.conversationId(), turn.traceparent());
        this.transcript = transcript;
        this.config = config;
        this.listener = listener;
        this.environment = environment;
        this.terms = terms;
        this.awaited = new AwaitedCalls(terms.ends());
        this.size = size;
        this.timeouts = new TurnTimeouts(config, begunNanos);
    }

    @Override
    public Turn turn() {
        return turn;
    }

    @Override
    public LogIds logIds() {
        return ids;
    }

    @Override
    public synchronized UpstreamRun run() {
        return run;
    }

    @Override
    public synchronized UUID owner() {
        return owner;
    }

    synchronized void writesTo(TurnLog<ChatEvent> opened, UUID as) {
        this.log = opened;
        this.owner = as;
    }

    /** Starts to read the upstream's answer, or continues where the previous process stopped. Returns false if the turn is already over. */
    boolean reads(UpstreamRun begun) {
        synchronized (this) {
            if (isOver()) {
                // The lease was lost meanwhile; a new incarnation may already run the turn here.
                return false;
            }
            run = begun;
            transcript.asking().forEach(awaited::asked);
            if (!awaited.isEmpty()) {
                listener.awaitsDecision(this);
            }
        }
        begun.answer().subscribe().withSubscriber(this);
        return true;
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
        boolean late;
        synchronized (this) {
            upstream = subscription;
            late = isOver();
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
            if (isOver()) {
                return;
            }
            timeouts.heard();
            if (event instanceof Ended ended) {
                end(ended);
                return;
            }
            if (!transcript.started()) {
                listener.answers(turn);
            }
            if (event instanceof ApprovalRequested asked) {
                ask(asked);
                return;
            }
            take(event, effectOf(event));
            if (size > config.maxSize().asLongValue()) {
                end(Ended.failed(Failure.of(Failure.Code.TURN_TOO_LARGE,
                        "The answer grew beyond the size that is configured for a turn; what came before is kept.")));
                return;
            }
            more = log.hasRoom();
            progress = progress.stored(more);
        }
        if (more) {
            upstream.request(1);
        }
    }

    private void take(ChatEvent event, TransactionalEffect effect) {
        transcript.apply(event);
        log.append(List.of(event), effect);
        size += EventWeight.of(event);
    }

    private TransactionalEffect effectOf(ChatEvent event) {
        // An id that is null or too long is not stored; then the run cannot be recognised by its id.
        if (event instanceof Started(var id) && id != null && id.length() <= PrintableName.LONGEST) {
            return new TurnPosition(turn.id(), id);
        }
        if (event instanceof ToolCalled call) {
            listener.called(turn, call);
            return null;
        }
        CallOutcome outcome = CallOutcome.of(turn.id(), event);
        if (outcome == null) {
            return null;
        }
        ToolCalled call = transcript.open(outcome.callId());
        if (call != null) {
            listener.settled(turn, call, event);
        }
        if (!awaited.settled(outcome.callId())) {
            return null;
        }
        if (awaited.isEmpty()) {
            listener.awaitsNoDecision(this);
        }
        return andWaiting(outcome);
    }

    private void updateWaiting(Connection connection) throws SQLException {
        TurnStore.updateWaiting(connection, turn.id());
    }

    /** An effect on the turn's approvals, followed by the update of the turn's waiting state. */
    private TransactionalEffect andWaiting(TransactionalEffect approvals) {
        return connection -> {
            approvals.apply(connection);
            updateWaiting(connection);
        };
    }

    /** Only a call that this turn announced can request approval, and only once. Nothing else is read before the request is in the log. */
    private void ask(ApprovalRequested asked) {
        String callId = asked.callId();
        ChatEvent.ToolCalled call = transcript.open(callId);
        if (call == null || awaited.awaits(callId)) {
            LOG.warnf("turn %s: an approval was asked for a call that is not open", turn.id());
            upstream.request(1);
        } else {
            // The digest of a large input takes too long for an event loop.
            progress = progress.approvalAsked();
            offload(() -> asked(asked, call));
        }
    }

    private void asked(ApprovalRequested asked, ChatEvent.ToolCalled call) {
        byte[] digest = InputDigest.of(call.input());
        boolean more;
        boolean ended;
        synchronized (this) {
            if (!(progress instanceof StoringApproval(boolean complete))) {
                // The turn is over.
                return;
            }
            awaited.asked(call.call(), false);
            listener.awaitsDecision(this);
            listener.asked(turn, call, asked);
            take(asked, andWaiting(ApprovalInsert.of(turn.id(), call, asked, digest, terms, environment.approvals())));
            ended = complete;
            more = log.hasRoom();
            progress = progress.stored(more);
        }
        if (ended) {
            onComplete();
        } else if (more) {
            upstream.request(1);
        }
    }

    @Override
    public void decided(Ledger.Due decision) {
        List<Ledger.Due> ready;
        synchronized (this) {
            if (isOver() || log == null) {
                return;
            }
            if (awaited.decided(decision)) {
                ChatEvent event = new ChatEvent.ApprovalDecided(decision.approvalId(), decision.callId(), decision.state(),
                        decision.reason());
                transcript.apply(event);
                log.append(List.of(event), this::updateWaiting);
                size += EventWeight.of(event);
                listener.decided(turn, decision);
                timeouts.heard();
            }
            ready = handOver();
        }
        ready.forEach(due -> environment.deliver(this, due));
    }

    /** The decisions to send now. If the upstream ends its answer at approvals, the next decision is sent only after that end. */
    private List<Ledger.Due> handOver() {
        return terms.ends() && !isParked() ? List.of() : awaited.handOver();
    }

    @Override
    public synchronized boolean awaits(String callId) {
        return !isOver() && awaited.awaits(callId);
    }

    @Override
    public synchronized boolean isParked() {
        return progress instanceof Parked;
    }

    /** A decision is being delivered. If the response to it is the rest of the answer, the end of the turn cancels the delivery. */
    @Override
    public void deliversBy(Cancellable delivery) {
        boolean late;
        synchronized (this) {
            call = terms.ends() ? delivery : call;
            late = isOver();
        }
        if (late && terms.ends()) {
            delivery.cancel();
        }
    }

    /** The upstream acknowledged a decision. If its answer had ended, the acknowledgement should have included the rest of the answer. */
    @Override
    public void acknowledged() {
        boolean lost;
        synchronized (this) {
            timeouts.heard();
            lost = isParked();
        }
        if (lost) {
            stop(Ended.failed(Failure.of(Failure.Code.UPSTREAM_CUT,
                    "The {upstream} took the decision, but does not send the rest of its answer; what came before is kept.")));
        }
    }

    @Override
    public void continuesWith(Multi<ChatEvent> rest) {
        synchronized (this) {
            if (isOver()) {
                return;
            }
            timeouts.heard();
            progress = progress.continued();
        }
        rest.subscribe().withSubscriber(this);
    }

    /** A decision cannot be delivered to the upstream: its call will get no outcome. */
    @Override
    public void undeliverable(String why) {
        stop(Ended.failed(Failure.of(Failure.Code.APPROVAL_UNAVAILABLE,
                "A decision is recorded, but could not be given to the {upstream}: %s. What came before is kept."
                        .formatted(why))));
    }

    /** An unexpected failure of this service: it is logged with the turn's id, and the turn ends. */
    @Override
    public void onError(Throwable failure) {
        LOG.errorf("turn %s ends by a defect: %s", turn.id(), Trace.of(failure));
        stop(Ended.failed(Failure.of(Failure.Code.INTERNAL_ERROR, "The turn ended by a defect of this service.")));
    }

    @Override
    public void onComplete() {
        List<Ledger.Due> ready = List.of();
        boolean waits;
        synchronized (this) {
            if (progress instanceof StoringApproval) {
                progress = progress.answerEnded();
                return;
            }
            waits = !isOver() && terms.ends() && !awaited.isEmpty();
            if (waits) {
                progress = progress.park();
                ready = handOver();
            }
        }
        ready.forEach(due -> environment.deliver(this, due));
        if (!waits) {
            stop(Ended
                    .failed(Failure.of(Failure.Code.UPSTREAM_CUT, "The {upstream} ended its answer before it was finished.")));
        }
    }

    private boolean isOver() {
        return progress instanceof Over;
    }

    /** Ends the turn unless it has already ended: open parts are closed, and earlier content is kept. */
    void stop(Ended ended) {
        synchronized (this) {
            if (!isOver()) {
                end(ended);
            }
        }
    }

    /** A caller cancelled the turn. */
    void cancel() {
        UpstreamRun asked = run();
        stop(Ended.cancelled(asked == null ? null : asked.usage()));
    }

    /** Whether another process could continue the turn from its stored events. False during a delivery: the other process would repeat it. */
    synchronized boolean canMove() {
        return !isOver() && run != null && deliveries == 0 && run.outlivesReaders()
                && (!terms.ends() || isParked() && !awaited.isDelivering());
    }

    /** Hands the turn over to another process if it can move: from now on this replica reads and appends nothing. */
    synchronized boolean leaveToOthers() {
        return canMove() && giveUp();
    }

    /** Hands the turn over to another process in any case. Returns false if the turn has ended. */
    synchronized boolean giveUp() {
        if (isOver()) {
            return false;
        }
        progress = progress.handedOver();
        leave();
        listener.left(turn);
        return true;
    }

    @Override
    public synchronized void deliveryBegins() {
        deliveries++;
    }

    @Override
    public synchronized void deliveryEnds() {
        deliveries--;
    }

    /** Ends the turn if it has timed out. Called by the clock. */
    void tick(long nowNanos) {
        synchronized (this) {
            if (isOver()) {
                return;
            }
            Failure failure = timeouts.over(nowNanos, transcript.started(), progress.expectsUpstream() && !awaited.undecided());
            if (failure != null) {
                end(Ended.failed(failure));
            }
        }
    }

    private void end(Ended unnamed) {
        Ended ended = unnamed.at(turn.upstream());
        progress = progress.ended();
        // Set before the append: the writer may report the end as stored before this method returns.
        last = ended;
        listener.ends(turn, ended);
        if (size <= WRITTEN_AT_ONCE) {
            store(ended);
        } else {
            offload(() -> store(ended));
        }
        leave();
    }

    /** Appends the end. After the turn is over nothing else accesses its transcript, so a large message is written without the monitor. */
    private void store(Ended ended) {
        try {
            List<ChatEvent> closing = closing(ended);
            TurnEnd end = new TurnEnd(turn, ended, transcript.started(), kept());
            synchronized (this) {
                // After a rejection by the database, refused() ends the turn from its stored events.
                if (refusals == 0) {
                    log.append(closing, end);
                }
            }
        } catch (RuntimeException | Error e) {
            LOG.errorf("turn %s could not be ended, and is tried again later: %s", turn.id(), Trace.of(e));
            environment.abandon(turn.id());
        }
    }

    private List<ChatEvent> closing(Ended ended) {
        try {
            List<ChatEvent> closing = transcript.closing(ended);
            closing.forEach(transcript::apply);
            return closing;
        } catch (RuntimeException e) {
            // Open parts stay open, but the turn must still end.
            LOG.errorf("turn %s: what is open in it cannot be closed: %s", turn.id(), Trace.of(e));
            return List.of(ended);
        }
    }

    private String kept() {
        try {
            return transcript.hasContent() ? transcript.parts() : null;
        } catch (RuntimeException e) {
            // The turn must end even if its message cannot be written; its events are stored as received.
            LOG.errorf("turn %s: its message cannot be written: %s", turn.id(), Trace.of(e));
            return null;
        }
    }

    /** If the task fails, the turn ends. */
    private void offload(Runnable task) {
        environment.offload(logIds().bound(() -> {
            try {
                task.run();
            } catch (RuntimeException e) {
                onError(e);
            }
        }));
    }

    private void leave() {
        if (upstream != null) {
            upstream.cancel();
        }
        if (call != null) {
            call.cancel();
        }
        listener.over(this);
    }

    @Override
    public void room() {
        Flow.Subscription current;
        synchronized (this) {
            if (!(progress instanceof Paused)) {
                return;
            }
            progress = progress.room();
            timeouts.heard();
            current = upstream;
        }
        current.request(1);
    }

    @Override
    public void refused(SQLException cause) {
        Ended ended = Ended.failed(Failure.of(Failure.Code.STORAGE_REFUSED,
                "The database refused a part of the answer; what came before is kept."));
        int tries;
        synchronized (this) {
            if (progress instanceof Over(boolean left) && left) {
                // The replica that owns the turn by then ends it.
                return;
            }
            progress = progress.ended();
            last = ended;
            tries = ++refusals;
            leave();
        }
        environment.endAsStored(turn, log, ended, tries);
    }

    @Override
    public void ended() {
        listener.ended(turn, last);
    }

    @Override
    public void lost() {
        synchronized (this) {
            if (!isOver()) {
                progress = progress.ended();
                leave();
                listener.left(turn);
            }
        }
    }
}
