package io.chatrelay.inkeep;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;

import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.RequestOptions;

/** One request up to the head of its answer; nothing of the body is read until somebody takes it. Lives on one event loop context. */
final class PendingRequest {

    /** What became of it; one of the two is called, once, unless it was left before. */
    interface Listener {
        void head(PendingRequest pendingRequest, HttpClientResponse head);

        /**
         * No connection, a broken one, or the time ran out.
         *
         * @param why in words for whoever operates the service
         */
        void nothing(String why);

        /** Nobody wanted it any more when its connection was there. */
        default void unsent() {
            nothing("nobody wanted it any more");
        }
    }

    /**
     * What is sent, and how long it may take from the beginning on.
     *
     * @param body   null for none
     * @param wanted asked right before it is sent
     */
    record Request(RequestOptions options, Buffer body, Duration toBeSent, Duration toBeAnswered, BooleanSupplier wanted) {}

    private static final String LATE = "its time ran out";

    private final HttpClient client;
    private final Context context;
    private final Listener listener;
    private HttpClientRequest request;
    private HttpClientResponse response;
    private boolean sent;
    private boolean over;
    private boolean broken;
    private Runnable whenOver = () -> {};

    PendingRequest(HttpClient client, Context context, Listener listener) {
        this.client = client;
        this.context = context;
        this.listener = listener;
    }

    /** To be called on the context. */
    void send(Request asked) {
        long unsent = context.owner().setTimer(Math.max(1, asked.toBeSent().toMillis()), _ -> {
            if (!sent) {
                fail(LATE);
            }
        });
        long unanswered = context.owner().setTimer(Math.max(1, asked.toBeAnswered().toMillis()), _ -> fail(LATE));
        whenOver = () -> {
            context.owner().cancelTimer(unsent);
            context.owner().cancelTimer(unanswered);
        };
        client.request(asked.options()).onSuccess(UpstreamHttp::quiet).onComplete(connected -> {
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

    /** False if it was over before. */
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

    /** Whether the connection broke while nobody read. */
    boolean isBroken() {
        return broken;
    }

    /** Closes the connection if nothing was heard yet. To be called on the context. */
    void cancel() {
        if (over()) {
            leave();
        }
    }

    /**
     * Closes the connection; what was not heard yet never will be. What is left of an answer is let in before: if its end is there,
     * the connection serves another request already, and closing it would cut that one. To be called on the context.
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
            // Nobody wants it any more.
        }).endHandler(_ -> ended.set(true)).exceptionHandler(_ -> ended.set(true));
        response.resume();
        context.owner().setTimer(1, _ -> {
            if (!ended.get()) {
                request.reset();
            }
        });
    }
}
