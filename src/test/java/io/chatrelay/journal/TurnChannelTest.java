package io.chatrelay.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.chatrelay.journal.TurnChannel.Found;
import io.chatrelay.journal.TurnChannel.Waiter;

class TurnChannelTest {

    private static final int SIZE = 10;
    private static final long ALL = 1000;
    private static final Waiter NOBODY = () -> {};

    /** Its tail holds the last five events. */
    private final TurnChannel<String> channel = new TurnChannel<>(0, 5 * SIZE);

    private static List<JournalEntry<String>> entries(long first, long last) {
        return LongStream.rangeClosed(first, last).mapToObj(number -> new JournalEntry<>(number, "event " + number, SIZE))
                .toList();
    }

    private void publish(long first, long last) {
        channel.publish(entries(first, last), false);
    }

    @ParameterizedTest
    @ValueSource(longs = { 0, 1, 2, 3, 4 })
    void aReaderGetsWhatComesAfterItsPosition(long position) {
        publish(1, 5);

        assertThat(channel.after(position, ALL, NOBODY)).isEqualTo(new Found.Entries<>(entries(position + 1, 5)));
        assertThat(channel.after(position, SIZE, NOBODY)).as("a chunk of one")
                .isEqualTo(new Found.Entries<>(entries(position + 1, position + 1)));
    }

    @Test
    void aReaderGetsAtLeastOneEventHoweverLargeItIs() {
        publish(1, 2);

        assertThat(channel.after(0, 1, NOBODY)).isEqualTo(new Found.Entries<>(entries(1, 1)));
    }

    @Test
    void theTailIsBoundedAndAReaderBehindItIsSentToTheTable() {
        publish(1, 5);
        publish(6, 7);

        assertThat(channel.after(1, ALL, NOBODY)).isEqualTo(new Found.Evicted<>());
        assertThat(channel.after(2, ALL, NOBODY)).isEqualTo(new Found.Entries<>(entries(3, 7)));
    }

    @Test
    void anEventLargerThanTheTailIsKeptUntilTheNext() {
        channel.publish(List.of(new JournalEntry<>(1, "large", 100 * SIZE)), false);
        assertThat(channel.after(0, ALL, NOBODY)).isInstanceOf(Found.Entries.class);

        publish(2, 2);

        assertThat(channel.after(0, ALL, NOBODY)).isEqualTo(new Found.Evicted<>());
    }

    @Test
    void aTurnThatWasTakenOverHasItsEarlierEventsInTheTableAlone() {
        TurnChannel<String> takenOver = new TurnChannel<>(3, 5 * SIZE);

        assertThat(takenOver.after(1, ALL, NOBODY)).isEqualTo(new Found.Evicted<>());
        assertThat(takenOver.after(3, ALL, NOBODY)).isEqualTo(new Found.Wait<>());
    }

    @Test
    void aReaderThatWaitsIsWokenOnceByTheNextCommit() {
        AtomicInteger woken = new AtomicInteger();
        assertThat(channel.after(0, ALL, woken::incrementAndGet)).isEqualTo(new Found.Wait<>());
        assertThat(woken).hasValue(0);

        publish(1, 1);
        publish(2, 2);

        assertThat(woken).hasValue(1);
    }

    @Test
    void aReaderThatIsForgottenIsNotWoken() {
        AtomicInteger woken = new AtomicInteger();
        Waiter reader = woken::incrementAndGet;
        channel.after(0, ALL, reader);

        channel.forget(reader);
        publish(1, 1);

        assertThat(woken).hasValue(0);
    }

    @Test
    void aReaderThatWaitsAgainWhileItIsWokenIsWokenByTheCommitAfterThat() {
        AtomicInteger woken = new AtomicInteger();
        Waiter[] reader = new Waiter[1];
        reader[0] = () -> channel.after(woken.incrementAndGet(), ALL, reader[0]);
        channel.after(0, ALL, reader[0]);

        publish(1, 1);
        publish(2, 2);

        assertThat(woken).hasValue(2);
    }

    @Test
    void theEndComesAfterTheLastEvent() {
        channel.publish(entries(1, 2), true);

        assertThat(channel.after(0, ALL, NOBODY)).isEqualTo(new Found.Entries<>(entries(1, 2)));
        assertThat(channel.after(2, ALL, NOBODY)).isEqualTo(new Found.End<>());
    }

    @Test
    void aTurnThatWasLostOrMovedStillGivesWhatWasCommitted() {
        TurnChannel<String> lost = new TurnChannel<>(0, 5 * SIZE);
        lost.publish(entries(1, 2), false);
        lost.abandon();
        publish(1, 2);
        channel.move();

        assertThat(lost.after(0, ALL, NOBODY)).isEqualTo(new Found.Entries<>(entries(1, 2)));
        assertThat(lost.after(2, ALL, NOBODY)).isEqualTo(new Found.Gone<>());
        assertThat(channel.after(0, ALL, NOBODY)).isEqualTo(new Found.Entries<>(entries(1, 2)));
        assertThat(channel.after(2, ALL, NOBODY)).isEqualTo(new Found.Moved<>());
    }

    @Test
    void aTurnThatIsLostWakesItsReaders() {
        AtomicInteger woken = new AtomicInteger();
        channel.after(0, ALL, woken::incrementAndGet);
        channel.abandon();

        channel.after(0, ALL, woken::incrementAndGet);
        channel.move();

        assertThat(woken).as("there is nothing to wait for any more, so the second never waited").hasValue(1);
    }

    /** The turn is given up then, and whoever still waits for it has to be told. */
    @Test
    void aReaderThatFailsKeepsNoOtherFromTheNextNews() {
        AtomicInteger told = new AtomicInteger();
        for (int i = 0; i < 3; i++) {
            Waiter sound = told::incrementAndGet;
            Waiter broken = () -> {
                throw new IllegalStateException("as scripted " + told);
            };
            for (Waiter reader : List.of(sound, broken)) {
                assertThat(channel.after(0, ALL, reader)).isEqualTo(new Found.Wait<>());
            }
        }

        for (int failures = 0; failures < 3; failures++) {
            assertThatThrownBy(channel::abandon).hasMessageStartingWith("as scripted");
        }

        assertThat(told).hasValue(3);
    }
}
