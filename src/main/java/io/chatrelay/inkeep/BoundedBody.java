package io.chatrelay.inkeep;

import java.util.function.Consumer;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;

/** A body that is not a stream. */
final class BoundedBody {

    /** Bytes of what is read of an answer that is not the one that was asked for. */
    static final int SHORT = 16 * 1024;

    private BoundedBody() {}

    /**
     * Reads the body, and gives it once: whole, or as far as it came, or as far as the limit allows, which closes the connection.
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
