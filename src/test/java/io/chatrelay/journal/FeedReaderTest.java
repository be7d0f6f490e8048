package io.chatrelay.journal;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.BiConsumer;
import java.util.stream.LongStream;

import org.junit.jupiter.api.Test;

import io.smallrye.mutiny.helpers.test.AssertSubscriber;

/** What a reader does at moments between two threads, which its source here brings about on one. */
class FeedReaderTest {

    private final Source source = new Source();
    private final ManualExecutor deliveries = new ManualExecutor();
    private final AssertSubscriber<List<JournalEntry<String>>> subscriber = AssertSubscriber.create(Long.MAX_VALUE);
    private final FeedReader<String> reader = new FeedReader<>(source, UUID.randomUUID(), 0, deliveries, true, subscriber);

    private static List<JournalEntry<String>> entries(long first, long last) {
        return LongStream.rangeClosed(first, last).mapToObj(number -> new JournalEntry<>(number, "event " + number, 7))
                .toList();
    }

    private List<Long> numbers() {
        return subscriber.getItems().stream().flatMap(List::stream).map(JournalEntry::number).toList();
    }

    private static final class Source implements FeedReader.Source<String> {
        private final List<BiConsumer<List<JournalEntry<String>>, SQLException>> loads = new ArrayList<>();
        private final List<FeedReader<String>> followers = new ArrayList<>();
        private TurnChannel<String> channel;
        private Runnable whileReaderFindsNothing = () -> {};

        void loaded(List<JournalEntry<String>> entries) {
            loads.removeFirst().accept(entries, null);
        }

        @Override
        public TurnChannel<String> channel(UUID turn) {
            return channel;
        }

        @Override
        public void load(UUID turn, long after, BiConsumer<List<JournalEntry<String>>, SQLException> then) {
            loads.add(then);
        }

        @Override
        public void follow(FeedReader<String> reader) {
            followers.add(reader);
        }

        @Override
        public void unfollow(FeedReader<String> reader) {
            followers.remove(reader);
        }

        @Override
        public void forget(FeedReader<String> reader) {
            followers.remove(reader);
        }

        /** A reader asks this after it found nothing, and before it rests. */
        @Override
        public boolean closed() {
            Runnable happens = whileReaderFindsNothing;
            whileReaderFindsNothing = () -> {};
            happens.run();
            return false;
        }

        @Override
        public long maxChunk() {
            return 1000;
        }

        @Override
        public boolean isLast(String event) {
            return false;
        }
    }

    @Test
    void aCommitBetweenItsLastLookAndItsRestIsNotMissed() {
        source.channel = new TurnChannel<>(0, 1000);
        subscriber.onSubscribe(reader);
        source.whileReaderFindsNothing = () -> source.channel.publish(entries(1, 2), false);

        deliveries.runAll();

        assertThat(numbers()).containsExactly(1L, 2L);
    }

    @Test
    void newsOfWhatItHasLoadedItselfMeanwhileIsNotRepeated() {
        subscriber.onSubscribe(reader);
        deliveries.runAll();
        source.loaded(entries(1, 3));
        deliveries.runAll();
        source.loaded(List.of());
        deliveries.runAll();
        assertThat(source.followers).containsExactly(reader);

        reader.found(entries(2, 3), true);
        deliveries.runAll();

        assertThat(numbers()).containsExactly(1L, 2L, 3L);
        assertThat(source.loads).as("it looks again for what comes next").hasSize(1);
        source.loaded(entries(4, 4));
        deliveries.runAll();
        assertThat(numbers()).containsExactly(1L, 2L, 3L, 4L);
    }
}
