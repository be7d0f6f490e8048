package io.chatrelay.approval;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.LongPredicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/**
 * How much of the inbox a reader has: the transactions whose changes it was told. Each row of the ledger has the id of the transaction that wrote it
 * last.
 *
 * <p>A time or the highest id is no position: transactions end in another order than they begin, and a reader with the change of a later one would
 * never get that of an earlier one. So a position also names the earlier transactions that had not ended, as a snapshot of PostgreSQL does; a row that
 * is visible for the first time is one that the position does not cover, however late it was committed. Nothing waits for a transaction that
 * stays open, and nothing is told twice because of it.
 *
 * <p>A position ends at the last transaction that changed a row, and not at the last of the snapshot: an id that was used by an aborted transaction
 * may be used again after a crash of the database, but not one up to a change that was committed.
 *
 * @param end  no transaction from this one on is covered
 * @param open transactions before {@code end} that are not covered, in ascending order
 * @param part where the reader is within the changes of one transaction or within the list; null if it has them completely
 */
public record InboxPosition(long end, List<Long> open, Part part) {

    /**
     * The rows up to one, in the order of their ids.
     *
     * @param transaction that wrote them, or {@link #LIST}
     */
    record Part(long transaction, UUID upTo) {}

    /** In place of a transaction: the list of what was pending when the reader came. */
    private static final long LIST = 0;
    private static final UUID NOTHING = new UUID(0, 0);
    private static final Part NO_PART = new Part(LIST, NOTHING);
    /** A request's header has room for some kilobytes. */
    private static final int MOST_OPEN = 50;
    private static final Pattern TEXT = Pattern.compile("([1-9][0-9]{0,18})(?::([1-9][0-9]{0,18}(?:,[1-9][0-9]{0,18}){0,"
            + (MOST_OPEN - 1) + "}))?(?:/([0-9]{1,19})[.]([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}))?");

    /** Empty if the text is none that {@link #toString} made. */
    public static Optional<InboxPosition> parsed(String text) {
        Matcher matcher = TEXT.matcher(text);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        try {
            long end = Long.parseLong(matcher.group(1));
            long[] open = matcher.group(2) == null ? new long[0]
                    : Arrays.stream(matcher.group(2).split(",")).mapToLong(Long::parseLong).toArray();
            boolean ascends = LongStream.range(1, open.length).allMatch(i -> open[(int) i - 1] < open[(int) i]);
            if (!ascends || open.length > 0 && open[open.length - 1] >= end) {
                return Optional.empty();
            }
            Part part = matcher.group(3) == null ? null
                    : new Part(Long.parseLong(matcher.group(3)), UUID.fromString(matcher.group(4)));
            return Optional.of(new InboxPosition(end, Arrays.stream(open).boxed().toList(), part));
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }

    /** All that a statement sees, by its {@code pg_snapshot}. */
    static InboxPosition ofSnapshot(String snapshot) {
        String[] parts = snapshot.split(":", -1);
        return new InboxPosition(Long.parseLong(parts[1]), parts[2].isEmpty() ? List.of()
                : Arrays.stream(parts[2].split(",")).map(Long::valueOf).toList(), null);
    }

    /**
     * The position before the list of what is pending.
     *
     * @param now    all that the statement sees
     * @param newest the last transaction of a change that it sees, or 0
     */
    static InboxPosition beforeList(InboxPosition now, long newest) {
        return new InboxPosition(1, List.of(), null).all(newest, now).inList(NOTHING);
    }

    /** As a {@code pg_snapshot}, without the part. */
    String snapshot() {
        return "%d:%d:%s".formatted(oldest(), end, commas());
    }

    /** The first transaction that may not be covered. */
    long oldest() {
        return open.isEmpty() ? end : open.getFirst();
    }

    Part partOrNone() {
        return part == null ? NO_PART : part;
    }

    boolean isInList() {
        return part != null && part.transaction == LIST;
    }

    boolean covers(long transaction) {
        return transaction < end && !open.contains(transaction);
    }

    /** Whether it cannot be of this database: a restored one begins with lower ids. */
    boolean isAhead(InboxPosition now) {
        return end > now.end;
    }

    /** The list up to an entry. */
    InboxPosition inList(UUID id) {
        return new InboxPosition(end, open, new Part(LIST, id));
    }

    /** After the list. */
    InboxPosition afterList() {
        return new InboxPosition(end, open, null);
    }

    /**
     * After one row of those that the statement sees and this position does not cover, in the order of transactions and ids.
     *
     * @param now all that the statement sees
     */
    InboxPosition upTo(long transaction, UUID id, InboxPosition now) {
        // What was open and has ended meanwhile comes before this transaction, or after it.
        return with(Math.max(end, transaction), now, open -> open >= transaction, new Part(transaction, id));
    }

    /**
     * After all rows that the statement sees.
     *
     * @param newest the transaction of the last of them; 0 if there was none
     * @param now    all that the statement sees
     */
    InboxPosition all(long newest, InboxPosition now) {
        return with(Math.max(end, newest + 1), now, _ -> false, null);
    }

    private InboxPosition with(long newEnd, InboxPosition now, LongPredicate stays, Part newPart) {
        LongStream still = LongStream.concat(now.open.stream().mapToLong(Long::longValue),
                open.stream().mapToLong(Long::longValue).filter(stays));
        return new InboxPosition(newEnd, still.filter(one -> one < newEnd).sorted().distinct().boxed().toList(), newPart);
    }

    /** Covers what both cover. */
    InboxPosition and(InboxPosition other) {
        long both = Math.min(end, other.end);
        return new InboxPosition(both, LongStream.concat(open.stream().mapToLong(Long::longValue),
                other.open.stream().mapToLong(Long::longValue)).filter(one -> one < both).sorted().distinct().boxed().toList(),
                null);
    }

    private String commas() {
        return open.stream().map(String::valueOf).collect(Collectors.joining(","));
    }

    /** For a reader, which comes back with it. With too many open transactions it covers less, and some changes are told again. */
    @Override
    public String toString() {
        if (open.size() > MOST_OPEN) {
            return new InboxPosition(open.getFirst(), List.of(), part).toString();
        }
        return end + (open.isEmpty() ? "" : ":" + commas()) + (part == null ? "" : "/" + part.transaction + "." + part.upTo);
    }
}
