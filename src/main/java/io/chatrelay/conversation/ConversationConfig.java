package io.chatrelay.conversation;

import io.chatrelay.config.Between;
import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** Limits of a conversation's data beside its messages. */
@ConfigMapping(prefix = "chat-relay.conversation")
public interface ConversationConfig {

    /**
     * Maximum size of a conversation's properties as JSON, in bytes. Each entry of a list contains them, so a page may contain a hundred times as
     * much. Lists omit larger properties, which an earlier version may have stored; the request for the single conversation returns them.
     */
    @WithDefault("16K")
    @Between(least = "256", most = "1M")
    MemorySize maxProperties();
}
