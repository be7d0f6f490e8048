package io.chatrelay.journal;

import static io.chatrelay.database.ScriptedDatabase.CONNECT;
import static io.chatrelay.journal.StoredEvents.LOAD;
import static io.chatrelay.journal.StoredEvents.POLL;
import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.stream.LongStream;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.chatrelay.cluster.ManualClock;
import io.chatrelay.database.ScriptedDatabase;
import io.smallrye.mutiny.helpers.test.AssertSubscriber;

/** What readers get, while a turn runs here or elsewhere. Loads and deliveries happen when the test says so. */
class FeedsTest {

    private static final long ALL = Long.MAX_VALUE;
    private static final int TAIL = 20;
    private static final int CHUNK = 12;

    private final ScriptedDatabase database = new ScriptedDatabase(new ManualClock()::advance);
    private final StoredEvents stored = new StoredEvents(database, _ -> true);
    private final Lines codec = new Lines();
    private final ManualExecutor loaders = new ManualExecutor();
    private final ManualExecutor deliveries = new ManualExecutor();
    private final Feeds<String> feeds = new Feeds<>(database.source(), new EventTable<>(codec), codec,
            new Settings.Feeds(TAIL, CHUNK), loaders);
    private final UUID turn = UUID.randomUUID();
    private TurnChannel<String> channel;
    private long last;

    private AssertSubscriber<List<JournalEntry<String>>> read(long after, long demand) {
        return feeds.read(turn, after, deliveries, true).subscribe().withSubscriber(AssertSubscriber.create(demand));
    }

    private static List<String> got(AssertSubscriber<List<JournalEntry<String>>> reader) {
        return reader.getItems().stream().flatMap(List::stream).map(entry -> entry.number() + " " + entry.event()).toList();
    }

    private static List<String> events(long first, long last) {
        return LongStream.rangeClosed(first, last).mapToObj(number -> number + " event " + number).toList();
    }

    private void runHere() {
        channel = feeds.open(turn, last);
    }

    /** The turn's owner, here or elsewhere, commits its next events. */
    private void commits(int events) {
        commit(LongStream.rangeClosed(last + 1, last + events).mapToObj(number -> "event " + number).toArray(String[]::new));
    }

    private void commit(String... events) {
        stored.put(turn, last + 1, events);
        List<JournalEntry<String>> entries = new ArrayList<>();
        for (String event : events) {
            entries.add(new JournalEntry<>(++last, event, event.length()));
        }
        boolean ends = Arrays.asList(events).contains(Lines.END);
        if (ends) {
            stored.end(turn);
        }
        if (channel != null) {
            channel.publish(entries, ends);
        }
    }

    private void everythingHappens() {
        do {
            deliveries.runAll();
        } while (loaders.runNext() || deliveries.size() > 0);
    }

    private void poll() throws SQLException {
        feeds.poll(database.source().getConnection());
        everythingHappens();
    }

    @Nested
    class OfATurnThatRunsHere {

        @Test
        void aReaderThatKeepsUpIsServedFromMemory() {
            runHere();
            commits(1);
            var reader = read(1, ALL);
            for (int i = 0; i < 20; i++) {
                everythingHappens();
                commits(2);
            }
            everythingHappens();

            assertThat(got(reader)).isEqualTo(events(2, 41));
            assertThat(database.said()).isEmpty();
        }

        @Test
        void aReaderThatFellBehindIsServedFromTheTableAndThenFromMemoryAgain() {
            runHere();
            var reader = read(0, ALL);
            for (int i = 0; i < 5; i++) {
                commits(3);
            }
            everythingHappens();
            assertThat(got(reader)).isEqualTo(events(1, 15));
            int loads = database.calls(LOAD).size();
            assertThat(loads).isPositive();

            commits(1);
            everythingHappens();

            assertThat(got(reader)).isEqualTo(events(1, 16));
            assertThat(database.calls(LOAD)).hasSize(loads);
        }

        @Test
        void aSlowReaderSlowsNobodyAndGetsEverythingLater() {
            runHere();
            var slow = read(0, 0);
            var quick = read(0, ALL);
            for (int i = 0; i < 50; i++) {
                commits(1);
                everythingHappens();
            }

            assertThat(got(quick)).isEqualTo(events(1, 50));
            assertThat(got(slow)).isEmpty();
            assertThat(database.said()).as("the quick one is served from memory").isEmpty();
            assertThat(channel.after(0, CHUNK, () -> {})).as("the slow one holds nothing in memory")
                    .isEqualTo(new TurnChannel.Found.Evicted<>());
            slow.request(ALL);
            everythingHappens();
            assertThat(got(slow)).isEqualTo(events(1, 50));
        }

        @Test
        void aReaderGetsNoMoreChunksThanItAskedForAndNoneLargerThanAChunkAndAnEvent() {
            runHere();
            var reader = read(0, 0);
            commits(10);
            everythingHappens();
            assertThat(reader.getItems()).isEmpty();

            for (int asked = 1; asked <= 3; asked++) {
                reader.request(1);
                everythingHappens();
                assertThat(reader.getItems()).hasSize(asked);
            }

            assertThat(reader.getItems()).allSatisfy(chunk -> assertThat(chunk).hasSizeBetween(1, 2));
            assertThat(got(reader)).isEqualTo(events(1, 6));
        }

        @Test
        void aReaderCompletesWithTheLastEventAndOneThatHasItAtOnce() {
            runHere();
            var reader = read(0, ALL);
            commits(1);
            commit(Lines.END);
            var late = read(2, ALL);
            everythingHappens();

            assertThat(got(reader)).containsExactly("1 event 1", "2 end");
            reader.assertCompleted();
            assertThat(got(late)).isEmpty();
            late.assertCompleted();
            assertThat(feeds.open()).isZero();
        }

        @Test
        void aReaderOfALostTurnGetsWhatIsCommittedAndThenAnError() {
            runHere();
            var reader = read(0, ALL);
            commits(2);
            channel.abandon();
            everythingHappens();

            assertThat(got(reader)).isEqualTo(events(1, 2));
            reader.assertFailedWith(SQLException.class);
            assertThat(feeds.open()).isZero();
        }

        @Test
        void aReaderFollowsATurnThatMovesAwayAndComesBack() throws SQLException {
            runHere();
            var reader = read(0, ALL);
            commits(2);
            everythingHappens();
            feeds.close(turn);
            channel.move();
            channel = null;
            commits(2);
            everythingHappens();
            poll();
            assertThat(got(reader)).isEqualTo(events(1, 4));

            runHere();
            commits(1);
            poll();
            commit(Lines.END);
            everythingHappens();

            assertThat(got(reader)).hasSize(6).startsWith(events(1, 5).toArray(String[]::new)).endsWith("6 end");
            reader.assertCompleted();
        }
    }

    @Nested
    class OfATurnThatRunsElsewhere {

        @Test
        void aReaderLoadsWhatIsStoredAndThenGetsWhatAPollFinds() throws SQLException {
            commits(3);
            var reader = read(1, ALL);
            everythingHappens();
            assertThat(got(reader)).isEqualTo(events(2, 3));
            assertThat(feeds.following()).isEqualTo(1);
            int loads = database.calls(LOAD).size();

            commits(1);
            everythingHappens();
            assertThat(got(reader)).as("before the poll").isEqualTo(events(2, 3));
            poll();

            assertThat(got(reader)).isEqualTo(events(2, 4));
            assertThat(database.calls(LOAD)).as("the poll brought the events").hasSize(loads);
        }

        @Test
        void readersAtDifferentPlacesShareOneQueryAndEachGetsItsOwn() throws SQLException {
            commit("a");
            var first = read(0, ALL);
            everythingHappens();
            commit("b");
            var second = read(1, ALL);
            everythingHappens();
            int loads = database.calls(LOAD).size();
            commit("c");

            poll();

            assertThat(database.calls(POLL)).hasSize(1);
            assertThat(database.calls(LOAD)).as("the poll brought each of them its own").hasSize(loads);
            assertThat(got(first)).containsExactly("1 a", "2 b", "3 c");
            assertThat(got(second)).containsExactly("2 b", "3 c");
        }

        @Test
        void aReaderWithoutDemandCostsThePollNothing() throws SQLException {
            commits(1);
            var reader = read(0, 1);
            everythingHappens();
            commits(1);

            poll();

            assertThat(got(reader)).isEqualTo(events(1, 1));
            assertThat(database.calls(POLL)).isEmpty();
            reader.request(1);
            everythingHappens();
            assertThat(got(reader)).isEqualTo(events(1, 2));
        }

        @Test
        void aReaderOfAnErasedTurnOrOfOneThatEndedBeforeItsPlaceCompletes() throws SQLException {
            commits(2);
            var reader = read(2, ALL);
            everythingHappens();
            reader.assertNotTerminated();
            stored.end(turn);
            poll();
            reader.assertCompleted();

            UUID other = UUID.randomUUID();
            var ofErased = feeds.read(other, 0, deliveries, true).subscribe()
                    .withSubscriber(AssertSubscriber.<List<JournalEntry<String>>>create(ALL));
            everythingHappens();
            stored.erase(other);
            poll();
            ofErased.assertCompleted();
            assertThat(feeds.open()).isZero();
            assertThat(feeds.following()).isZero();
        }

        @Test
        void aReaderWaitsWhileTheDatabaseIsAwayAndMissesNothing() throws SQLException {
            commits(2);
            database.on(CONNECT).breaks();
            var reader = read(0, ALL);
            everythingHappens();
            reader.assertNotTerminated();

            poll();

            assertThat(got(reader)).isEqualTo(events(1, 2));
        }

        @Test
        void aReaderGetsTheEventsBeforeOneThatIsMissingAndThenAnError() {
            commits(1);
            commits(1);
            commits(1);
            stored.remove(turn, 2);
            var reader = read(0, ALL);
            everythingHappens();

            assertThat(got(reader)).isEqualTo(events(1, 1));
            reader.assertFailedWith(UnreadableEventException.class, "event 2 of turn " + turn);
        }
    }

    @Nested
    class OfReadersThatLeave {

        @Test
        void aReaderThatCancelsLeavesNothingBehind() throws SQLException {
            runHere();
            var here = read(0, ALL);
            everythingHappens();
            feeds.close(turn);
            var elsewhere = read(0, ALL);
            everythingHappens();
            assertThat(feeds.open()).isEqualTo(2);
            assertThat(feeds.following()).isEqualTo(1);

            here.cancel();
            elsewhere.cancel();

            assertThat(feeds.open()).isZero();
            assertThat(feeds.following()).isZero();
            commits(1);
            assertThat(deliveries.size()).as("the channel wakes nobody").isZero();
            poll();
            assertThat(database.calls(POLL)).isEmpty();
        }

        @ParameterizedTest
        @ValueSource(ints = { 0, 1 })
        void aReaderThatCancelsDuringItsLoadIsNotServedAnyMore(int events) {
            if (events > 0) {
                commits(events);
            }
            var reader = read(0, ALL);
            deliveries.runAll();
            assertThat(loaders.size()).isEqualTo(1);

            reader.cancel();
            everythingHappens();

            assertThat(got(reader)).isEmpty();
            assertThat(feeds.open()).isZero();
            assertThat(feeds.following()).isZero();
        }

        @Test
        void aReaderThatCancelsLeavesTheOthersAlone() {
            runHere();
            var leaving = read(0, ALL);
            var staying = read(0, ALL);
            everythingHappens();
            leaving.cancel();
            commits(2);
            everythingHappens();

            assertThat(got(leaving)).isEmpty();
            assertThat(got(staying)).isEqualTo(events(1, 2));
            assertThat(feeds.open()).isEqualTo(1);
        }

        @Test
        void readersThatCanComeBackGetWhatIsStoredFromAReplicaThatStopsAndAreDetached() {
            runHere();
            var comesBack = read(0, ALL);
            var stays = feeds.read(turn, 0, deliveries, false).subscribe()
                    .withSubscriber(AssertSubscriber.<List<JournalEntry<String>>>create(ALL));
            commits(2);

            feeds.close();
            everythingHappens();

            assertThat(got(comesBack)).isEqualTo(events(1, 2));
            comesBack.assertFailedWith(SQLException.class);
            assertThat(got(stays)).isEqualTo(events(1, 2));
            stays.assertNotTerminated();
            assertThat(feeds.open()).isEqualTo(1);
        }

        @Test
        void readersWhoseSocketsAreFullAreDropped() {
            runHere();
            var full = read(0, 0);
            commits(2);
            feeds.close();
            everythingHappens();
            full.assertNotTerminated();

            feeds.drop();
            everythingHappens();

            full.assertFailedWith(SQLException.class);
            assertThat(feeds.open()).isZero();
        }
    }

    /** In any order of commits, loads, deliveries, demand and polls, while the turn moves away and comes back. */
    @ParameterizedTest
    @ValueSource(ints = { 1, 2, 3, 4, 5, 6, 7, 8 })
    void noReaderLosesOrRepeatsAnEvent(int start) throws SQLException {
        for (int i = 0; i < 40; i++) {
            new FeedsTest().anyOrder(new Random(start * 1000 + i));
        }
    }

    private void anyOrder(Random random) throws SQLException {
        runHere();
        commits(random.nextInt(1, 10));
        List<Long> from = List.of(0L, random.nextLong(last + 1), last);
        var readers = from.stream().map(after -> read(after, 0)).toList();
        long[] asked = new long[readers.size()];
        for (int i = 0; i < 200; i++) {
            int which = random.nextInt(readers.size());
            switch (random.nextInt(7)) {
                case 0 -> commits(random.nextInt(1, 4));
                case 1 -> loaders.runNext();
                case 2 -> feeds.poll(database.source().getConnection());
                case 3 -> moves();
                case 4 -> {
                    readers.get(which).request(1);
                    asked[which]++;
                }
                default -> deliveries.runNext();
            }
            assertThat(readers.get(which).getItems()).hasSizeLessThanOrEqualTo((int) asked[which]);
        }
        commit(Lines.END);
        readers.forEach(reader -> reader.request(ALL));
        everythingHappens();
        poll();
        for (int i = 0; i < readers.size(); i++) {
            assertThat(got(readers.get(i))).hasSize((int) (last - from.get(i))).endsWith(last + " end")
                    .startsWith(events(from.get(i) + 1, last - 1).toArray(String[]::new));
            readers.get(i).assertCompleted();
        }
        assertThat(feeds.open()).isZero();
    }

    private void moves() {
        if (channel == null) {
            runHere();
        } else {
            feeds.close(turn);
            channel.move();
            channel = null;
        }
    }
}
