package io.chatrelay.journal;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * State shared by the readers of a turn that runs here: the tail of committed events, bounded in bytes, and the readers that wait for more.
 * Readers pull; nothing is queued for them, so a slow reader costs nothing here.
 */
final class TurnChannel<E> {

    /** What a reader finds after its position. */
    sealed interface Found<E> {

        /** The next entries, at least one. */
        record Entries<E>(List<JournalEntry<E>> entries) implements Found<E> {}

        /** No entries yet; the next commit wakes the reader. */
        record Wait<E>() implements Found<E> {}

        /** The entries are stored, but no longer in memory. */
        record Evicted<E>() implements Found<E> {}

        /** The turn ended at or before that position: the stream is complete. */
        record End<E>() implements Found<E> {}

        /** This replica lost the turn with its lease: the reader must resume. */
        record Gone<E>() implements Found<E> {}

        /** Another replica continues the turn; the following entries are in the table. */
        record Moved<E>() implements Found<E> {}
    }

    /** Waits for the next commit. */
    interface Waiter {

        /** There may be new entries. Called on the thread that published them. */
        void wake();
    }

    private final ArrayDeque<JournalEntry<E>> tail = new ArrayDeque<>();
    /** Most turns have one reader. */
    private final Set<Waiter> waiting = new LinkedHashSet<>(2);
    private final long maxBytes;
    private long bytes;
    private long committed;
    private boolean ended;
    private boolean abandoned;
    private boolean moved;

    TurnChannel(long committed, long maxBytes) {
        this.committed = committed;
        this.maxBytes = maxBytes;
    }

    /** Makes committed events visible and wakes the waiting readers. Called by the writer, after the commit. */
    void publish(List<JournalEntry<E>> entries, boolean last) {
        synchronized (this) {
            for (JournalEntry<E> entry : entries) {
                tail.addLast(entry);
                bytes += entry.size();
            }
            committed = entries.getLast().number();
            ended |= last;
            while (bytes > maxBytes && tail.size() > 1) {
                bytes -= tail.removeFirst().size();
            }
        }
        wake();
    }

    /** Ends every reader's stream without an event: this replica no longer owns the turn, and does not store its new events. */
    void abandon() {
        synchronized (this) {
            abandoned = true;
        }
        wake();
    }

    /** Redirects every reader to the table: the turn continues on another replica. */
    void move() {
        synchronized (this) {
            moved = true;
        }
        wake();
    }

    synchronized Found<E> after(long position, long maxChunk, Waiter reader) {
        if (position >= committed) {
            if (ended) {
                return new Found.End<>();
            }
            if (abandoned) {
                return new Found.Gone<>();
            }
            if (moved) {
                return new Found.Moved<>();
            }
            waiting.add(reader);
            return new Found.Wait<>();
        }
        if (tail.isEmpty() || tail.peekFirst().number() > position + 1) {
            return new Found.Evicted<>();
        }
        return new Found.Entries<>(slice(position, maxChunk));
    }

    private List<JournalEntry<E>> slice(long position, long maxChunk) {
        List<JournalEntry<E>> found = new ArrayList<>();
        long skip = position + 1 - tail.peekFirst().number();
        long size = 0;
        // From the end if that is nearer: a reader that keeps up needs the last few of many entries.
        if (skip > tail.size() / 2) {
            ArrayDeque<JournalEntry<E>> reversed = new ArrayDeque<>();
            for (var newest = tail.descendingIterator(); newest.hasNext();) {
                JournalEntry<E> entry = newest.next();
                if (entry.number() <= position) {
                    break;
                }
                reversed.addFirst(entry);
            }
            for (JournalEntry<E> entry : reversed) {
                if (size >= maxChunk) {
                    break;
                }
                found.add(entry);
                size += entry.size();
            }
            return found;
        }
        for (JournalEntry<E> entry : tail) {
            if (skip-- > 0) {
                continue;
            }
            if (size >= maxChunk) {
                break;
            }
            found.add(entry);
            size += entry.size();
        }
        return found;
    }

    synchronized void forget(Waiter reader) {
        waiting.remove(reader);
    }

    private void wake() {
        List<Waiter> woken;
        synchronized (this) {
            // A copy: a woken reader may wait again before the iteration ends.
            woken = List.copyOf(waiting);
        }
        for (Waiter reader : woken) {
            // One by one: where a reader fails, the next call wakes those that come after it.
            forget(reader);
            reader.wake();
        }
    }
}
