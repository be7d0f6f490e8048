package io.chatrelay.api;

import java.util.concurrent.atomic.AtomicInteger;

import jakarta.enterprise.context.ApplicationScoped;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;

/** The metrics of open streams. */
@ApplicationScoped
class StreamMetrics {

    private final AtomicInteger open = new AtomicInteger();
    private final Counter told;

    StreamMetrics(MeterRegistry registry) {
        registry.gauge("chat.relay.streams.open", open);
        told = registry.counter("chat.relay.streams.events");
    }

    void opened() {
        open.incrementAndGet();
    }

    void closed() {
        open.decrementAndGet();
    }

    void told(int events) {
        told.increment(events);
    }
}
