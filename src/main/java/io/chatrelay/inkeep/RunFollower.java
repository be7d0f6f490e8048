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
import io.vertx.core.Context;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientResponse;

/**
 * Follows a run further by reading its conversation's stream again.
 *
 * <pre>
 * opening ── stream ──▶ comparing ── all that is known came again ──▶ live ── end ──▶ over
 *  ▲ ▲ └ 204, 404 ─┐        │ └ another run's ─┐                        │
 *  │ └─ 500 ms ────┴────────┼──────────────────┴── closed, nothing new ─┤  (for 8 s: lost)
 *  └─ backoff ── no answer, 429, 5xx (for 30 s: lost)                   │
 *  ▲                        └ otherwise ──▶ lost                        │
 *  └─────────────────────── the read closed after something new ◀───────┘
 * </pre>
 *
 * Each read begins at the start of the run, through a fresh decoder, and everything that is known has to come again before anything is
 * given on; what is given on is known from then on. So nothing is given twice, and nothing of another run: the buffer that is read
 * belongs to the conversation, and may still hold its previous run. Where nothing is known yet, the run is one that no earlier turn
 * had. Reads close silently after five minutes, so the end of one that stood open says nothing; one that closes at once, with nothing
 * new, is of a run that is over, and of one that stays open short of what is known the rest is gone. Of a run that has outlived its
 * {@link StreamLifetime} a read that stands open with nothing new is the end, too. A durable run that waits for other decisions is left after half a
 * second without an event. What is known is kept as its
 * {@link EventHashChain} alone. Everything happens on one event loop context. It is one state machine,
 * and long because each way a read can disappoint is a transition of it.
 */
final class RunFollower implements Flow.Subscription {

    /** How an answer ends whose run is not found again, in the words of whoever looks for it. */
    interface Lost {
        Ended ended(Failure.Code code, String why);
    }

    /**
     * The run that is looked for.
     *
     * @param known    what it has said so far
     * @param others   ids of runs that it is not; they count where nothing is known
     * @param decoders a fresh decoder for each read
     * @param decided  of a durable run: the number of the call whose outcome is to come, or null for a classic one
     * @param lifetime of the run: when it is over, silence means that nothing more will come
     * @param proven   told once all that is known came again
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
    private static final Duration AGAIN = Duration.ofMillis(500);
    private static final Duration FIRST_BACKOFF = Duration.ofMillis(250);
    private static final Duration LONGEST_BACKOFF = Duration.ofSeconds(5);
    private static final Duration HEAD = Duration.ofSeconds(30);
    /** Silence after which a durable run that has asked again is taken to wait. Events that come later are in the read after the next decision. */
    private static final Duration QUIET = Duration.ofMillis(500);
    /** A run lives in its server's process: one that nobody reaches for so long has rarely outlived it. */
    private static final Duration UNREACHABLE = Duration.ofSeconds(30);
    /** A read that was as long as this may have been closed only for its length. */
    private static final Duration LONG_READ = Duration.ofMinutes(4);

    private final HttpClient client;
    private final Context context;
    private final AnswerStream.Plan plan;
    private final Run run;
    private final Duration patience;
    private final Flow.Subscriber<? super ChatEvent> subscriber;
    private final AtomicLong demand = new AtomicLong();
    private final EventHashChain known;
    private boolean begun;
    private volatile boolean cancelled;
    private PendingRequest pendingRequest;
    private Flow.Subscription reading;
    private AgentsDecoder decoder;
    private boolean asked;
    private EventHashChain read;
    private EventHashChain readWithoutOperations;
    private boolean caughtUp;
    private boolean hidesOperations;
    private boolean gaveMore;
    private long openedNanos;
    private long fruitlessNanos;
    private long unansweredNanos;
    private Duration backoff = FIRST_BACKOFF;
    private ChatEvent last;
    private boolean pumping;

    /** @param patience with a run that is not given again, or only as far as it is known */
    RunFollower(HttpClient client, Context context, AnswerStream.Plan plan, Run run, Duration patience,
            Flow.Subscriber<? super ChatEvent> subscriber) {
        this.client = client;
        this.context = context;
        this.plan = plan.decodedBy(_ -> decoder());
        this.run = run;
        this.patience = patience;
        this.subscriber = subscriber;
        this.known = run.known();
    }

    /** The end of a classic read says nothing; that of a durable one does, unless it was cut. */
    private AnswerDecoder decoder() {
        decoder = run.decoders().get();
        ResumableDecoder openEnded = new ResumableDecoder(decoder);
        if (run.decided() == null) {
            return new LifetimeDecoder(openEnded, decoder, run.lifetime(), false, () -> caughtUp);
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
        context.runOnContext(_ -> pump());
    }

    @Override
    public void cancel() {
        cancelled = true;
        context.runOnContext(_ -> leave());
    }

    private void leave() {
        cancelled = true;
        if (pendingRequest != null) {
            pendingRequest.cancel();
        }
        if (reading != null) {
            reading.cancel();
        }
    }

    private void pump() {
        if (cancelled || pumping) {
            return;
        }
        pumping = true;
        if (!begun) {
            begun = true;
            open();
        }
        if (last != null && demand.get() > 0) {
            subscriber.onNext(last);
            complete();
        } else if (reading != null && last == null && !asked && (!caughtUp && !known.isEmpty() || demand.get() > 0)) {
            asked = true;
            reading.request(1);
        }
        pumping = false;
    }

    /** Something here, or in whoever reads, has a defect, and the turn would wait for what never comes. Called on the context. */
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
        read = new EventHashChain();
        readWithoutOperations = null;
        caughtUp = false;
        gaveMore = false;
        openedNanos = System.nanoTime();
        pendingRequest = new PendingRequest(client, context, new PendingRequest.Listener() {
            @Override
            public void head(PendingRequest heard, HttpClientResponse head) {
                if (UpstreamHttp.isStream(head)) {
                    unansweredNanos = 0;
                    Reader reader = new Reader();
                    reader.onSubscribe(AnswerStream.of(heard, head, context, plan, reader));
                    return;
                }
                int status = head.statusCode();
                String type = head.getHeader("content-type");
                heard.leave();
                if (status == 429 || status >= 500) {
                    unanswered();
                } else if (status == 404 && type != null && type.startsWith("text/plain")) {
                    lose(Failure.Code.REPLICA_LOST, "it gives no answer again");
                } else if (status == 204 || status == 404) {
                    unansweredNanos = 0;
                    fruitless();
                } else {
                    lose(Failure.Code.UPSTREAM_CUT, "it refused to give its answer again (%d)".formatted(status));
                }
            }

            @Override
            public void nothing(String why) {
                if (unansweredNanos == 0) {
                    LOG.warnf("turn %s: its run cannot be read again for now: %s", plan.turn(), why);
                }
                unanswered();
            }
        });
        pendingRequest.send(new PendingRequest.Request(plan.request(), null, HEAD, HEAD, () -> true));
    }

    /** The events of one read. */
    private final class Reader implements Flow.Subscriber<ChatEvent> {

        @Override
        public void onSubscribe(Flow.Subscription subscription) {
            reading = subscription;
            pump();
            watch(subscription);
        }

        @Override
        public void onNext(ChatEvent event) {
            asked = false;
            if (!cancelled && last == null) {
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
            reading = null;
            asked = false;
            if (!cancelled && last == null) {
                closed();
            }
        }
    }

    /** What is known is all there when a read begins. Where it stops before that, waiting longer brings no more of it. */
    private void watch(Flow.Subscription watched) {
        long length = read.length();
        context.owner().setTimer(patience.toMillis(), _ -> context.runOnContext(_ -> {
            if (cancelled || last != null || reading != watched || caughtUp || known.isEmpty()) {
                return;
            }
            if (read.length() == length) {
                fruitless(false);
            } else {
                watch(watched);
            }
        }));
    }

    private void take(ChatEvent event) {
        if (run.decided() == null && AgentsDecoder.isAnotherStart(event)) {
            differs();
        } else if (caughtUp) {
            goOn(event);
        } else if (read.isEmpty() && !run.begins(event)) {
            fruitless();
        } else if (known.isEmpty()) {
            caughtUp(false);
            goOn(event);
        } else if (event instanceof Ended && decoder.hasFailed()) {
            // The read broke off after an error that the run has told, and before the rest of what is known.
            fruitless();
        } else if (event instanceof Ended) {
            differs();
        } else {
            compare(event);
        }
    }

    private void goOn(ChatEvent event) {
        if (event instanceof Ended && isClosedForItsLength(event)) {
            reopen(AGAIN);
        } else if (event instanceof Ended) {
            last = event;
        } else if (!hidesOperations || !AgentsDecoder.isAskedForOperation(event)) {
            known.add(event);
            gaveMore = true;
            fruitlessNanos = 0;
            demand.decrementAndGet();
            subscriber.onNext(event);
            completeOnceItWaits();
        }
    }

    /**
     * What is known is there again if all that came is the same, or all but operations: those that only this service asked for, before
     * it knew the server, it did not give on then either.
     */
    private void compare(ChatEvent event) {
        boolean operation = AgentsDecoder.isAskedForOperation(event);
        if (operation && readWithoutOperations == null) {
            readWithoutOperations = read.copy();
        }
        read.add(event);
        if (readWithoutOperations != null && !operation) {
            readWithoutOperations.add(event);
        }
        EventHashChain shorter = readWithoutOperations == null ? read : readWithoutOperations;
        if (read.isSame(known)) {
            caughtUp(false);
        } else if (shorter.isSame(known)) {
            caughtUp(true);
        } else if (shorter.length() >= known.length()) {
            differs();
        }
    }

    private void caughtUp(boolean withoutOperations) {
        caughtUp = true;
        hidesOperations |= withoutOperations;
        run.proven().run();
        completeOnceItWaits();
    }

    private void differs() {
        lose(Failure.Code.UPSTREAM_CUT, "what it gives again is not what came before");
    }

    private boolean isClosedForItsLength(ChatEvent end) {
        return run.decided() != null && end instanceof Ended(var outcome, _, _, _) && outcome == Outcome.COMPLETED
                && System.nanoTime() - openedNanos > LONG_READ.toNanos();
    }

    /** The body is over, and nothing said that the run is. */
    private void closed() {
        if (run.decided() != null && caughtUp && waitsForOthers()) {
            complete();
        } else if (gaveMore) {
            backoff = FIRST_BACKOFF;
            reopen(AGAIN);
        } else if (run.decided() != null && !read.isEmpty()) {
            // Its stream is the run's own, and an outcome may take its time.
            later();
        } else {
            fruitless();
        }
    }

    /**
     * The stream of a durable run may stand open while the run waits, and the next decision is sent only when this answer is over. Quiet counts
     * where an event could come: while it is asked for.
     */
    private void completeOnceItWaits() {
        if (run.decided() == null || !waitsForOthers()) {
            return;
        }
        long length = known.length();
        Flow.Subscription watched = reading;
        context.owner().setTimer(QUIET.toMillis(), _ -> context.runOnContext(_ -> {
            if (cancelled || last != null || reading != watched || known.length() != length) {
                return;
            }
            if (asked) {
                complete();
            } else {
                completeOnceItWaits();
            }
        }));
    }

    /** Its outcome came, and others still have to be decided. */
    private boolean waitsForOthers() {
        List<Integer> waiting = decoder.waiting();
        return !waiting.isEmpty() && !waiting.contains(run.decided());
    }

    /**
     * Nothing came, another run, or only what is known. A read that stood open is of a run that goes on, whoever closed it: one that is
     * over closes at once. But one that is told no more says nothing by standing open, except that it has nothing new.
     */
    private void fruitless() {
        boolean mute = run.lifetime().isOver();
        if (mute && caughtUp && fruitlessNanos == 0) {
            fruitlessNanos = run.lifetime().silentSince(openedNanos);
        }
        fruitless(!mute && System.nanoTime() - openedNanos > patience.toNanos());
    }

    private void fruitless(boolean goesOn) {
        long now = System.nanoTime();
        if (goesOn) {
            fruitlessNanos = 0;
        } else if (fruitlessNanos == 0) {
            fruitlessNanos = now;
        }
        if (fruitlessNanos != 0 && now - fruitlessNanos > patience.toNanos()) {
            loseTheRest();
        } else {
            reopen(AGAIN);
        }
    }

    private void loseTheRest() {
        if (run.lifetime().isOver()) {
            last = run.lifetime().ended();
            pump();
        } else {
            lose(Failure.Code.REPLICA_LOST, "it does not give the rest of its answer");
        }
    }

    private void unanswered() {
        long now = System.nanoTime();
        if (unansweredNanos == 0) {
            unansweredNanos = now;
        }
        if (now - unansweredNanos > UNREACHABLE.toNanos()) {
            lose(Failure.Code.REPLICA_LOST, "it cannot be reached");
        } else {
            later();
        }
    }

    private void later() {
        Duration pause = backoff;
        backoff = backoff.multipliedBy(2).compareTo(LONGEST_BACKOFF) > 0 ? LONGEST_BACKOFF : backoff.multipliedBy(2);
        reopen(pause);
    }

    private void reopen(Duration pause) {
        if (reading != null) {
            reading.cancel();
            reading = null;
            asked = false;
        }
        context.owner().setTimer(pause.toMillis(), _ -> {
            if (!cancelled) {
                open();
            }
        });
    }

    private void lose(Failure.Code code, String why) {
        last = run.lost().ended(code, why);
        pump();
    }
}
