package io.chatrelay.journal;

import io.chatrelay.config.Between;
import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** Bounds on the cost of readers. */
@ConfigMapping(prefix = "chat-relay.feed")
public interface FeedConfig {

    /** Committed bytes of a running turn kept in memory for its readers. A reader that falls further behind is served from the table. */
    @WithDefault("64K")
    @Between(least = "1K", most = "64M")
    MemorySize tailPerTurn();

    /** Bytes delivered to a reader at once: what a reader that stops reading holds, in addition to its socket's buffer. */
    @WithDefault("32K")
    @Between(least = "1K", most = "16M")
    MemorySize maxChunk();

    /**
     * Number of concurrent loads from the table. Waiting loads hold no connection, and do not starve writers of the pool; keep it below the
     * pool's size.
     */
    @WithDefault("2")
    @Between(least = "1", most = "1000")
    int concurrentLoads();
}
