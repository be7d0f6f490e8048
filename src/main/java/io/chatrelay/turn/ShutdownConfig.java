package io.chatrelay.turn;

import java.time.Duration;

import io.chatrelay.config.Between;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** How the service stops. */
@ConfigMapping(prefix = "chat-relay.shutdown")
public interface ShutdownConfig {

    /**
     * How long turns may go on after SIGTERM that no other replica could follow; then they are given up. Longer cuts fewer answers
     * and makes a deploy slower; a database that is away adds some ten seconds to it. It stays below the time after which the platform kills: 30 s in Kubernetes, 10 s with
     * {@code docker stop} unless told otherwise.
     */
    @WithDefault("25s")
    @Between(least = "0s", most = "24h")
    Duration grace();
}
