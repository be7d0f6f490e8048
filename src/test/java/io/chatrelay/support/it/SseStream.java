package io.chatrelay.support.it;

import java.time.Duration;
import java.util.UUID;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

import org.awaitility.Awaitility;

import io.chatrelay.support.sse.ReceivedEvents;
import io.chatrelay.support.sse.SseEvent;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;

/** A stream of server-sent events as one reader of many sees it: kept as it comes, until it ends or is cut. */
public final class SseStream extends ReceivedEvents {

    /** How far it came. */
    public enum State {
        WAITING,
        OPEN,
        ENDED,
        CUT
    }

    private static final Duration PATIENCE = Duration.ofSeconds(90);

    private final Consumer<SseEvent> seen;
    private final Runnable opened;
    private State state = State.WAITING;
    private int status;
    private MultiMap headers;
    private HttpClientRequest request;
    /** Where no stream is the answer. */
    private final Buffer refusal = Buffer.buffer();
    private Runnable whenOver = () -> {};

    SseStream() {
        this(() -> {}, _ -> {});
    }

    /**
     * @param opened is told on an event loop that a stream is the answer
     * @param seen   is told there of each event as it comes
     */
    SseStream(Runnable opened, Consumer<SseEvent> seen) {
        this.opened = opened;
        this.seen = seen;
    }

    synchronized void asked(HttpClientRequest asked) {
        request = asked;
    }

    void answered(HttpClientResponse response) {
        synchronized (this) {
            status = response.statusCode();
            headers = response.headers();
            state = State.OPEN;
        }
        if (response.statusCode() == 200) {
            opened.run();
        }
        response.handler(this::take).endHandler(_ -> over(State.ENDED)).exceptionHandler(_ -> over(State.CUT));
    }

    void failed() {
        over(State.CUT);
    }

    private void over(State how) {
        Runnable then;
        synchronized (this) {
            if (isOver()) {
                return;
            }
            state = how;
            then = whenOver;
        }
        then.run();
    }

    /** Runs this once nothing more comes: at once, if that is so already. */
    void whenOver(Runnable then) {
        synchronized (this) {
            if (!isOver()) {
                whenOver = then;
                return;
            }
        }
        then.run();
    }

    /** Whether nothing more comes. */
    synchronized boolean isOver() {
        return state == State.ENDED || state == State.CUT;
    }

    /** Bytes come one after the other, on one event loop. */
    private void take(Buffer bytes) {
        receive(bytes.getBytes(), bytes.length());
        synchronized (this) {
            if (status != 200) {
                refusal.appendBuffer(bytes);
            }
        }
    }

    @Override
    protected void received(SseEvent event) {
        seen.accept(event);
    }

    public synchronized State state() {
        return state;
    }

    public synchronized int status() {
        return status;
    }

    synchronized String header(String name) {
        return headers.get(name);
    }

    public UUID turn() {
        return UUID.fromString(header("x-turn-id"));
    }

    /** Waits until so many calls ask for approval, and fails at once where the stream is over before. */
    SseStream awaitAsked(int calls) {
        return await(calls + " requests for approval", () -> count("tool-approval-request") >= calls);
    }

    SseStream awaitOpen() {
        Awaitility.await("an answer").atMost(PATIENCE).until(() -> state() != State.WAITING);
        return this;
    }

    /** Waits for so many events, and fails at once where the stream is over before. */
    public SseStream awaitEvents(int count) {
        return await(count + " events", () -> events().size() >= count);
    }

    private SseStream await(String what, BooleanSupplier there) {
        Awaitility.await(what).atMost(PATIENCE).pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(20))
                .until(() -> isOver() || there.getAsBoolean());
        if (!there.getAsBoolean()) {
            throw new AssertionError("%s before %s: %s".formatted(state(), what, this));
        }
        return this;
    }

    public SseStream awaitEnd() {
        Awaitility.await("the end of a stream").atMost(PATIENCE).pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(20))
                .until(this::isOver);
        return this;
    }

    /** Leaves; what it read stays readable. */
    synchronized void leave() {
        if (request != null) {
            request.reset();
        }
    }

    @Override
    public synchronized String toString() {
        return "%d %s%s".formatted(status, refusal, events());
    }
}
