package io.chatrelay.limit;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;

import io.github.bucket4j.TimeMeter;
import io.micrometer.core.instrument.MeterRegistry;

/** The limits of all callers. Callers that have authenticated are kept, of which there are few; callers of one tenant have limits of their own. */
@ApplicationScoped
public class Limits {

    private record Caller(String tenant, String name) {}

    private static final String METRIC = "chat.relay.limits.hit";
    /** The tag of callers without a setting of their own: an issuer may know any number of them. */
    private static final String OTHER = "other";

    private final LimitsConfig config;
    private final MeterRegistry metrics;
    private final TimeMeter clock;
    private final Map<Caller, CallerLimits> callers = new ConcurrentHashMap<>();

    @Inject
    Limits(LimitsConfig config, MeterRegistry metrics) {
        this(config, metrics, TimeMeter.SYSTEM_NANOTIME);
    }

    Limits(LimitsConfig config, MeterRegistry metrics, TimeMeter clock) {
        this.config = config;
        this.metrics = metrics;
        this.clock = clock;
        for (Limit limit : Limit.values()) {
            metrics.counter(METRIC, "limit", limit.wireName(), "caller", OTHER);
        }
    }

    public CallerLimits of(String tenant, String caller) {
        return callers.computeIfAbsent(new Caller(tenant, caller), _ -> new CallerLimits(caller, config, clock,
                limit -> hit(limit, caller)));
    }

    private void hit(Limit limit, String caller) {
        metrics.counter(METRIC, "limit", limit.wireName(), "caller", config.callers().containsKey(caller) ? caller : OTHER)
                .increment();
    }
}
