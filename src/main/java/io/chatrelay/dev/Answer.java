package io.chatrelay.dev;

import java.util.Map;
import java.util.stream.Stream;

import io.vertx.core.http.HttpServerResponse;

/** What comes back for a request. */
sealed interface Answer {

    /** A whole body at once, which is also how every error before the stream looks. */
    record Reply(int status, Map<String, String> headers, String body, long delayMillis) implements Answer {

        static Reply of(int status, String contentType, String body) {
            return new Reply(status, Map.of("content-type", contentType), body, 0);
        }

        static Reply of(Recording recording) {
            return of(recording.status(), recording.header("content-type").orElse("text/plain"), recording.body());
        }

        void to(HttpServerResponse response) {
            response.setStatusCode(status);
            headers.forEach(response::putHeader);
            response.end(body);
        }
    }

    /**
     * A stream.
     *
     * @param readerBound whether it stops when its reader goes, though other runs outlive theirs: what never ends must
     */
    record Play(Stream<Step> steps, boolean readerBound) implements Answer {}

    /** The connection is reset without a byte, and the request was never accepted. */
    record Reset() implements Answer {}
}
