package io.chatrelay.dev;

import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;

/** A chunked response, one write for an event. Its head goes out with the first of them and not before. */
final class StreamSink implements EventSink {

    private final HttpServerRequest request;
    private final HttpServerResponse response;
    private final Stats stats;
    private boolean open;
    private boolean over;
    private Runnable gone = () -> {};

    /** @param request one whose response has its status and headers */
    StreamSink(HttpServerRequest request, Stats stats) {
        this.request = request;
        this.response = request.response();
        this.stats = stats;
        response.setChunked(true);
        response.exceptionHandler(_ -> {});
        response.closeHandler(_ -> closed());
    }

    private void closed() {
        if (!over) {
            over();
            gone.run();
        }
    }

    @Override
    public boolean full() {
        return !over && response.writeQueueFull();
    }

    @Override
    public void whenDrained(Runnable then) {
        response.drainHandler(_ -> then.run());
    }

    @Override
    public void whenGone(Runnable then) {
        gone = then;
    }

    @Override
    public void write(String event) {
        if (over) {
            return;
        }
        if (!open) {
            open = true;
            stats.streamOpened();
        }
        Buffer bytes = Buffer.buffer(event);
        response.write(bytes);
        stats.sent(bytes.length());
    }

    @Override
    public void end() {
        if (!over) {
            over();
            response.end();
        }
    }

    @Override
    public void cut() {
        if (!over) {
            over();
            request.connection().close();
        }
    }

    @Override
    public void reset() {
        if (!over) {
            over();
            InkeepEmulator.reset(request);
        }
    }

    private void over() {
        over = true;
        if (open) {
            stats.streamClosed();
        }
    }
}
