package io.chatrelay.inkeep;

import io.vertx.core.Context;
import io.vertx.core.Vertx;

/**
 * One event loop context with its timers and its clock: what a stream needs of Vert.x besides HTTP. The streams of this package run on one of
 * them, so they need no locks; a test gives them one that it runs by hand.
 */
interface EventLoop {

    static EventLoop of(Context context) {
        return new OfContext(context);
    }

    /** Runs the task on the event loop, after the current task. */
    void execute(Runnable task);

    /** Whether the caller is a task of this event loop. */
    boolean isCurrent();

    /**
     * Must be called on the event loop.
     *
     * @param millis at least 1
     * @return the timer's id
     */
    long setTimer(long millis, Runnable task);

    /** Does nothing if the timer has fired or never existed. */
    void cancelTimer(long timer);

    /** The clock that the timers follow, as {@link System#nanoTime}. */
    long nanoTime();

    /** The event loop of a Vert.x context. */
    record OfContext(Context context) implements EventLoop {

        @Override
        public void execute(Runnable task) {
            context.runOnContext(_ -> task.run());
        }

        @Override
        public boolean isCurrent() {
            return Vertx.currentContext() == context;
        }

        @Override
        public long setTimer(long millis, Runnable task) {
            return context.owner().setTimer(millis, _ -> task.run());
        }

        @Override
        public void cancelTimer(long timer) {
            context.owner().cancelTimer(timer);
        }

        @Override
        public long nanoTime() {
            return System.nanoTime();
        }
    }
}
