package io.chatrelay.journal;

import java.io.ByteArrayOutputStream;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

import org.jspecify.annotations.Nullable;

import io.chatrelay.cluster.Lease;
import io.chatrelay.database.SqlArrays;
import io.chatrelay.database.SqlErrors;

/** The table {@code turn_event}: a row is a run of consecutive events of one turn, one line per event. Contains all SQL of the log. */
final class EventTable<E> {

    /** A row to be written: events {@code first … last} of a turn, joined by line feeds. */
    record Row(UUID turn, long first, long last, byte[] events) {}

    private static final String INSERT = """
            insert into turn_event (turn_id, first, last, events)
            select * from unnest(?::uuid[], ?::bigint[], ?::bigint[], ?::bytea[])
            on conflict (turn_id, first) do nothing""";

    /**
     * The same insert, but only if the writer holds its lease. One statement locks the fence's row before it stores the first row, because two
     * more round trips would cost a commit more than the rows do.
     */
    private static final String FENCED = """
            with held as (%s),
                 stored as (insert into turn_event (turn_id, first, last, events)
                            select events.* from held, unnest(?::uuid[], ?::bigint[], ?::bigint[], ?::bytea[]) as events
                            %s
                            returning 1)
            select (select count(*) from held), (select count(*) from stored)""";
    private static final String INSERT_FENCED = FENCED.formatted(Lease.FENCE, "");
    private static final String INSERT_FENCED_AGAIN = FENCED.formatted(Lease.FENCE, "on conflict (turn_id, first) do nothing");

    /** Counts rows that are stored exactly as given: they come from an attempt whose answer was lost. */
    private static final String SAME = """
            select count(*) from turn_event stored
            join unnest(?::uuid[], ?::bigint[], ?::bigint[], ?::bytea[]) as mine(turn_id, first, last, events)
              on mine.turn_id = stored.turn_id and mine.first = stored.first
            where mine.last = stored.last and mine.events = stored.events""";

    private static final int ROWS_A_LOAD = 64;

    /**
     * Finds the row that contains the position by the key, without scanning earlier rows. The query returns no more rows than requested,
     * because the driver reads every row that is sent.
     */
    private static final String FOUND = """
            select first, events from (
                select first, events, sum(octet_length(events)) over (order by first) - octet_length(events) as earlier
                from turn_event
                where turn_id = %1$s and last > %2$s
                  and first >= coalesce((select max(first) from turn_event where turn_id = %1$s and first <= %2$s + 1), 0)
                order by first limit %3$d) as found
            where earlier < ?""";
    private static final String AFTER = FOUND.formatted("?", "?", ROWS_A_LOAD) + " order by first";
    private static final String AFTER_EACH = """
            select t.id, t.ended_at is not null, e.first, e.events
            from unnest(?::uuid[], ?::bigint[]) as f(turn, position)
            join turn t on t.id = f.turn
            left join lateral (%s) as e on true
            order by t.id, e.first""".formatted(FOUND.formatted("f.turn", "f.position", ROWS_A_LOAD));

    /**
     * What a poll found for a turn.
     *
     * @param all   whether there was nothing more at that moment
     * @param ended whether the turn had ended by then
     */
    record News<E>(List<JournalEntry<E>> entries, boolean all, boolean ended) {}

    private final EventCodec<E> codec;

    EventTable(EventCodec<E> codec) {
        this.codec = codec;
    }

    /** Stores the rows of turns that do not run; rewriting them needs no lease. */
    static void insert(Connection connection, List<Row> rows) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(INSERT)) {
            bind(connection, insert, 1, rows);
            insert.executeUpdate();
        }
    }

    /**
     * Stores the rows if that replica holds its lease. Returns false, and stores nothing, if it does not. Also returns false if another process
     * has written events with these numbers: the fence forbids that, so this replica no longer owns these turns.
     *
     * @param again whether some of the rows may be there from an earlier attempt. A first attempt does not look for them, which costs PostgreSQL
     *         two thirds of the CPU of the insert that does
     * @throws SQLException among others a {@linkplain SqlErrors#isDuplicate duplicate} if some of the rows are there, and this is not {@code again}
     */
    static boolean insertFenced(Connection connection, UUID replica, List<Row> rows, boolean again) throws SQLException {
        long stored;
        try (PreparedStatement insert = connection.prepareStatement(again ? INSERT_FENCED_AGAIN : INSERT_FENCED)) {
            insert.setObject(1, replica);
            bind(connection, insert, 2, rows);
            try (ResultSet counts = insert.executeQuery()) {
                if (!counts.next() || counts.getLong(1) != 1) {
                    return false;
                }
                stored = counts.getLong(2);
            }
        }
        return stored == rows.size() || areThere(connection, rows);
    }

    private static boolean areThere(Connection connection, List<Row> rows) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(SAME)) {
            bind(connection, select, 1, rows);
            try (ResultSet same = select.executeQuery()) {
                return same.next() && same.getLong(1) == rows.size();
            }
        }
    }

    private static void bind(Connection connection, PreparedStatement insert, int index, List<Row> rows) throws SQLException {
        new SqlArrays<>(connection, insert, rows, index).add("uuid", Row::turn).add("bigint", Row::first)
                .add("bigint", Row::last).add("bytea", Row::events);
    }

    private static Array array(Connection connection, String type, Object[] values) throws SQLException {
        return connection.createArrayOf(type, values);
    }

    /**
     * The entries after a position, in order and without a gap: at most {@code maxBytes}, but at least one entry if there is one. Uses one
     * statement, so rows that are being rewritten are read either before or after the rewrite.
     *
     * @throws UnreadableEventException if the next entry is missing or cannot be read
     */
    List<JournalEntry<E>> after(Connection connection, UUID turn, long position, long maxBytes) throws SQLException {
        Gathered gathered = new Gathered(turn, position, maxBytes);
        try (PreparedStatement select = connection.prepareStatement(AFTER)) {
            select.setObject(1, turn);
            select.setLong(2, position);
            select.setObject(3, turn);
            select.setLong(4, position);
            select.setLong(5, maxBytes);
            try (ResultSet rows = select.executeQuery()) {
                while (gathered.hasRoom() && rows.next()) {
                    gathered.add(rows.getLong(1), rows.getBytes(2));
                }
            }
        }
        return gathered.entries();
    }

    /**
     * The same for several turns, each after its own position. A turn that does not exist is omitted. If a turn has an unreadable event, the
     * result has the entries before it and is not marked as complete; a reader that then loads the rest gets the exception.
     */
    Map<UUID, News<E>> after(Connection connection, Map<UUID, Long> positions, long maxBytes) throws SQLException {
        Map<UUID, Gathered> gathered = new HashMap<>();
        Set<UUID> ended = new HashSet<>();
        try (PreparedStatement select = connection.prepareStatement(AFTER_EACH)) {
            select.setArray(1, array(connection, "uuid", positions.keySet().toArray()));
            select.setArray(2, array(connection, "bigint", positions.values().toArray()));
            select.setLong(3, maxBytes);
            try (ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    UUID turn = rows.getObject(1, UUID.class);
                    if (rows.getBoolean(2)) {
                        ended.add(turn);
                    }
                    Gathered found = gathered.computeIfAbsent(turn,
                            _ -> new Gathered(turn, positions.getOrDefault(turn, 0L), maxBytes));
                    byte[] events = rows.getBytes(4);
                    if (events != null && found.hasRoom()) {
                        found.add(rows.getLong(3), events);
                    }
                }
            }
        }
        Map<UUID, News<E>> news = new HashMap<>();
        gathered.forEach((turn, found) -> news.put(turn, found.news(ended.contains(turn))));
        return news;
    }

    /** Collects consecutive entries of a turn after a position, from ordered rows. */
    private final class Gathered {

        private final UUID turn;
        private final long maxBytes;
        private final List<JournalEntry<E>> entries = new ArrayList<>();
        private long next;
        private long bytes;
        private long rowBytes;
        private int rows;
        private boolean unreadable;
        private @Nullable RuntimeException cause;

        Gathered(UUID turn, long position, long maxBytes) {
            this.turn = turn;
            this.next = position + 1;
            this.maxBytes = maxBytes;
        }

        boolean hasRoom() {
            return bytes < maxBytes && !unreadable;
        }

        /**
         * Whether the table holds no more. A query stops at the row limit, or when its rows reach the requested size. The limit counts whole
         * rows, so the query stops before the entries taken from them reach that size.
         */
        boolean isAll() {
            return hasRoom() && rows < ROWS_A_LOAD && rowBytes < maxBytes;
        }

        /** Adds the entries before an unreadable event, and none after it. */
        void add(long first, byte[] events) {
            rows++;
            rowBytes += events.length;
            unreadable = first > next;
            try {
                if (!unreadable) {
                    bytes += split(events, first, next, maxBytes - bytes, entries);
                }
            } catch (RuntimeException e) {
                unreadable = true;
                cause = e;
            }
            next = entries.isEmpty() ? next : entries.getLast().number() + 1;
        }

        List<JournalEntry<E>> entries() throws UnreadableEventException {
            if (unreadable && entries.isEmpty()) {
                throw new UnreadableEventException(turn, next, cause);
            }
            return entries;
        }

        News<E> news(boolean ended) {
            return new News<>(entries, isAll(), ended);
        }
    }

    private long split(byte[] events, long first, long from, long maxBytes, List<JournalEntry<E>> into) {
        long number = first;
        long taken = 0;
        int start = 0;
        for (int i = 0; i <= events.length && taken < maxBytes; i++) {
            if (i == events.length || events[i] == '\n') {
                if (number >= from) {
                    into.add(new JournalEntry<>(number, codec.decode(events, start, i - start), i - start));
                    taken += i - start + 1;
                }
                number++;
                start = i + 1;
            }
        }
        return taken;
    }

    /** Merges a turn's rows into rows of about {@code maxRow} bytes; event numbers do not change. The caller commits. */
    static void compact(Connection connection, UUID turn, long maxRow) throws SQLException {
        List<Row> merged = new ArrayList<>();
        try (PreparedStatement delete = connection.prepareStatement("""
                with gone as (delete from turn_event where turn_id = ? returning first, last, events)
                select first, last, events from gone order by first""")) {
            delete.setObject(1, turn);
            try (ResultSet rows = delete.executeQuery()) {
                ByteArrayOutputStream events = new ByteArrayOutputStream();
                long first = 0;
                long last = 0;
                while (rows.next()) {
                    byte[] next = rows.getBytes(3);
                    if (events.size() > 0 && events.size() + next.length > maxRow) {
                        merged.add(new Row(turn, first, last, events.toByteArray()));
                        events.reset();
                    }
                    if (events.size() == 0) {
                        first = rows.getLong(1);
                    } else {
                        events.write('\n');
                    }
                    events.writeBytes(next);
                    last = rows.getLong(2);
                }
                if (events.size() > 0) {
                    merged.add(new Row(turn, first, last, events.toByteArray()));
                }
            }
        }
        insert(connection, merged);
    }

    /** Deletes the events of turns that do not run. */
    static void erase(Connection connection, UUID[] turns) throws SQLException {
        try (PreparedStatement delete = connection.prepareStatement("delete from turn_event where turn_id = any(?)")) {
            delete.setArray(1, array(connection, "uuid", turns));
            delete.executeUpdate();
        }
    }

    /** The number of each turn's last stored event, or 0 if it has none. */
    static Map<UUID, Long> lastNumbers(Connection connection, List<UUID> turns) throws SQLException {
        Map<UUID, Long> last = new LinkedHashMap<>();
        try (PreparedStatement select = connection.prepareStatement("""
                select asked.id, coalesce((select e.last from turn_event e where e.turn_id = asked.id
                                           order by e.first desc limit 1), 0)
                from unnest(?::uuid[]) as asked(id)""")) {
            select.setArray(1, array(connection, "uuid", turns.toArray()));
            try (ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    last.put(rows.getObject(1, UUID.class), rows.getLong(2));
                }
            }
        }
        return last;
    }
}
