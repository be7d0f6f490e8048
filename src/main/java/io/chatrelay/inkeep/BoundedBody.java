package io.chatrelay.inkeep;

import java.util.function.Consumer;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;

/** Reads a body that is not a stream. */
final class BoundedBody {

    /** Maximum bytes to read of an answer that is not the requested one. */
    static final int SHORT = 16 * 1024;

    private BoundedBody() {}

    /**
     * Reads the body and passes it on once: complete, or as far as it was received, or up to the limit, which closes the connection.
     *
     * @param limit bytes
     */
    static void collect(HttpClientRequest request, HttpClientResponse head, int limit, Consumer<String> then) {
        Buffer body = Buffer.buffer();
        boolean[] done = { false };
        Runnable finish = () -> {
            if (!done[0]) {
                done[0] = true;
                then.accept(body.toString());
            }
        };
        head.handler(chunk -> {
            if (body.length() + chunk.length() <= limit) {
                body.appendBuffer(chunk);
            } else if (!done[0]) {
                finish.run();
                request.reset();
            }
        }).endHandler(_ -> finish.run()).exceptionHandler(_ -> finish.run());
        head.resume();
    }
}
