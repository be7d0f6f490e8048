package io.chatrelay.approval;

import java.time.Duration;

import io.chatrelay.config.Between;
import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** How readers follow the inbox. */
@ConfigMapping(prefix = "chat-relay.inbox")
public interface InboxConfig {

    /**
     * How often a replica with readers of the inbox looks for changes, in one statement for all of them: a person who watches the inbox does not
     * notice half a second. Longer: fewer statements, and readers learn later of what is asked.
     */
    @WithDefault("500ms")
    @Between(least = "10ms", most = "1m")
    Duration pollEvery();

    /**
     * Bytes of entries that a reader is sent at once, and at least one entry: what a reader that stops reading holds, in addition to its socket's
     * buffer. Changes that it is not ready for stay in the database, where an entry has only its newest state.
     */
    @WithDefault("64K")
    @Between(least = "1K", most = "16M")
    MemorySize maxChunk();
}
