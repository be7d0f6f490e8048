package io.chatrelay.inkeep;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

import org.jboss.logging.Logger;

import io.chatrelay.defect.Trace;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.ChatEvent.Started;
import io.chatrelay.event.Failure;
import io.chatrelay.event.Outcome;
import io.chatrelay.inkeep.RunFollowerState.Comparing;
import io.chatrelay.inkeep.RunFollowerState.Ending;
import io.chatrelay.inkeep.RunFollowerState.Following;
import io.chatrelay.inkeep.RunFollowerState.NotBegun;
import io.chatrelay.inkeep.RunFollowerState.Opening;
import io.chatrelay.inkeep.RunFollowerState.Over;
import io.chatrelay.inkeep.RunFollowerState.Paused;
import io.chatrelay.inkeep.RunFollowerState.Read;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientResponse;

/**
 * Continues to read a run by reading its conversation's stream again. {@link RunFollowerState} shows its states, {@link FollowPatience} decides how
 * long a run is looked for, {@link RereadComparison} whether it is the same:
 *
 * <pre>
 * Opening ── stream ──▶ Comparing ── all known events repeated ──▶ Following ── end ──▶ Ending ── delivered ──▶ Over
 *  ▲                                                                  └── durable, waits for other decisions ──▶ Over
 *  │
 *  └── Paused ◀─┬─ 500 ms ─── 204, 404, another run's events, or closed with nothing new (for 8 s: lost)
 *               ├─ 500 ms ─── closed after something new
 *               └─ backoff ── no answer, 429, 5xx (for 30 s: lost), or durable and closed before its outcome
 *
 * lost, and every other answer or event ──▶ Ending
 * </pre>
 *
 * Each read begins at the start of the run, through a fresh decoder. All known events must arrive again before the follower delivers a new one;
 * delivered events are known from then on. So nothing is delivered twice, and nothing of another run: the buffer that is read belongs to the
 * conversation, and may still hold its previous run. If nothing is known yet, the run is one that no earlier turn had. Reads close silently
 * after five minutes, so the end of a read that stayed open proves nothing. A read that closes at once, with nothing new, belongs to a run that
 * is over. If a read stays open but stops before all known events have arrived, the rest is gone. For a run that has outlived its
 * {@link StreamLifetime}, a read that stays open with nothing new is the end, too. A durable run that waits for other decisions is left after
 * half a second without an event. Only the {@link EventHashChain} of the known events is kept. Everything runs on one event loop context. The
 * class is long because each way in which a read can fail is a transition of it.
 */
final class RunFollower implements Flow.Subscription {

    /** Creates the end of an answer whose run is not found again. */
    interface Lost {
        Ended ended(Failure.Code code, String why);
    }

    /**
     * The run to follow.
     *
     * @param known    its events so far
     * @param others   ids of runs that it is not; used only if nothing is known
     * @param decoders creates a fresh decoder for each read
     * @param decided  of a durable run: the number of the call whose outcome is expected, or null for a classic run
     * @param lifetime of the run: when it is over, silence means that nothing more will arrive
     * @param proven   called after all known events have arrived again
     */
    record Run(EventHashChain known, Set<String> others, Supplier<AgentsDecoder> decoders, Integer decided,
            StreamLifetime lifetime,
            Runnable proven,
            Lost lost) {

        boolean begins(ChatEvent event) {
            return event instanceof Started(var id) && id != null
                    && (known.isEmpty() ? !others.contains(id) : id.equals(known.run()));
        }
    }

    private static final Logger LOG = Logger.getLogger(RunFollower.class);
    private static final Duration HEAD = Duration.ofSeconds(30);
    /**
     * Silence after which a durable run that has requested approval again counts as waiting. Later events are in the read after the next
     * decision.
     */
    private static final Duration QUIET = Duration.ofMillis(500);
    /** A read that lasted this long may have been closed only because of its length. */
    private static final Duration LONG_READ = Duration.ofMinutes(4);

    private final HttpClient client;
    private final EventLoop loop;
    private final AnswerStream.Plan plan;
    private final Run run;
    private final Duration patience;
    private final Flow.Subscriber<? super ChatEvent> subscriber;
    private final EventHashChain known;
    private final FollowPatience search;
    private RunFollowerState state = new NotBegun();
    /** Once a read matched without its operations, those of later reads are not new either. */
    private boolean hidesOperations;
    // The subscriber's side, which is the same in every state: how many events it requested, and whether it is being given one at the moment.
    private final AtomicLong demand = new AtomicLong();
    private boolean pumping;
    /** Not a state: another thread sets it, and delivery stops at once. The event loop then leaves whatever state it finds. */
    private volatile boolean cancelled;

    /** @param patience how long to wait for a run that is not sent again, or only as far as it is known */
    RunFollower(HttpClient client, EventLoop loop, AnswerStream.Plan plan, Run run, Duration patience,
            Flow.Subscriber<? super ChatEvent> subscriber) {
        this.client = client;
        this.loop = loop;
        this.plan = plan;
        this.run = run;
        this.patience = patience;
        this.subscriber = subscriber;
        this.known = run.known();
        this.search = new FollowPatience(patience);
    }

    /** The end of a classic read proves nothing; the end of a durable read ends the run, unless the read was cut. */
    private AnswerDecoder answerDecoder(AgentsDecoder decoder) {
        ResumableDecoder openEnded = new ResumableDecoder(decoder);
        if (run.decided() == null) {
            return new LifetimeDecoder(openEnded, decoder, run.lifetime(), false, () -> state instanceof Following);
        }
        return new AnswerDecoder() {
            @Override
            public void decode(String event, String data, List<ChatEvent> out) {
                decoder.decode(event, data, out);
            }

            @Override
            public void ended(List<ChatEvent> out) {
                decoder.ended(out);
            }

            @Override
            public void broken(List<ChatEvent> out) {
                openEnded.broken(out);
            }
        };
    }

    @Override
    public void request(long n) {
        demand.accumulateAndGet(n, (have, more) -> have + more < 0 ? Long.MAX_VALUE : have + more);
        loop.execute(this::pump);
    }

    @Override
    public void cancel() {
        cancelled = true;
        loop.execute(this::leave);
    }

    private void leave() {
        cancelled = true;
        RunFollowerState left = state;
        state = left.over();
        switch (left) {
            case Opening(var request, _) -> request.cancel();
            case Comparing(var read, _) -> read.events().cancel();
            case Following(var read, _, _) -> read.events().cancel();
            case Ending(_, var events) -> {
                if (events != null) {
                    events.cancel();
                }
            }
            case NotBegun _,Paused _,Over _ -> {
                // Nothing is being read.
            }
        }
    }

    private void pump() {
        if (cancelled || pumping) {
            return;
        }
        pumping = true;
        if (state instanceof NotBegun) {
            open();
        }
        boolean wanted = demand.get() > 0;
        if (state instanceof Ending(var last, _) && wanted) {
            subscriber.onNext(last);
            complete();
        } else if (state instanceof Comparing(var read, var asked) && !asked && (wanted || !known.isEmpty())) {
            ask(read);
        } else if (state instanceof Following(var read, var asked, _) && !asked && wanted) {
            ask(read);
        }
        pumping = false;
    }

    private void ask(Read read) {
        state = state.asks();
        read.events().request(1);
    }

    /** Handles a defect in this class or in the subscriber: without this the turn would wait forever. Called on the context. */
    void defect(Throwable thrown) {
        if (cancelled) {
            LOG.errorf("turn %s: a defect after its answer: %s", plan.turn(), Trace.of(thrown));
            return;
        }
        leave();
        subscriber.onError(thrown);
    }

    private void complete() {
        if (!cancelled) {
            leave();
            subscriber.onComplete();
        }
    }

    private void open() {
        PendingRequest request = new PendingRequest(client, loop, new PendingRequest.Listener() {
            @Override
            public void head(PendingRequest heard, HttpClientResponse head) {
                answered(heard, head);
            }

            @Override
            public void nothing(String why) {
                if (!search.isUnanswered()) {
                    LOG.warnf("turn %s: its run cannot be read again for now: %s", plan.turn(), why);
                }
                unanswered();
            }
        });
        state = state.opens(request, loop.nanoTime());
        request.send(new PendingRequest.Request(plan.request(), null, HEAD, HEAD, () -> true));
    }

    private void answered(PendingRequest heard, HttpClientResponse head) {
        if (VertxRequests.isStream(head)) {
            search.answered();
            AgentsDecoder decoder = run.decoders().get();
            Reader reader = new Reader(decoder);
            reader.onSubscribe(
                    AnswerStream.of(heard, head, loop, plan.decodedBy(_ -> answerDecoder(decoder)), reader));
            return;
        }
        int status = head.statusCode();
        String type = head.getHeader("content-type");
        heard.leave();
        if (status == 429 || status >= 500) {
            unanswered();
        } else if (status == 404 && type != null && type.startsWith("text/plain")) {
            lose(Failure.Code.REPLICA_LOST, "gives no answer again");
        } else if (status == 204 || status == 404) {
            search.answered();
            fruitless();
        } else {
            lose(Failure.Code.UPSTREAM_CUT, "refused to give its answer again (%d)".formatted(status));
        }
    }

    /** The events of one read. */
    private final class Reader implements Flow.Subscriber<ChatEvent> {

        private final AgentsDecoder decoder;

        Reader(AgentsDecoder decoder) {
            this.decoder = decoder;
        }

        @Override
        public void onSubscribe(Flow.Subscription subscription) {
            state = state.streams(subscription, decoder, new RereadComparison(known));
            pump();
            watch();
        }

        @Override
        public void onNext(ChatEvent event) {
            if (isReading()) {
                state = state.arrived();
                take(event);
                pump();
            }
        }

        @Override
        public void onError(Throwable failure) {
            defect(failure);
        }

        @Override
        public void onComplete() {
            if (isReading()) {
                closed();
            }
        }

        /** Whether the read is needed; if not, what it brings is dropped. */
        private boolean isReading() {
            return !cancelled && !(state instanceof Ending);
        }
    }

    /** All known events are available when a read begins. If a read stops before their end, waiting longer does not help. */
    private void watch() {
        if (known.isEmpty() || !(state instanceof Comparing(var watched, _))) {
            return;
        }
        long length = watched.comparison().length();
        loop.setTimer(patience.toMillis(), () -> loop.execute(() -> {
            if (cancelled || !(state instanceof Comparing(var read, _)) || read != watched) {
                return;
            }
            if (read.comparison().length() == length) {
                fruitless(false);
            } else {
                watch();
            }
        }));
    }

    private void take(ChatEvent event) {
        if (run.decided() == null && AgentsDecoder.isAnotherStart(event)) {
            differs();
        } else if (state instanceof Comparing(var read, _)) {
            compare(read, event);
        } else {
            goOn(event);
        }
    }

    private void compare(Read read, ChatEvent event) {
        if (read.comparison().isEmpty() && !run.begins(event)) {
            fruitless();
        } else if (known.isEmpty()) {
            caughtUp(false);
            goOn(event);
        } else if (event instanceof Ended && read.decoder().hasFailed()) {
            // The read broke off after an error that the run reported, and before the rest of the known events.
            fruitless();
        } else if (event instanceof Ended) {
            differs();
        } else {
            switch (read.comparison().add(event)) {
                case SHORTER -> {
                    // The next event is compared, too.
                }
                case CAUGHT_UP -> caughtUp(false);
                case CAUGHT_UP_WITHOUT_OPERATIONS -> caughtUp(true);
                case DIFFERS -> differs();
            }
        }
    }

    private void goOn(ChatEvent event) {
        if (event instanceof Ended && isClosedForItsLength(event)) {
            reopen(FollowPatience.AGAIN);
        } else if (event instanceof Ended) {
            state = state.ends(event);
        } else if (!hidesOperations || !AgentsDecoder.isAskedForOperation(event)) {
            known.add(event);
            state = state.givesMore();
            search.gaveMore();
            demand.decrementAndGet();
            subscriber.onNext(event);
            completeOnceItWaits();
        }
    }

    private void caughtUp(boolean withoutOperations) {
        state = state.caughtUp();
        hidesOperations |= withoutOperations;
        run.proven().run();
        completeOnceItWaits();
    }

    private void differs() {
        lose(Failure.Code.UPSTREAM_CUT, "gives again something else than before");
    }

    private boolean isClosedForItsLength(ChatEvent end) {
        return run.decided() != null && end instanceof Ended(var outcome, _, _, _) && outcome == Outcome.COMPLETED
                && state instanceof Following(var read, _, _)
                && loop.nanoTime() - read.openedNanos() > LONG_READ.toNanos();
    }

    /** The body ended, but nothing showed that the run ended. */
    private void closed() {
        boolean durable = run.decided() != null;
        if (durable && state instanceof Following(var read, _, _) && waitsForOthers(read)) {
            complete();
        } else if (state instanceof Following(_, _, var gaveMore) && gaveMore) {
            reopen(search.closedAfterMore());
        } else if (durable
                && (state instanceof Following || state instanceof Comparing(var read, _) && !read.comparison().isEmpty())) {
            // The stream belongs to this run alone, and an outcome may take some time.
            reopen(search.later());
        } else {
            fruitless();
        }
    }

    /**
     * The stream of a durable run may stay open while the run waits, and the next decision is sent only after this answer has ended. Silence
     * counts only while an event is requested.
     */
    private void completeOnceItWaits() {
        if (run.decided() == null || !(state instanceof Following(var watched, _, _)) || !waitsForOthers(watched)) {
            return;
        }
        long length = known.length();
        loop.setTimer(QUIET.toMillis(), () -> loop.execute(() -> {
            if (cancelled || !(state instanceof Following(var read, var asked, _)) || read != watched
                    || known.length() != length) {
                return;
            }
            if (asked) {
                complete();
            } else {
                completeOnceItWaits();
            }
        }));
    }

    /** The expected outcome arrived, and other calls still wait for a decision. */
    private boolean waitsForOthers(Read read) {
        List<Integer> waiting = read.decoder().waiting();
        return !waiting.isEmpty() && !waiting.contains(run.decided());
    }

    /**
     * The read brought nothing, another run, or only known events. A read that stayed open belongs to a run that continues, whichever side
     * closed it: the read of a finished run closes at once. But after the end of the run's lifetime, an open read only shows that there is
     * nothing new.
     */
    private void fruitless() {
        boolean mute = run.lifetime().isOver();
        if (mute && state instanceof Following(var read, _, _)) {
            search.silentSince(run.lifetime().silentSince(read.openedNanos()));
        }
        fruitless(!mute && loop.nanoTime() - state.openedNanos() > patience.toNanos());
    }

    private void fruitless(boolean runGoesOn) {
        search.fruitless(loop.nanoTime(), runGoesOn).ifPresentOrElse(this::reopen, this::loseTheRest);
    }

    private void loseTheRest() {
        if (run.lifetime().isOver()) {
            end(run.lifetime().ended());
        } else {
            lose(Failure.Code.REPLICA_LOST, "does not give the rest of its answer");
        }
    }

    private void unanswered() {
        search.unanswered(loop.nanoTime()).ifPresentOrElse(this::reopen,
                () -> lose(Failure.Code.REPLICA_LOST, "cannot be reached"));
    }

    private void reopen(Duration pause) {
        RunFollowerState left = state;
        state = left.pauses();
        if (left instanceof Comparing(var read, _)) {
            read.events().cancel();
        } else if (left instanceof Following(var read, _, _)) {
            read.events().cancel();
        }
        loop.setTimer(pause.toMillis(), () -> {
            if (!cancelled) {
                open();
            }
        });
    }

    private void lose(Failure.Code code, String why) {
        end(run.lost().ended(code, why));
    }

    private void end(Ended last) {
        state = state.ends(last);
        pump();
    }

}
