package io.chatrelay.inkeep;

import java.time.Duration;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;

/**
 * Bounds the answer to each request of a REST client, which has no bounds itself: it collects the whole body.
 *
 * @param bytes of the body
 * @param time  from the connection to the end of the answer
 */
record AnswerLimit(int bytes, Duration time) implements Consumer<HttpClientRequest> {

    /** The answer is larger than the limit. Its head was received. */
    static final class TooLarge extends Exception {
        private static final long serialVersionUID = 1;

        private final int status;
        private final String type;

        private TooLarge(HttpClientResponse head) {
            super("the answer is too large", null, false, false);
            this.status = head.statusCode();
            this.type = head.getHeader("content-type");
        }

        int status() {
            return status;
        }

        String type() {
            return type == null ? "" : type;
        }
    }

    private static final long CANCEL = 8;

    /** Is called when the request has its connection, and before it is sent. */
    @Override
    public void accept(HttpClientRequest request) {
        VertxRequests.quiet(request);
        request.connection().exceptionHandler(_ -> {});
        Vertx vertx = Vertx.currentContext().owner();
        long late = vertx.setTimer(Math.max(1, time.toMillis()), _ -> request.reset(CANCEL, new TimeoutException()));
        request.response().onFailure(_ -> vertx.cancelTimer(late)).onSuccess(head -> {
            head.end().onComplete(_ -> vertx.cancelTimer(late));
            long[] received = { 0 };
            head.handler(chunk -> {
                received[0] += chunk.length();
                if (received[0] > bytes) {
                    request.reset(CANCEL, new TooLarge(head));
                }
            });
        });
    }
}
