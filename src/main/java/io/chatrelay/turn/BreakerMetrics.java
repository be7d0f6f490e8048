package io.chatrelay.turn;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;

import io.chatrelay.upstream.Breaker;
import io.chatrelay.upstream.Upstream;
import io.chatrelay.upstream.Upstreams;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.StartupEvent;

/** Shows the state of each upstream's breaker: 1 for the state that it has, and 0 for each other state. */
@ApplicationScoped
class BreakerMetrics {

    static final String NAME = "chat.relay.upstream.breaker";

    void start(@Observes StartupEvent event, Upstreams upstreams, MeterRegistry metrics) {
        upstreams.all().forEach(upstream -> register(upstream, metrics));
    }

    private static void register(Upstream upstream, MeterRegistry metrics) {
        Breaker breaker = upstream.breaker();
        for (Breaker.State state : Breaker.State.values()) {
            Gauge.builder(NAME, breaker, read -> read.state() == state ? 1 : 0).tag("upstream", upstream.name())
                    .tag("state", state.wireName()).register(metrics);
        }
    }
}
