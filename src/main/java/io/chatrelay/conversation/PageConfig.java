package io.chatrelay.conversation;

import io.chatrelay.config.Between;
import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** How much a page of a list holds: of conversations, of messages, of approvals. */
@ConfigMapping(prefix = "chat-relay.page")
public interface PageConfig {

    /**
     * Bytes of what callers and upstreams said in it. A page ends before it would hold more, and the rest is on the next one; a single
     * message or approval that is larger is a page of its own. What a page holds is in memory a few times over while it is written: as many
     * pages as are asked for at once have to fit into the heap.
     */
    @WithDefault("4M")
    @Between(least = "64K", most = "64M")
    MemorySize maxBytes();
}
