package io.chatrelay.turn;

import io.chatrelay.config.Between;
import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** Bounds of the transactions in which turns begin. */
@ConfigMapping(prefix = "chat-relay.admission")
public interface AdmissionConfig {

    /**
     * Maximum number of turns that begin in one transaction; what arrives while it is under way begins together in the next one. The slowest request
     * of a transaction determines when the others go on, so that there should not be too many.
     */
    @WithDefault("200")
    @Between(least = "1", most = "10000")
    int maxTogether();

    /**
     * Maximum size of these turns' messages in bytes, for the same reason. A request that is larger begins its turn in a transaction of its own.
     */
    @WithDefault("1M")
    @Between(least = "1K", most = "64M")
    MemorySize maxBytes();

    /** Maximum number of requests that wait for such a transaction, each with its content in memory. The next one is told that the database is away. */
    @WithDefault("5000")
    @Between(least = "1", most = "1000000")
    int maxWaiting();
}
