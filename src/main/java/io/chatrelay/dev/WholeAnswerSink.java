package io.chatrelay.dev;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

import io.vertx.core.http.HttpServerRequest;

/** {@code stream:false}: keeps what the run says and answers with one JSON body at its end. */
final class WholeAnswerSink implements EventSink {

    private static final int MAX_CHARS = 64 << 20;

    private final HttpServerRequest request;
    private final Function<List<String>, String> toJson;
    private final List<String> events = new ArrayList<>();
    private long chars;
    private boolean over;

    WholeAnswerSink(HttpServerRequest request, Function<List<String>, String> toJson) {
        this.request = request;
        this.toJson = toJson;
    }

    @Override
    public boolean full() {
        return false;
    }

    @Override
    public void whenDrained(Runnable then) {
        throw new IllegalStateException("never full");
    }

    @Override
    public void whenGone(Runnable then) {
        request.response().exceptionHandler(_ -> {});
        request.response().closeHandler(_ -> {
            if (!over) {
                over = true;
                then.run();
            }
        });
    }

    /** What never ends cannot be answered whole: past a bound the connection breaks. */
    @Override
    public void write(String event) {
        chars += event.length();
        if (chars > MAX_CHARS) {
            cut();
        } else {
            events.add(event);
        }
    }

    @Override
    public void end() {
        if (!over) {
            over = true;
            request.response().putHeader("content-type", "application/json").end(toJson.apply(events));
        }
    }

    // The close handler tells the run.
    @Override
    public void cut() {
        request.connection().close();
    }
}
