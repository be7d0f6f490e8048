package io.chatrelay.inkeep;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

import io.chatrelay.chat.ChatEvent;
import io.chatrelay.chat.ChatEvent.Ended;
import io.chatrelay.chat.ChatEvent.Started;
import io.chatrelay.chat.Failure;
import io.chatrelay.chat.Outcome;
import io.vertx.core.Context;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientResponse;

/**
 * Follows a run further by reading its conversation's stream again.
 *
 * <pre>
 * opening ── stream ──▶ comparing ── all that is known came again ──▶ live ── end ──▶ over
 *  ▲ ▲ └ 204, 404 ─┐        │ └ another run's ─┐                        │
 *  │ └─ 500 ms ────┴────────┼──────────────────┘ (8 s: interrupted)     │
 *  └─ backoff ── no answer, 429, 5xx; the read closed ◀─────────────────┘
 *                           └ otherwise ──▶ interrupted
 * </pre>
 *
 * Each read begins at the start of the run, through a fresh decoder, and everything that is known has to come again, event by event,
 * before anything is given on; what is given on is known from then on. So nothing is given twice, and nothing of another run: the
 * buffer that is read belongs to the conversation, and may still hold its previous run. Reads close silently after five minutes,
 * so the end of one says nothing. Everything happens on one event loop context.
 */
final class Reread implements Flow.Subscription {

    /**
     * The run that is looked for.
     *
     * @param known    its events so far, beginning with its {@link Started}
     * @param decoders a fresh decoder for each read
     * @param decided  of a durable run: the call whose outcome is to come, or null for a classic one
     * @param proven   told once all of them came again
     */
    record Run(List<ChatEvent> known, Supplier<AnswerDecoder> decoders, String decided, Runnable proven) {

        /** The end of a classic read says nothing; that of a durable one does, unless it was cut. */
        AnswerDecoder decoder() {
            AnswerDecoder decoder = decoders.get();
            return new AnswerDecoder() {
                @Override
                public void decode(String data, List<ChatEvent> out) {
                    decoder.decode(data, out);
                }

                @Override
                public void ended(List<ChatEvent> out) {
                    if (decided != null) {
                        decoder.ended(out);
                    }
                }

                @Override
                public void broken(List<ChatEvent> out) {
                    // It is read again.
                }
            };
        }
    }

    private static final Duration AGAIN = Duration.ofMillis(500);
    private static final Duration NOT_YET = Duration.ofSeconds(8);
    private static final Duration FIRST_BACKOFF = Duration.ofMillis(250);
    private static final Duration LONGEST_BACKOFF = Duration.ofSeconds(5);
    private static final Duration HEAD = Duration.ofSeconds(30);
    /** A read that was as long as this may have been closed only for its length. */
    private static final Duration LONG_READ = Duration.ofMinutes(4);

    private final HttpClient client;
    private final Context context;
    private final AnswerStream.Plan plan;
    private final Run run;
    private final Flow.Subscriber<? super ChatEvent> subscriber;
    private final AtomicLong demand = new AtomicLong();
    private final List<ChatEvent> known;
    private boolean begun;
    private volatile boolean cancelled;
    private Exchange exchange;
    private Flow.Subscription reading;
    private boolean asked;
    private int at;
    private boolean hidesOperations;
    private boolean gaveMore;
    private long openedNanos;
    private long notYetNanos;
    private Duration backoff = FIRST_BACKOFF;
    private ChatEvent last;
    private boolean pumping;

    Reread(HttpClient client, Context context, AnswerStream.Plan plan, Run run, Flow.Subscriber<? super ChatEvent> subscriber) {
        this.client = client;
        this.context = context;
        this.plan = plan;
        this.run = run;
        this.subscriber = subscriber;
        this.known = new ArrayList<>(run.known());
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
        if (exchange != null) {
            exchange.cancel();
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
        } else if (reading != null && last == null && !asked && (at < known.size() || demand.get() > 0)) {
            asked = true;
            reading.request(1);
        }
        pumping = false;
    }

    private void complete() {
        if (!cancelled) {
            leave();
            subscriber.onComplete();
        }
    }

    private void open() {
        at = 0;
        gaveMore = false;
        openedNanos = System.nanoTime();
        exchange = new Exchange(client, context, new Exchange.Heard() {
            @Override
            public void head(Exchange heard, HttpClientResponse head) {
                if (InkeepClient.isStream(head)) {
                    Reader reader = new Reader();
                    reader.onSubscribe(AnswerStream.of(heard, head, context, plan, reader));
                    return;
                }
                int status = head.statusCode();
                heard.leave();
                if (status == 204 || status == 404) {
                    notYet();
                } else if (status == 429 || status >= 500) {
                    later();
                } else {
                    interrupt(Failure.Code.UPSTREAM_CUT,
                            "Inkeep refused to give the run's answer again (%d)".formatted(status));
                }
            }

            @Override
            public void nothing() {
                later();
            }
        });
        exchange.send(new Exchange.Request(plan.request(), null, HEAD, HEAD, () -> true));
    }

    /** The events of one read. */
    private final class Reader implements Flow.Subscriber<ChatEvent> {

        @Override
        public void onSubscribe(Flow.Subscription subscription) {
            reading = subscription;
            pump();
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
            throw new IllegalStateException(failure);
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

    private void take(ChatEvent event) {
        if (at < known.size()) {
            compare(event);
        } else if (event instanceof Ended && isClosedForItsLength(event)) {
            reopen(AGAIN);
        } else if (event instanceof Ended) {
            last = event;
        } else if (!hidesOperations || !AgentsDecoder.isAskedForOperation(event)) {
            known.add(event);
            at++;
            gaveMore = true;
            demand.decrementAndGet();
            subscriber.onNext(event);
        }
    }

    private void compare(ChatEvent event) {
        if (event.equals(known.get(at))) {
            at++;
            notYetNanos = 0;
            if (at == run.known().size()) {
                run.proven().run();
            }
        } else if (at == 0 && (event instanceof Started || event instanceof Ended)) {
            notYet();
        } else if (AgentsDecoder.isAskedForOperation(event)) {
            // Only this service asked for it, before it knew the server, so it was not given on then either.
            hidesOperations = true;
        } else {
            interrupt(Failure.Code.UPSTREAM_CUT, "What Inkeep gave again is not what came before");
        }
    }

    private boolean isClosedForItsLength(ChatEvent end) {
        return run.decided() != null && end instanceof Ended(var outcome, _, _, _) && outcome == Outcome.COMPLETED
                && System.nanoTime() - openedNanos > LONG_READ.toNanos();
    }

    /** The body is over, and nothing said that the run is. */
    private void closed() {
        if (at == 0) {
            notYet();
        } else if (at == known.size() && run.decided() != null
                && waitsForOthers()) {
            complete();
        } else if (gaveMore) {
            backoff = FIRST_BACKOFF;
            reopen(AGAIN);
        } else {
            later();
        }
    }

    /** Its outcome came, and others still have to be decided. */
    private boolean waitsForOthers() {
        Set<String> waiting = Brackets.resume(known).waiting();
        return !waiting.isEmpty() && !waiting.contains(run.decided());
    }

    private void notYet() {
        long now = System.nanoTime();
        if (notYetNanos == 0) {
            notYetNanos = now;
        }
        if (now - notYetNanos > NOT_YET.toNanos()) {
            interrupt(Failure.Code.REPLICA_LOST,
                    "The process that ran this turn is gone, and Inkeep does not give its answer again");
        } else {
            reopen(AGAIN);
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

    private void interrupt(Failure.Code code, String why) {
        last = new Ended(Outcome.INTERRUPTED, null, null,
                Failure.of(code, why + "; what came before is kept. Send the message again."));
        pump();
    }
}
