package io.chatrelay.benchmark;

import java.net.URI;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

import org.HdrHistogram.Histogram;

/**
 * Streams of 50 events a second each, read while all are open.
 *
 * @param settle  from the first request until delays are noted; a second of it passes until the last one
 * @param seconds for how long delays are noted
 */
record PacedStreams(Duration settle, int seconds) {

    private static final int MILLIS_BETWEEN_WORDS = 20;
    /** The first stream ends so much after the last delay is noted. */
    private static final int MORE_MILLIS = 500;
    private static final int END_SECONDS = 60;

    /** What the readers saw. @param used by how much each meter moved in a second */
    record Seen(Histogram delays, Histogram firsts, long failed, double eventsPerSecond, double[] used) {

        double delayMillis(double percentile) {
            return millis(delays, percentile);
        }

        double firstMillis(double percentile) {
            return millis(firsts, percentile);
        }

        /** Not a number where nothing came: that is no short delay. */
        private static double millis(Histogram micros, double percentile) {
            return micros.getTotalCount() == 0 ? Double.NaN : micros.getValueAtPercentile(percentile) / 1e3;
        }

        /** By how much a meter moved in a second. @param meter its place among those that were given */
        double perSecond(int meter) {
            return used[meter];
        }
    }

    /** The same for every process that is measured warm. */
    static void warmUp(URI chat, int streams) throws InterruptedException {
        try (Readers readers = new Readers(chat)) {
            CountDownLatch open = readers.open(streams, "warm", "words 600 " + MILLIS_BETWEEN_WORDS);
            if (!open.await(END_SECONDS, TimeUnit.SECONDS) || readers.failed() > 0) {
                throw new IllegalStateException("%s: of %d streams %d do not end and %d failed".formatted(chat, streams,
                        open.getCount(), readers.failed()));
            }
        }
    }

    /** Streams that last until all has been measured. */
    Seen read(URI chat, int streams, String run, LongSupplier... meters) throws InterruptedException {
        long millis = settle.plusSeconds(seconds).plusMillis(MORE_MILLIS).toMillis();
        String text = "words %d %d".formatted(millis / MILLIS_BETWEEN_WORDS, MILLIS_BETWEEN_WORDS);
        try (Readers readers = new Readers(chat)) {
            return read(readers, readers.open(streams, run, text), meters);
        }
    }

    /** Answers of so many frames, each followed by another one. */
    Seen readAnswers(URI chat, int streams, String run, int frames) throws InterruptedException {
        try (Readers readers = new Readers(chat)) {
            return read(readers,
                    readers.keepOpen(streams, run, "words %d %d".formatted(frames, MILLIS_BETWEEN_WORDS)));
        }
    }

    private Seen read(Readers readers, CountDownLatch open, LongSupplier... meters) throws InterruptedException {
        TimeUnit.NANOSECONDS.sleep(settle.toNanos());
        double[] used = new double[meters.length];
        for (int i = 0; i < meters.length; i++) {
            used[i] = -meters[i].getAsLong();
        }
        long start = System.nanoTime();
        Histogram delays = readers.measure(seconds);
        double elapsed = (System.nanoTime() - start) / 1e9;
        // Backwards, so that the last meter does not see the others being read.
        for (int i = meters.length - 1; i >= 0; i--) {
            used[i] = (used[i] + meters[i].getAsLong()) / elapsed;
        }
        readers.finish();
        open.await(END_SECONDS, TimeUnit.SECONDS);
        // One that has not ended by now has failed as well.
        return new Seen(delays, readers.firsts(), readers.failed() + open.getCount(), (double) delays.getTotalCount() / seconds,
                used);
    }
}
