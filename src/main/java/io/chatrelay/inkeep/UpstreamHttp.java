package io.chatrelay.inkeep;

import java.util.function.Consumer;

import org.jboss.logging.Logger;

import io.vertx.core.Handler;
import io.vertx.core.Promise;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;

/** What every request to an upstream needs of Vert.x. */
final class UpstreamHttp {

    private static final Logger LOG = Logger.getLogger(UpstreamHttp.class);

    private UpstreamHttp() {}

    /** What breaks a request is told by its answer. Where nobody waits for that any more, as after a cancel, Vert.x would log it as an error. */
    static void quiet(HttpClientRequest request) {
        request.exceptionHandler(_ -> {});
    }

    /**
     * What a context's exception handler is given is a defect, but for one thing: where a connection breaks while the head of its answer waits
     * for the context, Vert.x gives the request its failure first, and then fails to give it the answer. The failure is told as any other.
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

    static boolean isStream(HttpClientResponse head) {
        String type = head.getHeader("content-type");
        return head.statusCode() == 200 && type != null && type.startsWith("text/event-stream");
    }
}
