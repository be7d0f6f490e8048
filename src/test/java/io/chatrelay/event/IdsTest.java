package io.chatrelay.event;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;

class IdsTest {

    // As PostgreSQL orders them: by their bytes, not by Java's signed halves.
    private static final Comparator<UUID> BY_BYTES = (a, b) -> {
        int high = Long.compareUnsigned(a.getMostSignificantBits(), b.getMostSignificantBits());
        return high != 0 ? high : Long.compareUnsigned(a.getLeastSignificantBits(), b.getLeastSignificantBits());
    };

    private static long millis(UUID id) {
        return id.getMostSignificantBits() >>> 16;
    }

    @Test
    void anIdIsAUuidOfVersion7() {
        Stream.generate(Ids::next).limit(1000).forEach(id -> {
            assertThat(id.version()).isEqualTo(7);
            assertThat(id.variant()).isEqualTo(2);
        });
    }

    /** Far more than the 4096 of one millisecond. */
    @Test
    void everyIdIsGreaterThanTheOneBefore() {
        List<UUID> ids = Stream.generate(Ids::next).limit(200_000).toList();

        assertThat(ids).isSortedAccordingTo(BY_BYTES).doesNotHaveDuplicates();
    }

    @Test
    void idsOfManyThreadsDiffer() throws InterruptedException {
        ConcurrentLinkedQueue<UUID> ids = new ConcurrentLinkedQueue<>();
        List<Thread> threads = Stream.generate(() -> Thread.ofVirtual().start(() -> {
            for (int i = 0; i < 1000; i++) {
                ids.add(Ids.next());
            }
        })).limit(16).toList();
        for (Thread thread : threads) {
            thread.join();
        }

        assertThat(ids).hasSize(16_000).doesNotHaveDuplicates();
    }

    @Test
    void anIdTellsWhenItWasMade() {
        // The test above may have run ahead of the clock.
        long before = Math.max(System.currentTimeMillis(), millis(Ids.next()));

        assertThat(millis(Ids.next())).isBetween(before, before + 1000);
    }
}
