package io.chatrelay.access;

import java.util.EnumMap;
import java.util.Map;

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

    void watch(ConnectionGate gate) {
        registry.gauge(NAME + ".open", gate, ConnectionGate::open);
        registry.gauge(NAME + ".waiting", gate, ConnectionGate::waiting);
    }
}
