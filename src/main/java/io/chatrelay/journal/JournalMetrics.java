package io.chatrelay.journal;

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;

/** The journal's metrics: how often and how fast it commits, and how much is pending. */
final class JournalMetrics {

    private final MeterRegistry registry;
    private final Timer commits;
    private final Counter failures;
    private final Counter events;
    private final DistributionSummary turns;

    JournalMetrics(MeterRegistry registry) {
        this.registry = registry;
        this.commits = Timer.builder("chat.relay.journal.commit").description("Group commits, and how long one takes")
                .publishPercentileHistogram().register(registry);
        this.failures = Counter.builder("chat.relay.journal.commit.failures")
                .description("Commits that failed and are tried again").register(registry);
        this.events = Counter.builder("chat.relay.journal.events").description("Events stored").register(registry);
        this.turns = DistributionSummary.builder("chat.relay.journal.batch.turns")
                .description("Turns that shared one commit").register(registry);
    }

    <T> void gauge(String name, String description, T of, ToDoubleFunction<T> value) {
        Gauge.builder(name, of, value).description(description).register(registry);
    }

    <E> void committed(List<TurnLog.Batch<E>> batches, long nanos) {
        commits.record(nanos, TimeUnit.NANOSECONDS);
        turns.record(batches.size());
        events.increment(batches.stream().mapToInt(batch -> batch.entries().size()).sum());
    }

    void failed() {
        failures.increment();
    }
}
