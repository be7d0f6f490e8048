package io.chatrelay.benchmark;

import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.UUID;

import org.HdrHistogram.Histogram;

import io.chatrelay.support.it.Postgres;

/** How long readers had to wait, and whether what they read is what is stored. */
final class Comebacks {

    private static final long LONGEST_MICROS = 300_000_000;

    private final Postgres database;
    private final Histogram returned = new Histogram(LONGEST_MICROS, 3);
    private final Histogram waited = new Histogram(LONGEST_MICROS, 3);
    private int missing;
    private long lost;
    private long doubled;
    private int readersRefused;
    private int turns;
    private long completed;

    Comebacks(Postgres database) {
        this.database = database;
    }

    /** Waits until all are back, then until all have read their turn to its end. */
    void await(Answers answers) throws InterruptedException {
        answers.awaitNext();
        answers.backs().stream().filter(micros -> micros >= 0).forEach(micros -> record(returned, micros));
        for (long micros : answers.nexts()) {
            if (micros < 0) {
                missing++;
            } else {
                record(waited, micros);
            }
        }
        for (Answers.Answer answer : answers.all()) {
            if (answer.reader().awaitStop().stoppedBy() != 204) {
                readersRefused++;
            }
            compare(answer.reader().turn(), answer.reader().ids());
        }
    }

    private static void record(Histogram into, long micros) {
        into.recordValue(Math.clamp(micros, 1, LONGEST_MICROS));
    }

    private void compare(UUID turn, List<Long> ids) {
        Set<Long> distinct = new HashSet<>(ids);
        long stored = database.number("select max(last) from turn_event where turn_id = '%s'".formatted(turn));
        lost += stored - distinct.size();
        doubled += ids.size() - distinct.size();
        turns++;
        completed += database.number("select count(*) from turn where id = '%s' and state = 'completed'".formatted(turn));
    }

    /** Until readers were back: their streams had begun again. */
    String returns(String measured) {
        return row(measured + ", to each reader's return", returned) + " |";
    }

    /** Until readers had their next event, and what was wrong with any of them. */
    String nexts(String measured) {
        return row(measured + ", to each reader's next event", waited) + String.format(Locale.ROOT,
                " %d events lost, %d doubled, %d of %d turns completed, %d readers refused, %d not back |",
                lost, doubled, completed, turns, readersRefused, missing);
    }

    private static String row(String measured, Histogram times) {
        return String.format(Locale.ROOT, "| %s | %d | %.0f | %.0f | %.0f |", measured, times.getTotalCount(),
                times.getValueAtPercentile(50) / 1000.0, times.getValueAtPercentile(99) / 1000.0, times.getMaxValue() / 1000.0);
    }
}
