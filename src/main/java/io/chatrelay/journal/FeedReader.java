package io.chatrelay.journal;

import java.sql.SQLException;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;

import org.jspecify.annotations.Nullable;

import io.chatrelay.database.SqlErrors;

/**
 * One reader of one turn: delivers committed entries after a position, as many at a time as the subscriber requests. It pulls from memory while
 * it keeps up, and from the table after it has fallen behind. If the turn runs elsewhere and the reader has caught up, a poll delivers new
 * entries to it. Between two chunks it holds only its position. A replica that stops delivers the stored entries, and then detaches the reader.
 */
final class FeedReader<E> implements Flow.Subscription, TurnChannel.Waiter {

    /** Where a reader finds events. */
    interface Source<E> {

        /** The channel of a turn that runs here, or null. */
        @Nullable
        TurnChannel<E> channel(UUID turn);

        /** Loads events after a position from the table, on another thread; then passes the events or the error. */
        void load(UUID turn, long after, BiConsumer<List<JournalEntry<E>>, @Nullable SQLException> then);

        /** From now on a poll delivers new entries to the reader. */
        void follow(FeedReader<E> reader);

        void unfollow(FeedReader<E> reader);

        /** The reader is closed. */
        void forget(FeedReader<E> reader);

        /** Whether this replica is detaching its readers. */
        boolean closed();

        /** Approximate number of bytes that a reader receives at once. */
        long maxChunk();

        boolean isLast(E event);
    }

    private final Source<E> feeds;
    private final UUID turn;
    private final Executor executor;
    private final boolean comesBack;
    private final Flow.Subscriber<? super List<JournalEntry<E>>> subscriber;
    private final AtomicLong demand = new AtomicLong();
    private final AtomicInteger work = new AtomicInteger();
    private volatile boolean done;
    private volatile long position;
    private volatile boolean loading;
    private volatile boolean caughtUp;
    private volatile boolean following;
    private volatile @Nullable TurnChannel<E> channel;

    /** @param comesBack whether it can be detached: it knows its position, and can resume elsewhere */
    FeedReader(Source<E> feeds, UUID turn, long after, Executor executor, boolean comesBack,
            Flow.Subscriber<? super List<JournalEntry<E>>> subscriber) {
        this.feeds = feeds;
        this.turn = turn;
        this.position = after;
        this.executor = executor;
        this.comesBack = comesBack;
        this.subscriber = subscriber;
    }

    UUID turn() {
        return turn;
    }

    boolean comesBack() {
        return comesBack;
    }

    long position() {
        return position;
    }

    @Override
    public void request(long n) {
        demand.accumulateAndGet(n, (have, more) -> have + more < 0 ? Long.MAX_VALUE : have + more);
        wake();
    }

    @Override
    public void cancel() {
        done = true;
        feeds.forget(this);
        TurnChannel<E> current = channel;
        if (current != null) {
            current.forget(this);
        }
    }

    /** There may be new entries, or demand for them. May be called on any thread; the reader's executor does the work. */
    @Override
    public void wake() {
        if (work.getAndIncrement() == 0) {
            executor.execute(this::drain);
        }
    }

    private void drain() {
        int missed = 1;
        while (missed != 0) {
            while (!done && !loading && demand.get() > 0 && step()) {
                // step does the work
            }
            missed = work.addAndGet(-missed);
        }
    }

    /** Processes one chunk; false if the reader can only wait. */
    private boolean step() {
        if (following && !feeds.closed()) {
            return false;
        }
        if (following) {
            // One last load.
            following = false;
            feeds.unfollow(this);
        }
        if (channel == null) {
            channel = feeds.channel(turn);
        }
        if (channel == null) {
            if (caughtUp && !feeds.closed()) {
                follow();
            } else {
                load();
            }
            return false;
        }
        switch (channel.after(position, feeds.maxChunk(), this)) {
            case TurnChannel.Found.Entries<E>(var entries) -> emit(entries);
            case TurnChannel.Found.Evicted<E>() -> load();
            case TurnChannel.Found.End<E>() -> complete();
            case TurnChannel.Found.Gone<E>() -> fail(gone());
            // This replica may own the turn again later, with a new channel.
            case TurnChannel.Found.Moved<E>() -> channel = null;
            case TurnChannel.Found.Wait<E>() -> {
                waits();
                return false;
            }
        }
        return true;
    }

    /** There are no more entries for now. */
    private void waits() {
        if (comesBack && feeds.closed()) {
            fail(gone());
        }
    }

    private void emit(List<JournalEntry<E>> entries) {
        position = entries.getLast().number();
        demand.decrementAndGet();
        subscriber.onNext(entries);
        if (feeds.isLast(entries.getLast().event())) {
            complete();
        }
    }

    private void complete() {
        if (!done) {
            cancel();
            subscriber.onComplete();
        }
    }

    private void load() {
        loading = true;
        // The result is processed on the reader's executor, under the same guard as every other step.
        feeds.load(turn, position, (entries, error) -> executor.execute(() -> loaded(entries, error)));
    }

    private void loaded(List<JournalEntry<E>> entries, @Nullable SQLException error) {
        loading = false;
        if (done) {
            return;
        }
        if (error != null && SqlErrors.refuses(error)) {
            fail(error);
        } else if (error != null || entries.isEmpty() && feeds.channel(turn) == null) {
            // No entries yet, or the database is unavailable.
            follow();
        } else {
            goOn(entries);
        }
    }

    /** From here on only the poll continues this reader. */
    private void follow() {
        caughtUp = false;
        following = true;
        feeds.follow(this);
        waits();
    }

    /**
     * Handles what the poll found after the position.
     *
     * @param all whether there was nothing more: then the reader need not load again before the next poll
     */
    void found(List<JournalEntry<E>> entries, boolean all) {
        executor.execute(() -> {
            if (following) {
                following = false;
                // The reader may have loaded entries itself in the meantime: then it loads again.
                boolean next = entries.isEmpty() || entries.getFirst().number() == position + 1;
                caughtUp = next && all;
                goOn(next ? entries : List.of());
            }
        });
    }

    private void goOn(List<JournalEntry<E>> entries) {
        if (!done && !entries.isEmpty()) {
            emit(entries);
        }
        wake();
    }

    /** The turn ended at or before the position, or is erased. Ends the stream without an event. */
    void end() {
        executor.execute(this::complete);
    }

    /** Another replica serves the reader from now on. Ends the stream with a failure. */
    void leave() {
        executor.execute(() -> fail(gone()));
    }

    /** Reports to the subscriber that it may resume, here or elsewhere. */
    private static SQLException gone() {
        return new SQLException("this replica no longer serves the turn", "57P03");
    }

    private void fail(SQLException error) {
        if (!done) {
            cancel();
            subscriber.onError(error);
        }
    }
}
