package io.chatrelay.journal;

import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

import org.jspecify.annotations.Nullable;

import io.chatrelay.logging.LogIds;

/**
 * The write side of the journal for one running turn. Events are numbered in the order of {@link #append} and become visible to readers in that
 * order, after the transaction that stores them.
 *
 * @param <E> the events of a turn
 */
public final class TurnLog<E> {

    /** Notifications to the turn's owner, on the writer's thread: an implementation passes the work to another thread and returns. */
    public interface Owner {

        /** There is room for events again; called once after {@link TurnLog#hasRoom} returned false. */
        void room();

        /**
         * The database permanently rejected this turn's events, and everything appended since the last commit is discarded. The log accepts no
         * events until {@link TurnLog#reopen}.
         */
        void refused(SQLException cause);

        /** This process no longer owns the turn: nothing it appends will be stored. */
        void lost();

        /** The turn's last event is stored. */
        void ended();

        /** The ids of log lines about the turn. */
        default LogIds logIds() {
            return LogIds.NONE;
        }
    }

    /** Stores what is appended to the logs of all turns. */
    interface Writer<E> {

        /** Counts pending bytes. */
        void reserve(long bytes);

        void release(long bytes);

        /** Whether all turns together may append more. */
        boolean hasRoom();

        /** A log that had no pending events has some now. */
        void enqueue(TurnLog<E> log);

        /** From now on the writer checks again whether the log has room. */
        void awaitRoom(TurnLog<E> log);

        /** The last event of a turn is stored. */
        void ended(UUID turn);
    }

    /** Consecutive events that are stored in one row, with their effects. Its boundaries never change. */
    record Batch<E>(TurnLog<E> log, List<JournalEntry<E>> entries, List<TransactionalEffect> effects, byte[] bytes,
            boolean last) {

        /** The bytes of its events, which the row joins by line feeds. */
        private int eventBytes() {
            return bytes.length - (entries.size() - 1);
        }

        EventTable.Row row() {
            return new EventTable.Row(log.turn, entries.getFirst().number(), entries.getLast().number(), bytes);
        }
    }

    private record Pending<E>(E event, byte[] bytes, @Nullable TransactionalEffect effect, boolean last) {}

    private final UUID turn;
    private final UUID as;
    private final Writer<E> writer;
    private final TurnChannel<E> channel;
    private final EventCodec<E> codec;
    private final Owner owner;
    private final long maxPending;
    private final ArrayDeque<Pending<E>> pending = new ArrayDeque<>();
    private long pendingBytes;
    private long taken;
    private long committed;
    private boolean queued;
    private boolean closed;
    private boolean lost;
    private boolean sealed;
    private boolean waitsForRoom;

    TurnLog(UUID turn, UUID as, long committed, Writer<E> writer, TurnChannel<E> channel, EventCodec<E> codec,
            Owner owner,
            long maxPending) {
        this.turn = turn;
        this.as = as;
        this.taken = committed;
        this.committed = committed;
        this.writer = writer;
        this.channel = channel;
        this.codec = codec;
        this.owner = owner;
        this.maxPending = maxPending;
    }

    /**
     * Appends events; the next group commit stores them, in this order. Never blocks: check {@link #hasRoom} before reading more. Does nothing
     * after a last event, or after the turn is lost.
     *
     * @param effect takes effect in the same transaction as the last of these events, or null
     */
    public void append(List<E> events, @Nullable TransactionalEffect effect) {
        boolean enqueue;
        synchronized (this) {
            if (closed || events.isEmpty()) {
                return;
            }
            for (int i = 0; i < events.size(); i++) {
                E event = events.get(i);
                byte[] bytes = codec.encode(event);
                boolean last = codec.isLast(event);
                pending.addLast(new Pending<>(event, bytes, i == events.size() - 1 ? effect : null, last));
                pendingBytes += bytes.length;
                writer.reserve(bytes.length);
                closed |= last;
            }
            enqueue = !queued;
            queued = true;
        }
        if (enqueue) {
            writer.enqueue(this);
        }
    }

    /**
     * Whether the turn may read more. After false, the writer calls {@link Owner#room} when there is room: only on the writer's thread, never
     * from within this call, so that an owner may call this method while it holds its lock.
     */
    public boolean hasRoom() {
        synchronized (this) {
            if (isRoomy()) {
                return true;
            }
            waitsForRoom = true;
        }
        writer.awaitRoom(this);
        synchronized (this) {
            // The events that made it wait may have been committed before the writer registered that it waits.
            if (waitsForRoom && isRoomy()) {
                waitsForRoom = false;
                return true;
            }
            return false;
        }
    }

    private boolean isRoomy() {
        return pendingBytes < maxPending && writer.hasRoom();
    }

    UUID turn() {
        return turn;
    }

    LogIds logIds() {
        return owner.logIds();
    }

    /** Accepts no more events, permanently; pending events are still stored. */
    synchronized void seal() {
        closed = true;
        sealed = true;
    }

    /** Whether appended events are not yet known to be stored. */
    synchronized boolean isPending() {
        return pendingBytes > 0;
    }

    /** The incarnation that owns the turn: only this incarnation may store the events taken from this log. */
    UUID as() {
        return as;
    }

    /** The number of the last committed event. */
    public synchronized long committed() {
        return committed;
    }

    /** Takes pending events for at most one row, or null. The writer commits them before it calls this again. */
    synchronized @Nullable Batch<E> take(long maxRow) {
        if (pending.isEmpty()) {
            queued = false;
            return null;
        }
        int count = 0;
        int length = 0;
        for (Pending<E> next : pending) {
            int longer = length + next.bytes().length + (count == 0 ? 0 : 1);
            if (count > 0 && longer > maxRow) {
                break;
            }
            length = longer;
            count++;
        }
        byte[] row = new byte[length];
        List<JournalEntry<E>> entries = new ArrayList<>(count);
        List<TransactionalEffect> effects = List.of();
        boolean last = false;
        int at = 0;
        for (int i = 0; i < count; i++) {
            Pending<E> next = pending.removeFirst();
            if (i > 0) {
                row[at++] = '\n';
            }
            System.arraycopy(next.bytes(), 0, row, at, next.bytes().length);
            at += next.bytes().length;
            entries.add(new JournalEntry<>(++taken, next.event(), next.bytes().length));
            if (next.effect() != null) {
                effects = effects.isEmpty() ? new ArrayList<>(1) : effects;
                effects.add(next.effect());
            }
            last |= next.last();
        }
        return new Batch<>(this, entries, effects, row, last);
    }

    /** Publishes the stored batch to its readers. True if more events are pending. */
    boolean committed(Batch<E> batch) {
        boolean more;
        synchronized (this) {
            committed = batch.entries().getLast().number();
            if (!lost) {
                release(batch.eventBytes());
            }
            more = !pending.isEmpty();
            queued = more;
        }
        channel.publish(batch.entries(), batch.last());
        if (batch.last()) {
            owner.logIds().run(() -> {
                writer.ended(turn);
                owner.ended();
            });
        }
        return more;
    }

    /** Discards the events that the database rejects, so that the turn's owner can still write its end. */
    void refused(Batch<E> batch, SQLException cause) {
        synchronized (this) {
            release(batch.eventBytes() + pending.stream().mapToLong(p -> p.bytes().length).sum());
            pending.clear();
            taken = committed;
            queued = false;
            closed = true;
        }
        owner.refused(cause);
    }

    /** Accepts events again after {@link Owner#refused}, after the last committed one. */
    public synchronized void reopen() {
        closed = lost || sealed;
    }

    void lost() {
        giveUp();
        channel.abandon();
        owner.lost();
    }

    /** The turn was handed over to another replica at the request of its owner here; its readers here follow it there. */
    void moved() {
        giveUp();
        channel.move();
    }

    private synchronized void giveUp() {
        release(pendingBytes);
        pending.clear();
        closed = true;
        lost = true;
    }

    /** Notifies the owner if it waits and there is room. False if it must keep waiting. */
    boolean tellRoom() {
        synchronized (this) {
            if (waitsForRoom && !isRoomy() && !lost) {
                return false;
            }
            if (!waitsForRoom) {
                return true;
            }
            waitsForRoom = false;
        }
        owner.logIds().run(owner::room);
        return true;
    }

    private void release(long bytes) {
        pendingBytes -= bytes;
        writer.release(bytes);
    }
}
