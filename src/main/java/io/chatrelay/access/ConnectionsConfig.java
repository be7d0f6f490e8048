package io.chatrelay.access;

import java.time.Duration;
import java.util.OptionalInt;

import io.chatrelay.config.Between;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** What a connection may cost before its caller is known, and how many there may be. Request line and headers: {@code quarkus.http.limits}. */
@ConfigMapping(prefix = "chat-relay.connections")
public interface ConnectionsConfig {

    /**
     * Connections at the same time, streams included. A stream needs some 20 kB; one more connection closes the oldest of those that
     * {@linkplain #maxWaiting() wait}, or is closed itself. The process needs twice as many open files.
     */
    @WithDefault("10000")
    @Between(least = "1", most = "1000000")
    int max();

    /**
     * The same for one address. Unset, for behind a proxy all callers have the proxy's; set it where callers connect directly, to some times
     * what one of them needs.
     */
    @Between(least = "1", most = "1000000")
    OptionalInt maxPerAddress();

    /**
     * Connections without a request whose caller was never known. Above it one more closes the oldest of them, once that has had a second: a
     * caller that means it sends its request within milliseconds. In a burst there may be four times as many, and each may hold 60 kB of
     * headers.
     */
    @WithDefault("1000")
    @Between(least = "1", most = "100000")
    int maxWaiting();

    /** From a connection's begin, or a later request's first byte, to the end of that request's headers. Longer lets silent ones stay. */
    @WithDefault("10s")
    @Between(least = "1s", most = "10m")
    Duration headTimeout();

    /** Lines of one request's headers. Their bytes are {@code quarkus.http.limits.max-header-size}; each line costs some hundred more. */
    @WithDefault("100")
    @Between(least = "10", most = "10000")
    int maxHeaders();

    /** How long a connection without a request is kept for a caller that has shown a key: as long as the pools of clients and proxies do. */
    @WithDefault("10m")
    @Between(least = "1s", most = "24h")
    Duration keepAlive();

    /** The same for one that has not. */
    @WithDefault("10s")
    @Between(least = "1s", most = "24h")
    Duration anonymousKeepAlive();
}
