package io.chatrelay.conversation;

import io.chatrelay.config.Between;
import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/**
 * What an upstream without memory is told of a conversation: the instructions of the newest request that gave any, and the newest messages
 * that fit beside them into both budgets. The newest turn always goes up, whatever it costs.
 */
@ConfigMapping(prefix = "chat-relay.history")
public interface HistoryConfig {

    /** Messages beside the instructions. More cost tokens with every turn. */
    @WithDefault("100")
    @Between(least = "0", most = "10000")
    int maxMessages();

    /**
     * Bytes of the stored parts, of the instructions as well: what they need, the messages do not have. Instructions that alone need more
     * are refused. More is more memory for each send, and in the end more than a model takes.
     */
    @WithDefault("256K")
    @Between(least = "1K", most = "64M")
    MemorySize maxBytes();

    /** Instructions, which are messages of the role system, that one request may give. All of them go up with every turn. */
    @WithDefault("100")
    @Between(least = "1", most = "10000")
    int maxInstructions();
}
