package io.chatrelay.access;

import java.time.Duration;
import java.util.OptionalInt;

import io.chatrelay.config.Between;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/**
 * The limits of a connection before its caller is known, and of the number of connections. Request line and headers:
 * {@code quarkus.http.limits}.
 */
@ConfigMapping(prefix = "chat-relay.connections")
public interface ConnectionsConfig {

    /**
     * Connections at the same time, streams included. A stream needs about 20 kB. At the limit, a new connection closes the oldest of those that
     * {@linkplain #maxWaiting() wait}; if none waits, the new connection is closed. The process needs twice as many open files.
     */
    @WithDefault("10000")
    @Between(least = "1", most = "1000000")
    int max();

    /**
     * The same for one address. Unset by default, because behind a proxy all callers have the proxy's address. Set it where callers connect
     * directly, to several times what one caller needs.
     */
    @Between(least = "1", most = "1000000")
    OptionalInt maxPerAddress();

    /**
     * Connections without a request and without a known caller. Above the limit, a new connection closes the oldest of them if that is older
     * than one second: a real caller sends its request within milliseconds. In a burst there may be four times as many, and each may hold 60 kB
     * of headers.
     */
    @WithDefault("1000")
    @Between(least = "1", most = "100000")
    int maxWaiting();

    /**
     * From the start of a connection, or the first byte of a later request, to the end of that request's headers. Longer: silent connections
     * stay longer.
     */
    @WithDefault("10s")
    @Between(least = "1s", most = "10m")
    Duration headTimeout();

    /** Header lines of one request. {@code quarkus.http.limits.max-header-size} limits their bytes; each line costs about a hundred bytes more. */
    @WithDefault("100")
    @Between(least = "10", most = "10000")
    int maxHeaders();

    /** How long an idle connection is kept for an authenticated caller: as long as the connection pools of clients and proxies keep it. */
    @WithDefault("10m")
    @Between(least = "1s", most = "24h")
    Duration keepAlive();

    /** The same for an unauthenticated caller. */
    @WithDefault("10s")
    @Between(least = "1s", most = "24h")
    Duration anonymousKeepAlive();
}
