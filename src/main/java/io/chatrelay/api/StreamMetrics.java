package io.chatrelay.api;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

import jakarta.enterprise.context.ApplicationScoped;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;

/** The metrics of open streams. */
@ApplicationScoped
class StreamMetrics {

    private final AtomicInteger open = new AtomicInteger();
    private final Counter told;
    private final Timer firstEvent;

    StreamMetrics(MeterRegistry registry) {
        registry.gauge("chat.relay.streams.open", open);
        told = registry.counter("chat.relay.streams.events");
        firstEvent = Timer.builder("chat.relay.streams.first.event")
                .description("From the stored turn to its first event, for the caller who sent it").publishPercentileHistogram()
                // What an objective is stated in: a bucket that ends there exactly.
                .serviceLevelObjectives(Duration.ofSeconds(1), Duration.ofSeconds(2), Duration.ofSeconds(5),
                        Duration.ofSeconds(10))
                .register(registry);
    }

    void opened() {
        open.incrementAndGet();
    }

    void closed() {
        open.decrementAndGet();
    }

    int open() {
        return open.get();
    }

    void firstEvent(long nanos) {
        firstEvent.record(nanos, TimeUnit.NANOSECONDS);
    }

    void told(int events) {
        told.increment(events);
    }
}
