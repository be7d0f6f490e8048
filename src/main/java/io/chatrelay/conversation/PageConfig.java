package io.chatrelay.conversation;

import io.chatrelay.config.Between;
import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** The maximum size of a page of a list of conversations, messages or approvals. */
@ConfigMapping(prefix = "chat-relay.page")
public interface PageConfig {

    /**
     * Maximum bytes of the callers' and upstreams' content on a page. A page ends before it exceeds the limit, and the rest is on the next page; a
     * single larger message or approval is a page of its own. While a page is written, its content is in memory several times: all pages that are
     * requested at once must fit into the heap.
     */
    @WithDefault("4M")
    @Between(least = "64K", most = "64M")
    MemorySize maxBytes();
}
