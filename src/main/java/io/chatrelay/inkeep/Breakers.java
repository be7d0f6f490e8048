package io.chatrelay.inkeep;

import java.time.Clock;

import io.chatrelay.inkeep.UpstreamsConfig.UpstreamConfig.BreakerConfig;
import io.chatrelay.upstream.Breaker;

/** Makes the breakers of the configured upstreams. */
final class Breakers {

    private Breakers() {}

    static Breaker of(String upstream, BreakerConfig config) {
        return new Breaker(upstream,
                new Breaker.Settings(config.enabled(), config.failureRate(), config.slowRate(), config.slowDuration(),
                        config.minimumTurns(), config.window(), config.openDuration(), config.trialTurns()),
                Clock.systemUTC());
    }
}
