package io.chatrelay.inkeep;

import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import java.util.function.Function;

import org.jboss.logging.Logger;

import io.chatrelay.defect.Trace;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Failure;
import io.chatrelay.event.Outcome;
import io.chatrelay.inkeep.AnswerStreamState.Answered;
import io.chatrelay.inkeep.AnswerStreamState.BodyOver;
import io.chatrelay.inkeep.AnswerStreamState.Connecting;
import io.chatrelay.inkeep.AnswerStreamState.EndRead;
import io.chatrelay.inkeep.AnswerStreamState.HeadGiven;
import io.chatrelay.inkeep.AnswerStreamState.Lingering;
import io.chatrelay.inkeep.AnswerStreamState.NotBegun;
import io.chatrelay.inkeep.AnswerStreamState.Opening;
import io.chatrelay.inkeep.AnswerStreamState.Over;
import io.chatrelay.inkeep.AnswerStreamState.Reading;
import io.chatrelay.inkeep.AnswerStreamState.Sent;
import io.chatrelay.inkeep.AnswerStreamState.Waiting;
import io.chatrelay.inkeep.RetryPolicy.Next;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.RequestOptions;

/**
 * One answer of an upstream as a stream of chat events. {@link AnswerStreamState} shows its states, {@link RetryPolicy} decides what follows an
 * attempt without an answer:
 *
 * <pre>
 * Connecting ─▶ Sent ── 200, event stream ──▶ Reading ── [DONE], cut, too large ──▶ Over
 *   ▲   │        ├── 429, 502 … 504 ──────────────────────────────────────┐
 *   │   │        ├── no answer, and Inkeep knows messages by their ids ───┤
 *   │   └── no connection ────────────────────────────────────────────────┴─▶ retries left: Waiting ─┐
 *   └────────────────────────────────────────────────────────────────────────────────────────────────┘
 *                ├── 409 after an attempt that Inkeep may have received ──▶ Over, without an Ended
 *                └── every other answer, or no retries left ──▶ a lone Ended ──▶ Over
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
    record Plan(UUID turn, RequestOptions request, QuestionBody body, Function<HttpClientResponse, AnswerDecoder> decoder,
            int maxFrame, RetryPolicy retries) {

        Plan decodedBy(Function<HttpClientResponse, AnswerDecoder> other) {
            return new Plan(turn, request, body, other, maxFrame, retries);
        }
    }

    private static final Logger LOG = Logger.getLogger(AnswerStream.class);
    private static final long LINGER_MILLIS = 1000;

    private final HttpClient client;
    private final EventLoop loop;
    private final Plan plan;
    private final Flow.Subscriber<? super ChatEvent> subscriber;
    private AnswerStreamState state;
    // The subscriber's side, which is the same in every state: how many events it requested, those that are ready for it, and whether it is
    // being given some at the moment.
    private final AtomicLong demand = new AtomicLong();
    private final ArrayDeque<ChatEvent> ready = new ArrayDeque<>();
    private final List<ChatEvent> decoded = new ArrayList<>();
    private boolean draining;
    /** Not a state: another thread sets it, and delivery stops at once. The event loop then closes whatever state it finds. */
    private volatile boolean cancelled;

    private AnswerStream(HttpClient client, EventLoop loop, Plan plan, Flow.Subscriber<? super ChatEvent> subscriber,
            AnswerStreamState state) {
        this.client = client;
        this.loop = loop;
        this.plan = plan;
        this.subscriber = subscriber;
        this.state = state;
    }

    AnswerStream(HttpClient client, EventLoop loop, Plan plan, Flow.Subscriber<? super ChatEvent> subscriber) {
        this(client, loop, plan, subscriber, new NotBegun());
    }

    /**
     * For an answer whose head has arrived; its body stays paused until something is requested. It needs no client, because its request is not
     * sent again.
     *
     * @param loop the pending request's own
     */
    static AnswerStream of(PendingRequest pendingRequest, HttpClientResponse head, EventLoop loop, Plan plan,
            Flow.Subscriber<? super ChatEvent> subscriber) {
        return new AnswerStream(null, loop, plan, subscriber, new HeadGiven(pendingRequest, head));
    }

    @Override
    public void request(long n) {
        demand.accumulateAndGet(n, (have, more) -> have + more < 0 ? Long.MAX_VALUE : have + more);
        // The loop below sees a request from within onNext; any other request must be dispatched to the context.
        if (!draining || !loop.isCurrent()) {
            loop.execute(this::drain);
        }
    }

    @Override
    public void cancel() {
        cancelled = true;
        loop.execute(this::close);
    }

    private void drain() {
        if (draining || cancelled) {
            return;
        }
        draining = true;
        begin();
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
        if (!cancelled && ready.isEmpty()) {
            completeOrFetch();
        }
    }

    private void begin() {
        if (state instanceof NotBegun) {
            state = state.begin();
            attempt();
        } else if (state instanceof HeadGiven(var pending, var head)) {
            state = state.begin();
            read(head);
            if (pending.isBroken()) {
                broken();
            }
        }
    }

    private void completeOrFetch() {
        if (state instanceof BodyOver(var ended) && !ended) {
            cancelled = true;
            state = state.closed();
            subscriber.onComplete();
        } else if (state instanceof Reading reading && demand.get() > 0 && !reading.fetching()) {
            state = state.fetching(loop.nanoTime());
            reading.response().fetch(1);
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
        client.request(plan.request()).onSuccess(VertxRequests::quiet).onComplete(connected -> {
            if (cancelled) {
                if (connected.succeeded()) {
                    connected.result().reset();
                }
            } else if (connected.failed()) {
                ConnectFailure why = ConnectFailure.of(connected.cause());
                LOG.warnf("turn %s: no connection to Inkeep in try %d: %s (%s)", plan.turn(), state.attempt().number(),
                        why.wordsAndSetting(), connected.cause().getClass().getName());
                follow(plan.retries().noConnection(state.attempt(), why.failure()));
            } else {
                state = state.connected(connected.result());
                send(connected.result());
            }
        });
    }

    private void send(HttpClientRequest request) {
        request.send(plan.body().bytes()).onComplete(answered -> {
            if (cancelled) {
                close();
            } else if (answered.failed()) {
                LOG.warnf("turn %s: the connection to Inkeep broke before an answer in try %d (%s)", plan.turn(),
                        state.attempt().number(), answered.cause().getClass().getName());
                follow(plan.retries().noAnswer(state.attempt()));
            } else if (VertxRequests.isStream(answered.result())) {
                state = state.streams(answered.result());
                read(answered.result());
            } else {
                collect(request, answered.result());
            }
        });
    }

    private void collect(HttpClientRequest request, HttpClientResponse head) {
        int status = head.statusCode();
        BoundedBody.collect(request, head, status == 200 ? plan.maxFrame() : BoundedBody.SHORT, body -> {
            // From here on the connection may serve another turn, so closing this stream must not reset the request.
            if (cancelled) {
                state = state.closed();
                return;
            }
            state = state.answered();
            if (status == 200) {
                WholeAnswer.decode(body, decoded);
                flush();
            } else {
                Long retryAfter = ErrorResponses.retryAfter(head.getHeader("retry-after"), Instant.now());
                follow(plan.retries().refused(state.attempt(), status, body, retryAfter));
            }
        });
    }

    private void follow(Next next) {
        switch (next) {
            case Next.Retry(var attempt, var pause) -> {
                state = state.waitsToRetry(attempt);
                loop.setTimer(pause.toMillis(), () -> loop.execute(this::retry));
            }
            case Next.Fail(var failure) -> {
                decoded.add(Ended.failed(failure));
                flush();
            }
            case Next.ReadElsewhere() -> {
                state = state.readElsewhere();
                flush();
            }
        }
    }

    private void retry() {
        if (!cancelled) {
            state = state.retry();
            attempt();
        }
    }

    private void read(HttpClientResponse head) {
        AnswerDecoder decoder = plan.decoder().apply(head);
        VertxRequests.forgetHeaders(head);
        if (plan.body() != null) {
            plan.body().letGo();
        }
        state = state.decodedBy(decoder);
        SseDecoder frames = new SseDecoder(plan.maxFrame());
        head.handler(chunk -> {
            if (state instanceof Reading) {
                state = state.bytesArrived();
                if (!cancelled) {
                    decode(() -> frames.decode(chunk.getBytes(), (event, data) -> frame(decoder, event, data)));
                }
            }
        });
        head.endHandler(_ -> bodyEnded(AnswerDecoder::ended));
        head.exceptionHandler(_ -> broken());
        head.pause();
        watch();
        drain();
    }

    private void frame(AnswerDecoder decoder, String event, String data) {
        decoder.heard(data, state.awaitedSince(loop.nanoTime()));
        state = state.frameArrived();
        decoder.decode(event, data, decoded);
    }

    /** Silence counts only while an event is requested; a proxy's comments do not count as events. */
    private void watch() {
        if (cancelled || !(state instanceof Reading reading)) {
            return;
        }
        reading.decoder().patience(reading.awaitedSince(loop.nanoTime())).ifPresent(left -> {
            if (left.isPositive()) {
                state = reading.watchedBy(loop.setTimer(Math.max(1, left.toMillis()), () -> loop.execute(this::watch)));
            } else {
                broken();
                reading.request().reset();
            }
        });
    }

    private void broken() {
        bodyEnded(AnswerDecoder::broken);
    }

    private void bodyEnded(BiConsumer<AnswerDecoder, List<ChatEvent>> ending) {
        switch (state) {
            case Reading reading -> {
                state = reading.bodyEnded();
                loop.cancelTimer(reading.watch());
                decode(() -> ending.accept(reading.decoder(), decoded));
            }
            case EndRead read -> {
                state = read.bodyEnded();
                loop.cancelTimer(read.watch());
            }
            case Lingering lingering -> state = lingering.bodyEnded();
            case BodyOver _,Over _ -> {
                // A body that was abandoned can still end or break.
            }
            case NotBegun _,HeadGiven _,Connecting _,Sent _,Answered _,Waiting _,Opening _ -> state = state.bodyEnded();
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

    private void flush() {
        for (ChatEvent event : decoded) {
            if (!state.hasEnd()) {
                ready.addLast(event);
                if (event instanceof Ended ended) {
                    state = state.endDecoded(ended.outcome() == Outcome.COMPLETED);
                }
            }
        }
        decoded.clear();
        drain();
    }

    /**
     * Releases the connection. After a completed answer only the end of its body is missing, and the connection serves the next turn. After
     * anything else the connection is closed, which also stops the model at Cloud. But the part of an answer that has already arrived is read
     * first: if that contains the end, the connection already serves another turn, and closing it would cut that turn.
     */
    private void close() {
        cancelled = true;
        ready.clear();
        AnswerStreamState left = state;
        state = left.closed();
        switch (left) {
            case HeadGiven(var pending, _) -> pending.request().reset();
            case Sent(_, var request) -> request.reset();
            case Opening(var request, var response) -> linger(request, response, 1);
            case Reading reading -> {
                loop.cancelTimer(reading.watch());
                linger(reading.request(), reading.response(), 1);
            }
            case EndRead read -> {
                loop.cancelTimer(read.watch());
                linger(read.request(), read.response(), read.completed() ? LINGER_MILLIS : 1);
            }
            case NotBegun _,Connecting _,Answered _,Waiting _,BodyOver _,Lingering _,Over _ -> {
                // There is no connection, or it has been released.
            }
        }
    }

    private void linger(HttpClientRequest request, HttpClientResponse response, long millis) {
        response.handler(_ -> {
            // Data after the end of an answer is ignored.
        });
        response.resume();
        loop.setTimer(millis, () -> {
            if (state instanceof Lingering) {
                state = state.bodyEnded();
                request.reset();
            }
        });
    }
}
