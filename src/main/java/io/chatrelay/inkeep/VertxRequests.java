package io.chatrelay.inkeep;

import java.util.function.Consumer;

import org.jboss.logging.Logger;

import io.vertx.core.Handler;
import io.vertx.core.Promise;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;

/** Vert.x helpers for every request to an upstream. */
final class VertxRequests {

    private static final Logger LOG = Logger.getLogger(VertxRequests.class);

    private VertxRequests() {}

    /**
     * A failed request is reported through its answer. If nothing waits for the answer any more, as after a cancel, Vert.x would log the
     * failure as an error.
     */
    static void quiet(HttpClientRequest request) {
        request.exceptionHandler(_ -> {});
    }

    /**
     * A throwable that a context's exception handler receives is a defect, with one exception: if a connection breaks while the head of its
     * answer waits for the context, Vert.x first fails the request, and then cannot deliver the answer to it. That failure is reported like any
     * other.
     */
    static Handler<Throwable> defects(Consumer<Throwable> defect) {
        return thrown -> {
            if (isSecondResult(thrown)) {
                LOG.debug("An answer came for a request whose connection had broken");
            } else {
                defect.accept(thrown);
            }
        };
    }

    private static boolean isSecondResult(Throwable thrown) {
        StackTraceElement[] trace = thrown.getStackTrace();
        return thrown instanceof IllegalStateException && trace.length > 0
                && trace[0].getClassName().equals(Promise.class.getName());
    }

    /**
     * Forgets the headers of a stream whose decoder is made: a kilobyte and more, for as long as it runs. Vert.x needs two of them at its end, to know
     * whether the connection serves another request.
     */
    static void forgetHeaders(HttpClientResponse head) {
        head.headers().names().stream()
                .filter(name -> !name.equalsIgnoreCase("connection") && !name.equalsIgnoreCase("keep-alive"))
                .toList().forEach(head.headers()::remove);
    }

    static boolean isStream(HttpClientResponse head) {
        String type = head.getHeader("content-type");
        return head.statusCode() == 200 && type != null && type.startsWith("text/event-stream");
    }
}
