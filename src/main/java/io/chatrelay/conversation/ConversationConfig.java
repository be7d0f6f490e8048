package io.chatrelay.conversation;

import io.chatrelay.config.Between;
import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** What a conversation may hold beside its messages. */
@ConfigMapping(prefix = "chat-relay.conversation")
public interface ConversationConfig {

    /**
     * Bytes of a conversation's properties as JSON. They are in each entry of a list, so a hundred times as much is one page. Lists leave
     * out properties that are larger, as an earlier version may have stored them; the conversation by itself has them.
     */
    @WithDefault("16K")
    @Between(least = "256", most = "1M")
    MemorySize maxProperties();
}
