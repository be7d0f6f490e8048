package io.chatrelay.turn;

import java.time.Duration;

import io.chatrelay.config.Between;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** How the service shuts down. */
@ConfigMapping(prefix = "chat-relay.shutdown")
public interface ShutdownConfig {

    /**
     * How long turns that no other replica could continue may run after SIGTERM; then they are handed over. A longer period cuts off fewer answers
     * and makes a deployment slower; an unavailable database adds some ten seconds. It must be shorter than the time after which the platform kills
     * the process: 30 s in Kubernetes, 10 s with {@code docker stop} by default.
     */
    @WithDefault("25s")
    @Between(least = "0s", most = "24h")
    Duration grace();
}
