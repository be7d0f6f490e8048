package io.chatrelay.dev;

import java.util.ArrayList;
import java.util.List;

import io.vertx.core.Vertx;

/** An outlet that keeps everything to itself for some milliseconds: an answer that comes late though the run went on. */
final class DelayedSink implements EventSink {

    private final EventSink outlet;
    private final List<Runnable> kept = new ArrayList<>();
    private boolean open;

    DelayedSink(EventSink outlet, long millis) {
        this.outlet = outlet;
        Vertx.currentContext().owner().setTimer(millis, _ -> {
            open = true;
            kept.forEach(Runnable::run);
            kept.clear();
        });
    }

    private void whenOpen(Runnable action) {
        if (open) {
            action.run();
        } else {
            kept.add(action);
        }
    }

    @Override
    public boolean full() {
        return open && outlet.full();
    }

    @Override
    public void whenDrained(Runnable then) {
        outlet.whenDrained(then);
    }

    @Override
    public void whenGone(Runnable then) {
        outlet.whenGone(then);
    }

    @Override
    public void write(String event) {
        whenOpen(() -> outlet.write(event));
    }

    @Override
    public void end() {
        whenOpen(outlet::end);
    }

    @Override
    public void cut() {
        whenOpen(outlet::cut);
    }
}
