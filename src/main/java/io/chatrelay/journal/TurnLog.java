package io.chatrelay.journal;

import java.io.ByteArrayOutputStream;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * The end of the journal at which one running turn writes. Events are numbered in the order of {@link #append} and
 * become visible to readers in that order, after the transaction that stores them.
 *
 * @param <E> the events of a turn
 */
public final class TurnLog<E> {

    /** What the turn's owner is told, on the writer's thread: it hands over and returns. */
    public interface Owner {

        /** There is room again for events; called once after {@link TurnLog#hasRoom} said no. */
        void room();

        /**
         * The database refused this turn's events for good, and everything appended since the last commit is gone. Nothing is
         * taken until {@link TurnLog#reopen}.
         */
        void refused(SQLException cause);

        /** This process no longer owns the turn: nothing it appends will be stored. */
        void lost();

        /** The turn's last event is stored. */
        void ended();
    }

    /** Stores what is appended to the logs of all turns. */
    interface Writer<E> {

        /** Counts bytes that wait. */
        void reserve(long bytes);

        void release(long bytes);

        /** Whether all turns together may append more. */
        boolean hasRoom();

        /** Something is pending in a log in which nothing was. */
        void enqueue(TurnLog<E> log);

        /** From now on the log is asked again whether there is room. */
        void awaitRoom(TurnLog<E> log);

        /** The last event of a turn is stored. */
        void ended(UUID turn);
    }

    /** Consecutive events on their way into one row, with what rides along. Its boundaries never change. */
    record Batch<E>(TurnLog<E> log, List<JournalEntry<E>> entries, List<TransactionalEffect> effects, byte[] bytes,
            boolean last) {

        EventTable.Row row() {
            return new EventTable.Row(log.turn, entries.getFirst().number(), entries.getLast().number(), bytes);
        }
    }

    private record Pending<E>(E event, byte[] bytes, TransactionalEffect effect, boolean last) {}

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
     * Appends events; they are stored with the next group commit, in this order. Never blocks: ask {@link #hasRoom}
     * before reading on. Nothing is appended after a last event, or once the turn is lost.
     *
     * @param effect what becomes true together with the last of these events, or null
     */
    public void append(List<E> events, TransactionalEffect effect) {
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
     * Whether the turn may read on. After a no, {@link Owner#room} says when: on the writer's thread alone, never from within
     * this call, so that an owner may ask while it holds what guards it.
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
            // What made it wait may have been committed before the writer knew that it waits.
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

    /** Takes nothing more for good; what is pending is still stored. */
    synchronized void seal() {
        closed = true;
        sealed = true;
    }

    /** Whether something was appended that is not known to be stored. */
    synchronized boolean isPending() {
        return pendingBytes > 0;
    }

    /** As which incarnation the turn is owned: what was taken from it is stored by that one or by none. */
    UUID as() {
        return as;
    }

    /** The number of the last committed event. */
    public synchronized long committed() {
        return committed;
    }

    /** The next row's worth of what is pending, or null. Called by the writer, which commits it before it asks again. */
    synchronized Batch<E> take(long maxRow) {
        if (pending.isEmpty()) {
            queued = false;
            return null;
        }
        List<JournalEntry<E>> entries = new ArrayList<>();
        List<TransactionalEffect> effects = new ArrayList<>(1);
        ByteArrayOutputStream row = new ByteArrayOutputStream(Math.toIntExact(Math.min(pendingBytes + 64, maxRow)));
        boolean last = false;
        while (!pending.isEmpty() && (entries.isEmpty() || row.size() + pending.peekFirst().bytes().length < maxRow)) {
            Pending<E> next = pending.removeFirst();
            if (!entries.isEmpty()) {
                row.write('\n');
            }
            row.writeBytes(next.bytes());
            entries.add(new JournalEntry<>(++taken, next.event(), next.bytes().length));
            if (next.effect() != null) {
                effects.add(next.effect());
            }
            last |= next.last();
        }
        return new Batch<>(this, entries, effects, row.toByteArray(), last);
    }

    /** The batch is stored: tells its readers. True if more is pending. */
    boolean committed(Batch<E> batch) {
        boolean more;
        synchronized (this) {
            committed = batch.entries().getLast().number();
            if (!lost) {
                release(size(batch));
            }
            more = !pending.isEmpty();
            queued = more;
        }
        channel.publish(batch.entries(), batch.last());
        if (batch.last()) {
            writer.ended(turn);
            owner.ended();
        }
        return more;
    }

    /** Forgets what the database will never take, so that the turn's owner can still write its end. */
    void refused(Batch<E> batch, SQLException cause) {
        synchronized (this) {
            release(size(batch) + pending.stream().mapToLong(p -> p.bytes().length).sum());
            pending.clear();
            taken = committed;
            queued = false;
            closed = true;
        }
        owner.refused(cause);
    }

    /** After {@link Owner#refused}: takes events again, after the last committed one. */
    public synchronized void reopen() {
        closed = lost || sealed;
    }

    void lost() {
        giveUp();
        channel.abandon();
        owner.lost();
    }

    /** The turn is another replica's, as its owner here wanted; its readers here follow it there. */
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

    /** Tells the owner if it waits and there is room. True unless it has to wait on. */
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
        owner.room();
        return true;
    }

    private void release(long bytes) {
        pendingBytes -= bytes;
        writer.release(bytes);
    }

    private static <E> long size(Batch<E> batch) {
        return batch.entries().stream().mapToLong(JournalEntry::size).sum();
    }
}
