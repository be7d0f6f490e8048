package io.chatrelay.dev;

/** Where a run's events go. */
interface EventSink {

    /** Takes everything and shows it to nobody: a run whose reader has gone. */
    EventSink NOWHERE = new EventSink() {
        @Override
        public boolean full() {
            return false;
        }

        @Override
        public void whenDrained(Runnable then) {}

        @Override
        public void whenGone(Runnable then) {}

        @Override
        public void write(String event) {}

        @Override
        public void end() {}

        @Override
        public void cut() {}
    };

    /** Whether a write should wait for {@link #whenDrained}. */
    boolean full();

    void whenDrained(Runnable then);

    /** Tells once if the reader leaves before the end. */
    void whenGone(Runnable then);

    void write(String event);

    /** Ends the answer as HTTP ends it. */
    void end();

    /** Breaks the connection. */
    void cut();

    /** Breaks it by a TCP reset, where it can. */
    default void reset() {
        cut();
    }
}
