package io.chatrelay.dev;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongConsumer;

import io.vertx.core.Vertx;

/**
 * What a conversation said, to be read again from the start. As upstream's it belongs to the conversation and not to a
 * run: events become visible 100 ms late; until then, the previous turn's are still there; a run that goes on beside a
 * newer one writes into the same buffer, and the end of either closes it.
 */
final class ConversationBuffer {

    private static final long FLUSH_MILLIS = 100;
    private static final long READ_MILLIS = 300_000;
    private static final long MAX_BYTES = 4 << 20;

    private final Vertx vertx;
    private final LongConsumer kept;
    private final List<String> visible = new ArrayList<>();
    private final List<Runnable> unflushed = new ArrayList<>();
    private final Set<Reader> readers = new HashSet<>();
    private long bytes;
    private boolean closed;
    private boolean flushing;
    private boolean retired;
    private boolean full;

    /** @param kept told by how many bytes the memory in use grew or, below zero, shrank */
    ConversationBuffer(Vertx vertx, LongConsumer kept) {
        this.vertx = vertx;
        this.kept = kept;
    }

    /** A new run's tape. Its first flush takes the place of what was there. */
    RunRecorder record() {
        unflushed.add(this::clear);
        return new RunRecorder() {
            @Override
            public void add(String event) {
                later(() -> append(event));
            }

            @Override
            public void end() {
                later(() -> closed = true);
            }
        };
    }

    boolean isEmpty() {
        return visible.isEmpty();
    }

    void clear() {
        kept.accept(-bytes);
        bytes = 0;
        closed = false;
        full = false;
        visible.clear();
        readers.forEach(reader -> reader.at = 0);
    }

    /** Keeps nothing any more: the conversation is forgotten, though a run of it may still go on. */
    void retire() {
        clear();
        retired = true;
    }

    /** Sends what is there from an index on, then what comes, until the buffer closes or five minutes are over. */
    void read(EventSink outlet, int from) {
        Reader reader = new Reader(outlet, from);
        readers.add(reader);
        reader.timer = vertx.setTimer(READ_MILLIS, _ -> reader.end());
        outlet.whenGone(reader::leave);
        reader.go();
    }

    private void later(Runnable change) {
        unflushed.add(change);
        if (!flushing) {
            flushing = true;
            vertx.setTimer(FLUSH_MILLIS, _ -> flush());
        }
    }

    private void flush() {
        flushing = false;
        unflushed.forEach(Runnable::run);
        unflushed.clear();
        List.copyOf(readers).forEach(Reader::go);
    }

    // Past the bound nothing more is kept: a longer answer than that cannot be read again, upstream's could.
    private void append(String event) {
        full |= bytes + event.length() > MAX_BYTES;
        if (!retired && !full) {
            visible.add(event);
            bytes += event.length();
            kept.accept(event.length());
        }
    }

    private final class Reader {

        private final EventSink outlet;
        private int at;
        private long timer;

        Reader(EventSink outlet, int from) {
            this.outlet = outlet;
            this.at = from;
        }

        void go() {
            while (at < visible.size()) {
                if (outlet.full()) {
                    outlet.whenDrained(this::go);
                    return;
                }
                outlet.write(visible.get(at++));
            }
            if (closed) {
                end();
            }
        }

        void end() {
            if (readers.contains(this)) {
                leave();
                outlet.end();
            }
        }

        void leave() {
            readers.remove(this);
            vertx.cancelTimer(timer);
        }
    }
}
