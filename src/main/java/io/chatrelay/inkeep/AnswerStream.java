package io.chatrelay.inkeep;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;

import org.jboss.logging.Logger;

import io.chatrelay.defect.Trace;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Failure;
import io.chatrelay.event.Outcome;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.RequestOptions;

/**
 * One answer of an upstream as a stream of chat events.
 *
 * <pre>
 * trying ── 200, event stream ──▶ reading ── [DONE], cut, too large ──▶ over
 *   ▲  └── 429, 502 … 504, refused connection, retries left ─▶ waiting ─┐
 *   │  └── no answer, and Inkeep knows messages by their ids ──▶ waiting ──┤
 *   └──────────────────────────────────────────────────────────────────┘
 *   └── 409 after an attempt that Inkeep may have received ──▶ over, without an Ended
 *   └── every other answer ──▶ a lone Ended ──▶ over
 * </pre>
 *
 * The stream also ends without an {@code Ended} if its decoder emits none at the end of the body. If a body is silent for longer than its
 * decoder's patience, the stream abandons it; silence counts only while an event is requested.
 *
 * The connection is read on demand: without demand it is paused, and TCP applies backpressure to Inkeep. Everything runs on one event loop
 * context, so there are no locks; requests and cancellation from other threads are dispatched to it.
 */
final class AnswerStream implements Flow.Subscription {

    /** The turn, the request, its retries, and how the answer is decoded. */
    record Plan(UUID turn, RequestOptions request, Buffer body, Function<HttpClientResponse, AnswerDecoder> decoder,
            Resend resend,
            int maxFrame, int retries, Duration retryBackoff, Duration maxRetryAfter) {

        Plan decodedBy(Function<HttpClientResponse, AnswerDecoder> other) {
            return new Plan(turn, request, body, other, resend, maxFrame, retries, retryBackoff, maxRetryAfter);
        }
    }

    /** Whether the request may be sent again after Inkeep may have received it. */
    enum Resend {
        /** The request would be answered twice. */
        NEVER,
        /** Inkeep recognizes the message by its id: it then answers 409, and the answer must be read elsewhere. */
        BY_ID,
        /** As {@link #BY_ID}, and this is not the first time that the message is sent. */
        SENT_BEFORE
    }

    private static final Logger LOG = Logger.getLogger(AnswerStream.class);
    private static final long LINGER_MILLIS = 1000;

    private final HttpClient client;
    private final Context context;
    private final Plan plan;
    private final Flow.Subscriber<? super ChatEvent> subscriber;
    private final AtomicLong demand = new AtomicLong();
    private final ArrayDeque<ChatEvent> ready = new ArrayDeque<>();
    private final List<ChatEvent> decoded = new ArrayList<>();
    private int tries;
    private Failure lost;
    private boolean begun;
    private boolean draining;
    private boolean over;
    private volatile boolean cancelled;
    private HttpClientRequest request;
    private HttpClientResponse response;
    private boolean fetching;
    private boolean waiting;
    private long waitingNanos;
    private long watching = -1;
    private boolean bodyEnded;
    private boolean completed;
    private boolean goesOn;
    private Runnable heard;
    private AnswerDecoder decoder;

    AnswerStream(HttpClient client, Context context, Plan plan, Flow.Subscriber<? super ChatEvent> subscriber) {
        this.client = client;
        this.context = context;
        this.plan = plan;
        this.subscriber = subscriber;
    }

    /**
     * For an answer whose head has arrived; its body stays paused until something is requested.
     *
     * @param context the pending request's own
     */
    static AnswerStream of(PendingRequest pendingRequest, HttpClientResponse head, Context context, Plan plan,
            Flow.Subscriber<? super ChatEvent> subscriber) {
        AnswerStream stream = new AnswerStream(null, context, plan, subscriber);
        stream.request = pendingRequest.request();
        stream.heard = () -> {
            stream.read(head);
            if (pendingRequest.isBroken()) {
                stream.broken();
            }
        };
        return stream;
    }

    @Override
    public void request(long n) {
        demand.accumulateAndGet(n, (have, more) -> have + more < 0 ? Long.MAX_VALUE : have + more);
        // The loop below sees a request from within onNext; any other request must be dispatched to the context.
        if (!draining || Vertx.currentContext() != context) {
            context.runOnContext(_ -> drain());
        }
    }

    @Override
    public void cancel() {
        cancelled = true;
        context.runOnContext(_ -> close());
    }

    private void drain() {
        if (draining || cancelled) {
            return;
        }
        draining = true;
        if (!begun) {
            begun = true;
            if (heard == null) {
                attempt();
            } else {
                heard.run();
            }
        }
        while (!cancelled && demand.get() > 0 && !ready.isEmpty()) {
            demand.decrementAndGet();
            ChatEvent event = ready.removeFirst();
            try {
                subscriber.onNext(event);
            } catch (RuntimeException e) {
                defect(e);
                return;
            }
            if (event instanceof Ended && !cancelled) {
                cancelled = true;
                subscriber.onComplete();
                close();
            }
        }
        draining = false;
        if (!cancelled && goesOn && ready.isEmpty()) {
            cancelled = true;
            subscriber.onComplete();
        }
        if (!cancelled && !over && response != null && !bodyEnded && ready.isEmpty() && demand.get() > 0 && !fetching) {
            fetching = true;
            if (!waiting) {
                waiting = true;
                waitingNanos = System.nanoTime();
            }
            response.fetch(1);
        }
    }

    /** Handles a defect in this class or in the subscriber: without this the turn would wait forever. Called on the context. */
    void defect(Throwable thrown) {
        draining = false;
        if (cancelled) {
            LOG.errorf("turn %s: a defect after its answer: %s", plan.turn(), Trace.of(thrown));
            return;
        }
        close();
        subscriber.onError(thrown);
    }

    private void attempt() {
        tries++;
        client.request(plan.request()).onSuccess(VertxRequests::quiet).onComplete(connected -> {
            if (cancelled) {
                if (connected.succeeded()) {
                    connected.result().reset();
                }
            } else if (connected.failed()) {
                ConnectFailure why = ConnectFailure.of(connected.cause());
                LOG.warnf("turn %s: no connection to Inkeep in try %d: %s (%s)", plan.turn(), tries, why.words(),
                        connected.cause().getClass().getName());
                again(null, why.failure());
            } else {
                request = connected.result();
                request.send(plan.body()).onComplete(answered -> {
                    if (cancelled) {
                        close();
                    } else if (answered.failed()) {
                        LOG.warnf("turn %s: the connection to Inkeep broke before an answer in try %d (%s)", plan.turn(), tries,
                                answered.cause().getClass().getName());
                        lost();
                    } else {
                        answered(answered.result());
                    }
                });
            }
        });
    }

    /** Inkeep may have received the request. */
    private void lost() {
        lost = Failure.of(Failure.Code.UPSTREAM_UNAVAILABLE, "The {upstream} closed the connection without an answer.");
        if (plan.resend() == Resend.NEVER) {
            finish(lost);
        } else {
            again(null, lost);
        }
    }

    private boolean isAccepted(int status) {
        return status == 409 && (lost != null && plan.resend() == Resend.BY_ID || plan.resend() == Resend.SENT_BEFORE);
    }

    private void answered(HttpClientResponse head) {
        if (VertxRequests.isStream(head)) {
            read(head);
            return;
        }
        BoundedBody.collect(request, head, head.statusCode() == 200 ? plan.maxFrame() : BoundedBody.SHORT, body -> {
            // The connection may already serve another turn.
            request = null;
            if (cancelled) {
                return;
            }
            if (head.statusCode() == 200) {
                WholeAnswer.decode(body, decoded);
                flush();
                return;
            }
            if (isAccepted(head.statusCode())) {
                bodyEnded = true;
                flush();
                return;
            }
            Long retryAfter = ErrorResponses.retryAfter(head.getHeader("retry-after"), Instant.now());
            Failure failure = ErrorResponses.of(head.statusCode(), body, retryAfter);
            if (ErrorResponses.isWorthAnotherTry(head.statusCode())) {
                if (head.statusCode() != 429 && plan.resend() != Resend.NEVER) {
                    // The answer of a proxy: Inkeep may have received the request behind it.
                    lost = failure;
                }
                again(retryAfter, failure);
            } else {
                finish(failure);
            }
        });
    }

    private void again(Long retryAfter, Failure failure) {
        Duration backoff = plan.retryBackoff().multipliedBy(1L << tries - 1);
        Duration asked = retryAfter == null ? Duration.ZERO : Duration.ofSeconds(retryAfter);
        if (tries > plan.retries() || asked.compareTo(plan.maxRetryAfter()) > 0) {
            finish(failure);
            return;
        }
        long millis = Math.max(1, Math.max(backoff.toMillis(), asked.toMillis()));
        context.owner().setTimer(millis, _ -> context.runOnContext(_ -> {
            if (!cancelled) {
                attempt();
            }
        }));
    }

    private void read(HttpClientResponse head) {
        response = head;
        SseDecoder frames = new SseDecoder(plan.maxFrame());
        decoder = plan.decoder().apply(head);
        head.handler(chunk -> {
            fetching = false;
            if (!over && !cancelled && !bodyEnded) {
                decode(() -> frames.decode(chunk.getBytes(), this::frame));
            }
        });
        head.endHandler(_ -> {
            if (!bodyEnded) {
                bodyEnded = true;
                context.owner().cancelTimer(watching);
                decode(() -> decoder.ended(decoded));
            }
        });
        head.exceptionHandler(_ -> broken());
        head.pause();
        watch();
        drain();
    }

    private void frame(String event, String data) {
        long now = System.nanoTime();
        decoder.heard(data, waiting ? waitingNanos : now);
        waiting = false;
        decoder.decode(event, data, decoded);
    }

    /** Silence counts only while an event is requested; a proxy's comments do not count as events. */
    private void watch() {
        if (over || cancelled || bodyEnded) {
            return;
        }
        decoder.patience(waiting ? waitingNanos : System.nanoTime()).ifPresent(left -> {
            if (left.isPositive()) {
                watching = context.owner().setTimer(Math.max(1, left.toMillis()), _ -> context.runOnContext(_ -> watch()));
            } else {
                HttpClientRequest leaving = request;
                broken();
                leaving.reset();
            }
        });
    }

    private void broken() {
        if (!bodyEnded) {
            bodyEnded = true;
            context.owner().cancelTimer(watching);
            decode(() -> decoder.broken(decoded));
        }
    }

    private interface Decoding {
        void run() throws SseDecoder.TooLarge;
    }

    /** A failure while decoding, including a defect, ends the turn; without this the turn would wait for its time-out. */
    private void decode(Decoding decoding) {
        try {
            decoding.run();
        } catch (SseDecoder.TooLarge e) {
            decoded.add(Ended.failed(Failure.of(Failure.Code.TURN_TOO_LARGE,
                    "The {upstream} sent an event larger than %d bytes; what came before is kept."
                            .formatted(plan.maxFrame()))));
        } catch (RuntimeException e) {
            LOG.errorf("turn %s: an event of Inkeep could not be decoded: %s", plan.turn(), Trace.of(e));
            decoded.add(Ended.failed(Failure.of(Failure.Code.UPSTREAM_PROTOCOL,
                    "The {upstream} sent an event that could not be read; what came before is kept.")));
        }
        flush();
    }

    /** The result of a later attempt does not show what became of the attempt that Inkeep may have received: that one may be a run. */
    private void finish(Failure failure) {
        decoded.add(Ended.failed(lost == null ? failure : lost));
        flush();
    }

    private void flush() {
        for (ChatEvent event : decoded) {
            if (!over) {
                ready.addLast(event);
                if (event instanceof Ended ended) {
                    over = true;
                    completed = ended.outcome() == Outcome.COMPLETED && response != null;
                }
            }
        }
        decoded.clear();
        goesOn = bodyEnded && !over;
        drain();
    }

    /**
     * Releases the connection. After a completed answer only the end of its body is missing, and the connection serves the next turn. After
     * anything else the connection is closed, which also stops the model at Cloud. But the part of an answer that has already arrived is read
     * first: if that contains the end, the connection already serves another turn, and closing it would cut that turn.
     */
    private void close() {
        cancelled = true;
        context.owner().cancelTimer(watching);
        ready.clear();
        if (request == null || bodyEnded) {
            return;
        }
        HttpClientRequest leaving = request;
        request = null;
        if (response == null) {
            leaving.reset();
            return;
        }
        response.handler(_ -> {
            // Data after the end of an answer is ignored.
        });
        response.resume();
        context.owner().setTimer(completed ? LINGER_MILLIS : 1, _ -> {
            if (!bodyEnded) {
                leaving.reset();
            }
        });
    }
}
