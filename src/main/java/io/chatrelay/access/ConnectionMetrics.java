package io.chatrelay.access;

import java.util.EnumMap;
import java.util.Map;
import java.util.function.ToDoubleFunction;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;

/** How many connections there are, and how many were closed from here. */
final class ConnectionMetrics {

    private static final String NAME = "chat.relay.connections";

    private final MeterRegistry registry;
    private final Map<CloseReason, Counter> closed = new EnumMap<>(CloseReason.class);

    ConnectionMetrics(MeterRegistry registry) {
        this.registry = registry;
        for (CloseReason reason : CloseReason.values()) {
            closed.put(reason, registry.counter(NAME + ".closed", "reason", reason.tag()));
        }
    }

    void closed(CloseReason reason) {
        closed.get(reason).increment();
    }

    /**
     * @param open    how many there are
     * @param waiting how many of them wait for a request of a caller who is not known
     */
    <T> void watch(T gate, ToDoubleFunction<T> open, ToDoubleFunction<T> waiting) {
        registry.gauge(NAME + ".open", gate, open);
        registry.gauge(NAME + ".waiting", gate, waiting);
    }
}
