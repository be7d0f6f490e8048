package io.chatrelay.tracing;

import java.util.Optional;

import jakarta.annotation.Priority;
import jakarta.enterprise.context.Dependent;
import jakarta.enterprise.inject.Alternative;
import jakarta.enterprise.inject.Produces;
import jakarta.interceptor.Interceptor;

import io.prometheus.client.exemplars.ExemplarSampler;

/**
 * The metrics refer to no traces. As soon as OpenTelemetry is on the class path, whether it is switched on or not, Quarkus would give Micrometer a
 * sampler that looks for the current span whenever a meter counts: for every batch of events that a reader is sent.
 */
@Dependent
@Alternative
@Priority(Interceptor.Priority.APPLICATION)
class NoExemplars {

    @Produces
    Optional<ExemplarSampler> none() {
        return Optional.empty();
    }
}
