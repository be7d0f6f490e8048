package io.chatrelay.approval;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

import io.chatrelay.event.Scope;

/**
 * One reader of the inbox. Between two chunks it holds only its position.
 *
 * <pre>
 * behind ── has all that there is ──▶ following ── is not ready for what was found, or for all of it ──▶ behind
 * reads by itself when it is ready    is told what the poll for all readers finds
 * </pre>
 *
 * A reader that does not keep up misses states and no entries: what it reads later has the newest state. The feed's thread alone works on a reader;
 * only {@link #request} and {@link #cancel} may be called on any thread.
 */
final class InboxReader implements Flow.Subscription {

    /** A row, and the position after it. */
    record Told(InboxChanges.Row row, InboxPosition position) {}

    /**
     * What a reader is told of a page at once.
     *
     * @param listed   whether the list is complete with it
     * @param end      the position after it
     * @param caughtUp whether there is nothing more to read
     */
    record Chunk(List<Told> told, boolean listed, InboxPosition end, boolean caughtUp) {

        boolean isEmpty() {
            return told.isEmpty() && !listed;
        }
    }

    private final Scope scope;
    private final Flow.Subscriber<? super List<InboxEvent>> subscriber;
    private final Consumer<InboxReader> ready;
    private final Consumer<InboxReader> gone;
    private final AtomicBoolean isReady = new AtomicBoolean();
    private final AtomicBoolean isOver = new AtomicBoolean();
    private InboxPosition position;
    private volatile boolean following;

    /**
     * @param after null for a reader that begins with what is pending
     * @param ready called when the reader can be told more
     * @param gone  called when it has left
     */
    InboxReader(Scope scope, InboxPosition after, Flow.Subscriber<? super List<InboxEvent>> subscriber,
            Consumer<InboxReader> ready, Consumer<InboxReader> gone) {
        this.scope = scope;
        this.position = after;
        this.subscriber = subscriber;
        this.ready = ready;
        this.gone = gone;
    }

    String tenant() {
        return scope.tenant();
    }

    /** Null if it begins with what is pending, and has not begun. */
    InboxPosition position() {
        return position;
    }

    boolean isFollowing() {
        return following;
    }

    /** Whether it reads by itself, and can be told more. */
    boolean isWaiting() {
        return !following && isReady.get() && !isOver.get();
    }

    @Override
    public void request(long n) {
        isReady.set(true);
        ready.accept(this);
    }

    @Override
    public void cancel() {
        isOver.set(true);
        gone.accept(this);
    }

    /** @param first null if it begins again with what is pending */
    void begin(InboxPosition first) {
        position = first;
        following = false;
    }

    /** The part of a page that is for this reader, after its position. It has at least one row if one is for the reader. */
    Chunk chunk(InboxChanges.Page page, long maxBytes) {
        List<Told> told = new ArrayList<>();
        InboxPosition end = position;
        long bytes = 0;
        long newest = 0;
        for (InboxChanges.Row row : page.rows()) {
            newest = row.transaction();
            if (!position.isInList() && position.covers(newest)) {
                continue;
            }
            boolean isVisible = row.isIn(scope);
            bytes += isVisible ? row.bytes() : 0;
            if (isVisible && !told.isEmpty() && bytes > maxBytes) {
                return new Chunk(told, false, end, false);
            }
            end = position.isInList() ? position.inList(row.id()) : position.upTo(newest, row.id(), page.now());
            if (isVisible) {
                told.add(new Told(row, end));
            }
        }
        if (page.more()) {
            return new Chunk(told, false, end, false);
        }
        return position.isInList() ? new Chunk(told, true, position.afterList(), false)
                : new Chunk(told, false, position.all(newest, page.now()), true);
    }

    /** Takes what the poll found for all readers. False if it is not ready, and reads it later by itself. */
    boolean takes(Chunk chunk) {
        following = chunk.isEmpty() || isReady.get();
        return following;
    }

    /** @param views of the entries that are still there */
    void tell(Chunk chunk, Map<UUID, ApprovalView> views) {
        position = chunk.end();
        following = chunk.caughtUp();
        List<InboxEvent> events = new ArrayList<>();
        for (Told one : chunk.told()) {
            ApprovalView view = views.get(one.row().id());
            if (view != null) {
                boolean isLast = one == chunk.told().getLast() && !chunk.listed();
                events.add(new InboxEvent.Entry(view, isLast ? chunk.end() : one.position()));
            }
        }
        if (chunk.listed()) {
            events.add(new InboxEvent.Listed(chunk.end()));
        }
        if (!events.isEmpty() && !isOver.get()) {
            isReady.set(false);
            subscriber.onNext(events);
        } else if (!following) {
            ready.accept(this);
        }
    }

    /** Ends the stream; the reader may come back with its position. */
    void leave() {
        if (!isOver.getAndSet(true)) {
            subscriber.onComplete();
        }
    }

    void fail(Throwable defect) {
        if (!isOver.getAndSet(true)) {
            subscriber.onError(defect);
        }
    }
}
