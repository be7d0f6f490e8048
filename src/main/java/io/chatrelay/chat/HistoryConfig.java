package io.chatrelay.chat;

import io.chatrelay.config.Between;
import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/**
 * What an upstream without memory is told of a conversation: the newest messages within both budgets. System messages and
 * the newest turn always go up, whatever they cost.
 */
@ConfigMapping(prefix = "chat-relay.history")
public interface HistoryConfig {

    /** Messages. More cost tokens with every turn. */
    @WithDefault("100")
    @Between(least = "1", most = "100000")
    int maxMessages();

    /** Bytes of their stored parts. */
    @WithDefault("256K")
    @Between(least = "1K", most = "256M")
    MemorySize maxBytes();
}
