package io.chatrelay.approval;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.Flow;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.chatrelay.event.Scope;

/** A reader misses no change, in whatever order transactions end, and whichever event was the last that it had. */
class InboxPositionTest {

    private static final int ROWS = 12;
    private static final int STEPS = 150;
    private static final int PAGE = 3;

    static LongStream seeds() {
        return new Random().longs(60);
    }

    /** The table, as PostgreSQL shows it to a statement. */
    private static final class Table {

        private long next = 7;
        private long newest = 6;
        private final Map<Long, Set<Integer>> open = new TreeMap<>();
        private final Map<Integer, Long> changed = new HashMap<>();

        static UUID id(int row) {
            return new UUID(1, row);
        }

        void step(Random random) {
            int what = random.nextInt(10);
            if (what < 3) {
                open.put(next++, new HashSet<>());
            } else if (!open.isEmpty()) {
                long transaction = List.copyOf(open.keySet()).get(random.nextInt(open.size()));
                if (what < 7) {
                    int row = random.nextInt(ROWS);
                    boolean isLocked = open.values().stream().anyMatch(rows -> rows.contains(row));
                    if (!isLocked) {
                        open.get(transaction).add(row);
                    }
                } else {
                    end(transaction, what < 9);
                }
            }
        }

        void end(long transaction, boolean commits) {
            Set<Integer> rows = open.remove(transaction);
            newest = Math.max(newest, transaction);
            if (commits) {
                rows.forEach(row -> changed.put(row, transaction));
            }
        }

        InboxPosition now() {
            List<Long> running = open.keySet().stream().filter(one -> one <= newest).toList();
            return InboxPosition.ofSnapshot("%d:%d:%s".formatted(running.isEmpty() ? newest + 1 : running.getFirst(),
                    newest + 1, running.stream().map(String::valueOf).collect(Collectors.joining(","))));
        }

        InboxChanges.Page after(InboxPosition position) {
            InboxPosition.Part part = position.partOrNone();
            List<InboxChanges.Row> rows = changed.entrySet().stream().filter(row -> !position.covers(row.getValue()))
                    .filter(row -> row.getValue() != part.transaction() || id(row.getKey()).compareTo(part.upTo()) > 0)
                    .map(row -> new InboxChanges.Row(id(row.getKey()), "dev", null, "c", row.getValue(), 1))
                    .sorted(Comparator.comparing(InboxChanges.Row::transaction).thenComparing(InboxChanges.Row::id)).toList();
            return new InboxChanges.Page(now(), rows.subList(0, Math.min(PAGE, rows.size())), rows.size() > PAGE);
        }
    }

    /** What a reader was told: of which rows, as which transaction had left them, and the position after each. */
    private static final class Reading implements Flow.Subscriber<List<InboxEvent>> {

        private final Table table;
        private final InboxReader reader;
        private final Map<UUID, Long> newest = new HashMap<>();
        private final List<Map<UUID, Long>> told = new ArrayList<>();
        private final List<InboxPosition> positions = new ArrayList<>();

        Reading(Table table, InboxPosition from) {
            this.table = table;
            this.reader = new InboxReader(Scope.of("dev"), from, this, _ -> {}, _ -> {});
        }

        /** True if there may be more. */
        boolean read(long maxBytes) {
            InboxChanges.Page page = table.after(reader.position());
            InboxReader.Chunk chunk = reader.chunk(page, maxBytes);
            reader.tell(chunk, chunk.told().stream().map(one -> one.row().id())
                    .collect(Collectors.toMap(id -> id, InboxPositionTest::view)));
            return !chunk.caughtUp();
        }

        void readAll() {
            for (int i = 0; read(2); i++) {
                assertThat(i).as("it comes to an end").isLessThan(1000);
            }
        }

        @Override
        public void onSubscribe(Flow.Subscription subscription) {}

        @Override
        public void onNext(List<InboxEvent> events) {
            for (InboxEvent event : events) {
                if (event instanceof InboxEvent.Entry(var view, var position)) {
                    newest.put(view.id(), table.changed.get((int) view.id().getLeastSignificantBits()));
                    told.add(Map.copyOf(newest));
                    positions.add(position);
                }
            }
        }

        @Override
        public void onError(Throwable failure) {}

        @Override
        public void onComplete() {}
    }

    private static ApprovalView view(UUID id) {
        return new ApprovalView(id, "c", id, "t", "a", "tool", null, "", "pending", null, null, null, null, null, null, null);
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void nothingIsMissed(long seed) {
        Random random = new Random(seed);
        Table table = new Table();
        Reading reading = new Reading(table, InboxPosition.beforeList(table.now(), 0).afterList());
        for (int i = 0; i < STEPS; i++) {
            table.step(random);
            if (random.nextInt(3) == 0) {
                reading.read(1 + random.nextInt(3));
            }
        }
        List.copyOf(table.open.keySet()).forEach(transaction -> table.end(transaction, true));
        reading.readAll();

        Map<UUID, Long> all = new HashMap<>();
        table.changed.forEach((row, transaction) -> all.put(Table.id(row), transaction));
        assertThat(reading.newest).isEqualTo(all);
        for (int i = 0; i < reading.told.size(); i++) {
            String id = reading.positions.get(i).toString();
            Reading back = new Reading(table, InboxPosition.parsed(id).orElseThrow(() -> new AssertionError(id)));
            back.readAll();
            Map<UUID, Long> both = new HashMap<>(reading.told.get(i));
            both.putAll(back.newest);
            assertThat(both).as("after %s", id).isEqualTo(all);
        }
    }

    @Test
    void aPositionWithManyOpenTransactionsIsShortAndMissesNothing() {
        List<Long> open = IntStream.range(0, 300).mapToObj(i -> 1_000L + i * 2).toList();
        InboxPosition position = new InboxPosition(5_000, open, new InboxPosition.Part(4_000, new UUID(7, 7)));

        InboxPosition parsed = InboxPosition.parsed(position.toString()).orElseThrow();

        assertThat(position.toString()).hasSizeLessThan(100);
        LongStream.range(1, 6_000).filter(parsed::covers).forEach(one -> assertThat(position.covers(one)).isTrue());
        assertThat(parsed.part()).isEqualTo(position.part());
    }

    @ParameterizedTest
    @ValueSource(strings = { "17", "17:3", "17:3,9", "17/12.00000000-0000-0001-0000-000000000002",
            "17:3,9/0.00000000-0000-0001-0000-000000000002" })
    void aPositionIsReadAsItIsTold(String id) {
        assertThat(InboxPosition.parsed(id).orElseThrow()).hasToString(id);
    }

    @Test
    void whatBothCoverIsCovered() {
        InboxPosition one = new InboxPosition(20, List.of(5L, 9L), null);
        InboxPosition other = new InboxPosition(12, List.of(9L, 10L), null);

        InboxPosition both = one.and(other);

        LongStream.range(1, 30).forEach(each -> assertThat(both.covers(each)).as("%d", each)
                .isEqualTo(one.covers(each) && other.covers(each)));
        assertThat(Stream.of(both.snapshot())).containsExactly("5:12:5,9,10");
    }
}
