package io.chatrelay.journal;

import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.Predicate;

import io.chatrelay.database.ScriptedDatabase;
import io.chatrelay.database.ScriptedDatabase.Call;
import io.chatrelay.database.ScriptedDatabase.Result;

/** The table {@code turn_event} in memory. It answers the statements of {@link EventTable}. */
final class StoredEvents {

    static final String STORE = "store events";
    static final String COMPARE = "compare events";
    static final String LOAD = "load events";
    static final String POLL = "poll events";
    static final String TAKE_OUT = "take out events";
    static final String PUT_BACK = "put back events";
    static final String LAST_NUMBERS = "last numbers";

    private static final int ROWS_A_LOAD = 64;
    /** SQLSTATE of a unique violation. */
    private static final String DUPLICATE = "23505";

    private final Map<UUID, NavigableMap<Long, EventTable.Row>> turns = new HashMap<>();
    private final Set<UUID> ended = new HashSet<>();
    private final Set<UUID> erased = new HashSet<>();
    private final Predicate<UUID> isHeld;

    /** @param isHeld whether a replica holds its lease */
    StoredEvents(ScriptedDatabase database, Predicate<UUID> isHeld) {
        this.isHeld = isHeld;
        database.knows(STORE, "with held as (… on conflict (turn_id, first) do nothing …", call -> store(call, true))
                .knows(STORE, "with held as (…", call -> store(call, false))
                // Whenever the test's clock has moved on.
                .knows("plan anew", "discard plans", _ -> Result.changed(0))
                .knows(COMPARE, "select count(*) from turn_event stored …", this::compare)
                .knows(LOAD, "select first, events from (…", this::load)
                .knows(POLL, "select t.id, t.ended_at is not null, e.first, e.events …", this::poll)
                .knows(TAKE_OUT, "with gone as (delete from turn_event …", this::takeOut)
                .knows(PUT_BACK, "insert into turn_event …", this::putBack)
                .knows(LAST_NUMBERS, "select asked.id, coalesce((select e.last …", this::lastNumbers);
    }

    /** A turn's rows as {@code "3-5: a b c"}. */
    synchronized List<String> rows(UUID turn) {
        return of(turn).values().stream().map(StoredEvents::text).toList();
    }

    /** A turn's events in order. */
    synchronized List<String> events(UUID turn) {
        return of(turn).values().stream().flatMap(row -> Arrays.stream(lines(row))).toList();
    }

    /** The rows that a call would store, as {@link #rows} shows them. */
    static List<String> rowsOf(Call store) {
        return given(store, 2).stream().map(StoredEvents::text).toList();
    }

    /** Whether a call would store rows of this turn. */
    static boolean isOf(Call store, UUID turn) {
        return store.array(2).contains(turn);
    }

    /** Another process stores a row. */
    synchronized void put(UUID turn, long first, String... events) {
        of(turn).put(first, new EventTable.Row(turn, first, first + events.length - 1,
                String.join("\n", events).getBytes(StandardCharsets.UTF_8)));
    }

    synchronized void remove(UUID turn, long first) {
        of(turn).remove(first);
    }

    /** The turn has ended, whatever its last stored event is. */
    synchronized void end(UUID turn) {
        ended.add(turn);
    }

    synchronized void erase(UUID turn) {
        erased.add(turn);
        turns.remove(turn);
    }

    private static String text(EventTable.Row row) {
        return row.first() + "-" + row.last() + ": " + String.join(" ", lines(row));
    }

    private static String[] lines(EventTable.Row row) {
        return new String(row.events(), StandardCharsets.UTF_8).split("\n");
    }

    private NavigableMap<Long, EventTable.Row> of(UUID turn) {
        return turns.computeIfAbsent(turn, _ -> new TreeMap<>());
    }

    private static List<EventTable.Row> given(Call call, int index) {
        List<EventTable.Row> rows = new ArrayList<>();
        for (int i = 0; i < call.array(index).size(); i++) {
            rows.add(new EventTable.Row((UUID) call.array(index).get(i), (long) call.array(index + 1).get(i),
                    (long) call.array(index + 2).get(i), (byte[]) call.array(index + 3).get(i)));
        }
        return rows;
    }

    private synchronized Result store(Call call, boolean again) throws SQLException {
        if (!isHeld.test(call.uuid(1))) {
            return Result.row(0L, 0L);
        }
        List<EventTable.Row> given = given(call, 2);
        List<EventTable.Row> added = given.stream().filter(row -> !of(row.turn()).containsKey(row.first())).toList();
        if (!again && added.size() < given.size()) {
            throw new SQLException("as in PostgreSQL", DUPLICATE);
        }
        call.change(() -> added.forEach(this::add));
        return Result.row(1L, (long) added.size());
    }

    private synchronized Result putBack(Call call) {
        List<EventTable.Row> rows = given(call, 1);
        call.change(() -> rows.forEach(row -> of(row.turn()).putIfAbsent(row.first(), row)));
        return Result.changed(rows.size());
    }

    private synchronized void add(EventTable.Row row) {
        of(row.turn()).put(row.first(), row);
    }

    private synchronized Result compare(Call call) {
        return Result.row(given(call, 1).stream().filter(this::isThere).count());
    }

    private boolean isThere(EventTable.Row row) {
        EventTable.Row stored = of(row.turn()).get(row.first());
        return stored != null && stored.last() == row.last() && Arrays.equals(stored.events(), row.events());
    }

    private synchronized Result load(Call call) {
        return Result.rows(after(call.uuid(1), call.number(2), call.number(5)).stream()
                .map(row -> List.<Object>of(row.first(), row.events())).toList());
    }

    private synchronized Result poll(Call call) {
        List<List<Object>> found = new ArrayList<>();
        for (int i = 0; i < call.array(1).size(); i++) {
            UUID turn = (UUID) call.array(1).get(i);
            Collection<EventTable.Row> rows = after(turn, (long) call.array(2).get(i), call.number(3));
            rows.forEach(row -> found.add(List.of(turn, ended.contains(turn), row.first(), row.events())));
            if (rows.isEmpty() && !erased.contains(turn)) {
                found.add(Arrays.asList(turn, ended.contains(turn), null, null));
            }
        }
        return Result.rows(found);
    }

    /** Whole rows until they reach a size. */
    private List<EventTable.Row> after(UUID turn, long position, long maxBytes) {
        List<EventTable.Row> found = new ArrayList<>();
        long earlier = 0;
        for (EventTable.Row row : of(turn).values()) {
            if (row.last() > position && earlier < maxBytes && found.size() < ROWS_A_LOAD) {
                found.add(row);
                earlier += row.events().length;
            }
        }
        return found;
    }

    private synchronized Result takeOut(Call call) {
        List<List<Object>> taken = of(call.uuid(1)).values().stream()
                .map(row -> List.<Object>of(row.first(), row.last(), row.events())).toList();
        call.change(() -> taken.forEach(row -> remove(call.uuid(1), (long) row.getFirst())));
        return Result.rows(taken);
    }

    private synchronized Result lastNumbers(Call call) {
        return Result.rows(call.array(1).stream()
                .map(turn -> List.of(turn, of((UUID) turn).isEmpty() ? 0L : of((UUID) turn).lastEntry().getValue().last()))
                .toList());
    }
}
