package io.chatrelay.access;

import java.util.EnumMap;
import java.util.Map;
import java.util.function.ToDoubleFunction;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;

/** The number of open connections, and of connections that this service closed. */
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
     * @param open    the number of open connections
     * @param waiting the number of connections that wait for a request and have no known caller
     */
    <T> void watch(T gate, ToDoubleFunction<T> open, ToDoubleFunction<T> waiting) {
        registry.gauge(NAME + ".open", gate, open);
        registry.gauge(NAME + ".waiting", gate, waiting);
    }
}
