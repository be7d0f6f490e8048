package io.chatrelay.benchmark;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLongArray;

import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

import io.chatrelay.support.it.EventSourceReader;
import io.chatrelay.support.it.RelayProcess;

/** The same streams read where they run and at another replica: by how much each event comes later there. */
final class FollowerLag {

    private static final long LONGEST_MICROS = 60_000_000;
    private static final int WORDS = 280;
    private static final int MILLIS_BETWEEN_WORDS = 50;
    private static final int SETTLE_SECONDS = 4;
    private static final int MEASURE_SECONDS = 8;

    private final RelayProcess owner;
    private final RelayProcess other;
    private final int streams;
    private final int followers;
    private final Histogram lag = new ConcurrentHistogram(LONGEST_MICROS, 3);
    private volatile boolean measuring;

    FollowerLag(RelayProcess owner, RelayProcess other, int streams, int followers) {
        this.owner = owner;
        this.other = other;
        this.streams = streams;
        this.followers = followers;
    }

    /** Gives one row. */
    String measure() throws InterruptedException {
        List<EventSourceReader> readers = new ArrayList<>();
        String run = "lag-" + UUID.randomUUID();
        for (int i = 0; i < streams; i++) {
            follow(run + "-" + i, readers);
            TimeUnit.MILLISECONDS.sleep(1000 / streams);
        }
        TimeUnit.SECONDS.sleep(SETTLE_SECONDS);
        measuring = true;
        TimeUnit.SECONDS.sleep(MEASURE_SECONDS);
        measuring = false;
        readers.forEach(EventSourceReader::awaitStop);
        return String.format(Locale.ROOT,
                "| a follower of each event behind the owner, %d streams with %d followers each | %d | %.0f | %.0f | %.0f | %s |",
                streams, followers, lag.getTotalCount(), lag.getValueAtPercentile(50) / 1000.0,
                lag.getValueAtPercentile(99) / 1000.0, lag.getMaxValue() / 1000.0,
                "%d events a second".formatted(lag.getTotalCount() / MEASURE_SECONDS));
    }

    private void follow(String conversation, List<EventSourceReader> readers) {
        // By number: when the owner's own reader had it.
        AtomicLongArray seen = new AtomicLongArray(2 * WORDS);
        EventSourceReader first = EventSourceReader.asking(owner, owner.api(), "agents", conversation,
                "words %d %d".formatted(WORDS, MILLIS_BETWEEN_WORDS), () -> {}, frame -> {
                    if (frame.id() != null) {
                        seen.set((int) frame.number(), System.nanoTime());
                    }
                });
        readers.add(first.awaitEvents(1));
        for (int i = 0; i < followers; i++) {
            readers.add(EventSourceReader.of(other.api(), conversation, frame -> {
                if (measuring && frame.id() != null) {
                    long at = seen.get((int) frame.number());
                    lag.recordValue(at == 0 ? 1 : Math.clamp((System.nanoTime() - at) / 1000, 1, LONGEST_MICROS));
                }
            }));
        }
    }
}
