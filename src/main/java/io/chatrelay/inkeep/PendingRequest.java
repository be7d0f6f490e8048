package io.chatrelay.inkeep;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;

import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.RequestOptions;

/** One request up to the head of its answer; the body is not read until a consumer takes it. Runs on one event loop context. */
final class PendingRequest {

    /** Receives the result: one of these methods is called, once, unless the request was abandoned before. */
    interface Listener {
        void head(PendingRequest pendingRequest, HttpClientResponse head);

        /**
         * No connection, a broken connection, or a time-out.
         *
         * @param why a description for operators
         */
        void nothing(String why);

        /** The request was no longer needed when its connection was established. */
        default void unsent() {
            nothing("nobody wanted it any more");
        }
    }

    /**
     * What is sent, and its time limits, measured from the start.
     *
     * @param body   null if there is none
     * @param wanted checked immediately before the request is sent
     */
    record Request(RequestOptions options, Buffer body, Duration toBeSent, Duration toBeAnswered, BooleanSupplier wanted) {}

    private static final String LATE = "its time ran out";

    private final HttpClient client;
    private final EventLoop loop;
    private final Listener listener;
    private HttpClientRequest request;
    private HttpClientResponse response;
    private boolean sent;
    private boolean over;
    private boolean broken;
    private Runnable whenOver = () -> {};

    PendingRequest(HttpClient client, EventLoop loop, Listener listener) {
        this.client = client;
        this.loop = loop;
        this.listener = listener;
    }

    /** Must be called on the context. */
    void send(Request asked) {
        long unsent = loop.setTimer(Math.max(1, asked.toBeSent().toMillis()), () -> {
            if (!sent) {
                fail(LATE);
            }
        });
        long unanswered = loop.setTimer(Math.max(1, asked.toBeAnswered().toMillis()), () -> fail(LATE));
        whenOver = () -> {
            loop.cancelTimer(unsent);
            loop.cancelTimer(unanswered);
        };
        client.request(asked.options()).onSuccess(VertxRequests::quiet).onComplete(connected -> {
            if (over) {
                if (connected.succeeded()) {
                    connected.result().reset();
                }
            } else if (connected.failed()) {
                fail(ConnectFailure.of(connected.cause()).words());
            } else {
                request = connected.result();
                if (!asked.wanted().getAsBoolean()) {
                    over();
                    leave();
                    listener.unsent();
                    return;
                }
                request.response().onComplete(answered -> {
                    if (answered.failed()) {
                        fail(ConnectFailure.of(answered.cause()).words());
                    } else if (over()) {
                        answered(answered.result());
                    }
                });
                Future<Void> written = asked.body() == null ? request.end() : request.end(asked.body());
                written.onSuccess(_ -> sent = true);
            }
        });
    }

    /** False if the request was already over. */
    private boolean over() {
        if (over) {
            return false;
        }
        over = true;
        whenOver.run();
        return true;
    }

    private void answered(HttpClientResponse head) {
        response = head;
        head.pause();
        head.exceptionHandler(_ -> broken = true);
        listener.head(this, head);
    }

    private void fail(String why) {
        if (over()) {
            leave();
            listener.nothing(why);
        }
    }

    HttpClientRequest request() {
        return request;
    }

    /** Whether the connection broke while the body was not being read. */
    boolean isBroken() {
        return broken;
    }

    /** Closes the connection if no answer has arrived yet. Must be called on the context. */
    void cancel() {
        if (over()) {
            leave();
        }
    }

    /**
     * Closes the connection; anything not yet received is lost. First reads the part of the answer that has already arrived: if that contains
     * the end, the connection already serves another request, and closing it would cut that request. Must be called on the context.
     */
    void leave() {
        over();
        if (response == null) {
            if (request != null) {
                request.reset();
            }
            return;
        }
        AtomicBoolean ended = new AtomicBoolean();
        response.handler(_ -> {
            // The rest is discarded.
        }).endHandler(_ -> ended.set(true)).exceptionHandler(_ -> ended.set(true));
        response.resume();
        loop.setTimer(1, () -> {
            if (!ended.get()) {
                request.reset();
            }
        });
    }
}
