package io.chatrelay.journal;

import io.chatrelay.config.Between;
import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** Bounds of what readers cost. */
@ConfigMapping(prefix = "chat-relay.feed")
public interface FeedConfig {

    /** Committed bytes of a running turn kept for its readers. One that falls further behind is served from the table. */
    @WithDefault("64K")
    @Between(least = "1K", most = "64M")
    MemorySize tailPerTurn();

    /** Bytes handed to a reader at once: what a reader that stops reading holds, beside its socket's buffer. */
    @WithDefault("32K")
    @Between(least = "1K", most = "16M")
    MemorySize maxChunk();

    /**
     * Loads from the table at the same time. They wait here, without a connection, and never starve writers of the pool;
     * keep it below the pool's size.
     */
    @WithDefault("2")
    @Between(least = "1", most = "1000")
    int concurrentLoads();
}
