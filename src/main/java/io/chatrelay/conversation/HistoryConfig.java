package io.chatrelay.conversation;

import io.chatrelay.config.Between;
import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/**
 * The history that is sent to an upstream without memory: the instructions of the newest request that contained any, and the newest messages that fit
 * beside them into both budgets. The newest turn is always sent, whatever its size.
 */
@ConfigMapping(prefix = "chat-relay.history")
public interface HistoryConfig {

    /** Maximum number of messages beside the instructions. More messages cost tokens with every turn. */
    @WithDefault("100")
    @Between(least = "0", most = "10000")
    int maxMessages();

    /**
     * Maximum bytes of the stored parts, including the instructions: their size reduces the budget of the messages. Instructions that alone exceed it
     * are rejected. A larger value uses more memory for each send, and may finally exceed what a model accepts.
     */
    @WithDefault("256K")
    @Between(least = "1K", most = "64M")
    MemorySize maxBytes();

    /** Maximum number of instructions (messages with the role system) in one request. All of them are sent with every turn. */
    @WithDefault("100")
    @Between(least = "1", most = "10000")
    int maxInstructions();
}
