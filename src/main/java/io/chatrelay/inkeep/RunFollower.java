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
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientResponse;

/**
 * Continues to read a run by reading its conversation's stream again.
 *
 * <pre>
 * opening ── stream ──▶ comparing ── all known events repeated ─────▶ live ── end ──▶ over
 *  ▲ ▲ └ 204, 404 ─┐        │ └ another run's ─┐                        │
 *  │ └─ 500 ms ────┴────────┼──────────────────┴── closed, nothing new ─┤  (for 8 s: lost)
 *  └─ backoff ── no answer, 429, 5xx (for 30 s: lost)                   │
 *  ▲                        └ otherwise ──▶ lost                        │
 *  └─────────────────────── the read closed after something new ◀───────┘
 * </pre>
 *
 * Each read begins at the start of the run, through a fresh decoder. All known events must arrive again before the follower delivers a new one;
 * delivered events are known from then on. So nothing is delivered twice, and nothing of another run: the buffer that is read belongs to the
 * conversation, and may still hold its previous run. If nothing is known yet, the run is one that no earlier turn had. Reads close silently
 * after five minutes, so the end of a read that stayed open proves nothing. A read that closes at once, with nothing new, belongs to a run that
 * is over. If a read stays open but stops before all known events have arrived, the rest is gone. For a run that has outlived its
 * {@link StreamLifetime}, a read that stays open with nothing new is the end, too. A durable run that waits for other decisions is left after
 * half a second without an event. Only the {@link EventHashChain} of the known events is kept. Everything runs on one event loop context. The
 * class is one state machine, and long because each way in which a read can fail is a transition of it.
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
    private static final Duration AGAIN = Duration.ofMillis(500);
    private static final Duration FIRST_BACKOFF = Duration.ofMillis(250);
    private static final Duration LONGEST_BACKOFF = Duration.ofSeconds(5);
    private static final Duration HEAD = Duration.ofSeconds(30);
    /**
     * Silence after which a durable run that has requested approval again counts as waiting. Later events are in the read after the next
     * decision.
     */
    private static final Duration QUIET = Duration.ofMillis(500);
    /** A run lives in its server's process: if the server is unreachable for this long, the run has rarely survived. */
    private static final Duration UNREACHABLE = Duration.ofSeconds(30);
    /** A read that lasted this long may have been closed only because of its length. */
    private static final Duration LONG_READ = Duration.ofMinutes(4);

    private final HttpClient client;
    private final EventLoop loop;
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

    /** @param patience how long to wait for a run that is not sent again, or only as far as it is known */
    RunFollower(HttpClient client, EventLoop loop, AnswerStream.Plan plan, Run run, Duration patience,
            Flow.Subscriber<? super ChatEvent> subscriber) {
        this.client = client;
        this.loop = loop;
        this.plan = plan.decodedBy(_ -> decoder());
        this.run = run;
        this.patience = patience;
        this.subscriber = subscriber;
        this.known = run.known();
    }

    /** The end of a classic read proves nothing; the end of a durable read ends the run, unless the read was cut. */
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
        loop.execute(this::pump);
    }

    @Override
    public void cancel() {
        cancelled = true;
        loop.execute(this::leave);
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
        read = new EventHashChain();
        readWithoutOperations = null;
        caughtUp = false;
        gaveMore = false;
        openedNanos = loop.nanoTime();
        pendingRequest = new PendingRequest(client, loop, new PendingRequest.Listener() {
            @Override
            public void head(PendingRequest heard, HttpClientResponse head) {
                if (VertxRequests.isStream(head)) {
                    unansweredNanos = 0;
                    Reader reader = new Reader();
                    reader.onSubscribe(AnswerStream.of(heard, head, loop, plan, reader));
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
                    unansweredNanos = 0;
                    fruitless();
                } else {
                    lose(Failure.Code.UPSTREAM_CUT, "refused to give its answer again (%d)".formatted(status));
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

    /** All known events are available when a read begins. If a read stops before their end, waiting longer does not help. */
    private void watch(Flow.Subscription watched) {
        long length = read.length();
        loop.setTimer(patience.toMillis(), () -> loop.execute(() -> {
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
            // The read broke off after an error that the run reported, and before the rest of the known events.
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
     * The known events have arrived again if all received events match, or all except operations: operations that only this service requested,
     * before it knew the server, were not delivered then either.
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
        lose(Failure.Code.UPSTREAM_CUT, "gives again something else than before");
    }

    private boolean isClosedForItsLength(ChatEvent end) {
        return run.decided() != null && end instanceof Ended(var outcome, _, _, _) && outcome == Outcome.COMPLETED
                && loop.nanoTime() - openedNanos > LONG_READ.toNanos();
    }

    /** The body ended, but nothing showed that the run ended. */
    private void closed() {
        if (run.decided() != null && caughtUp && waitsForOthers()) {
            complete();
        } else if (gaveMore) {
            backoff = FIRST_BACKOFF;
            reopen(AGAIN);
        } else if (run.decided() != null && !read.isEmpty()) {
            // The stream belongs to this run alone, and an outcome may take some time.
            later();
        } else {
            fruitless();
        }
    }

    /**
     * The stream of a durable run may stay open while the run waits, and the next decision is sent only after this answer has ended. Silence
     * counts only while an event is requested.
     */
    private void completeOnceItWaits() {
        if (run.decided() == null || !waitsForOthers()) {
            return;
        }
        long length = known.length();
        Flow.Subscription watched = reading;
        loop.setTimer(QUIET.toMillis(), () -> loop.execute(() -> {
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

    /** The expected outcome arrived, and other calls still wait for a decision. */
    private boolean waitsForOthers() {
        List<Integer> waiting = decoder.waiting();
        return !waiting.isEmpty() && !waiting.contains(run.decided());
    }

    /**
     * The read brought nothing, another run, or only known events. A read that stayed open belongs to a run that continues, whichever side
     * closed it: the read of a finished run closes at once. But after the end of the run's lifetime, an open read only shows that there is
     * nothing new.
     */
    private void fruitless() {
        boolean mute = run.lifetime().isOver();
        if (mute && caughtUp && fruitlessNanos == 0) {
            fruitlessNanos = run.lifetime().silentSince(openedNanos);
        }
        fruitless(!mute && loop.nanoTime() - openedNanos > patience.toNanos());
    }

    private void fruitless(boolean goesOn) {
        long now = loop.nanoTime();
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
            lose(Failure.Code.REPLICA_LOST, "does not give the rest of its answer");
        }
    }

    private void unanswered() {
        long now = loop.nanoTime();
        if (unansweredNanos == 0) {
            unansweredNanos = now;
        }
        if (now - unansweredNanos > UNREACHABLE.toNanos()) {
            lose(Failure.Code.REPLICA_LOST, "cannot be reached");
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
        loop.setTimer(pause.toMillis(), () -> {
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
