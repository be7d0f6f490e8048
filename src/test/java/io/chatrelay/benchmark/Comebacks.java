package io.chatrelay.benchmark;

import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.UUID;

import org.HdrHistogram.Histogram;

import io.chatrelay.it.Postgres;

/** How long readers had to wait, and whether what they read is what is stored. */
final class Comebacks {

    private static final long LONGEST_MICROS = 300_000_000;

    private final Postgres database;
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
        for (long micros : answers.awaitComebacks()) {
            if (micros < 0) {
                missing++;
            } else {
                waited.recordValue(Math.clamp(micros, 1, LONGEST_MICROS));
            }
        }
        for (Answers.Answer answer : answers.all()) {
            if (answer.reader().awaitStop().stoppedBy() != 204) {
                readersRefused++;
            }
            compare(answer.reader().turn(), answer.reader().ids());
        }
    }

    private void compare(UUID turn, List<Long> ids) {
        Set<Long> distinct = new HashSet<>(ids);
        long stored = database.number("select max(last) from turn_event where turn_id = '%s'".formatted(turn));
        lost += stored - distinct.size();
        doubled += ids.size() - distinct.size();
        turns++;
        completed += database.number("select count(*) from turn where id = '%s' and state = 'completed'".formatted(turn));
    }

    String row(String measured) {
        return String.format(Locale.ROOT,
                "| %s | %d | %.0f | %.0f | %.0f | %d events lost, %d doubled, %d of %d turns completed, "
                        + "%d readers refused, %d not back |",
                measured, waited.getTotalCount(),
                waited.getValueAtPercentile(50) / 1000.0, waited.getValueAtPercentile(99) / 1000.0,
                waited.getMaxValue() / 1000.0, lost, doubled, completed, turns, readersRefused, missing);
    }
}
