package io.chatrelay.turn;

import jakarta.enterprise.context.ApplicationScoped;

import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.HealthCheckResponseBuilder;
import org.eclipse.microprofile.health.Readiness;

import io.chatrelay.upstream.Upstreams;

/**
 * Names the state of each upstream's breaker. It is always up: a replica without an upstream still serves stored turns and other upstreams, and
 * every other replica has the same upstream.
 */
@Readiness
@ApplicationScoped
class UpstreamsReadinessCheck implements HealthCheck {

    private final Upstreams upstreams;

    UpstreamsReadinessCheck(Upstreams upstreams) {
        this.upstreams = upstreams;
    }

    @Override
    public HealthCheckResponse call() {
        HealthCheckResponseBuilder response = HealthCheckResponse.named("upstreams").up();
        upstreams.all().forEach(upstream -> response.withData(upstream.name(), upstream.breaker().state().wireName()));
        return response.build();
    }
}
