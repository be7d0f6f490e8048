package io.chatrelay.turn;

import java.time.Duration;

import io.chatrelay.config.Between;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** Messages that wait for the turns before them. */
@ConfigMapping(prefix = "chat-relay.queue")
public interface QueueConfig {

    /** How many messages may wait in one conversation. A person writes a few ahead; a client that fills this does not read its answers. */
    @WithDefault("10")
    @Between(least = "0", most = "1000")
    int maxMessages();

    /**
     * For how long a message whose turn cannot begin for a reason of its own is tried again before it is refused: its upstream is not configured,
     * say. During a deploy another replica may know it.
     */
    @WithDefault("2m")
    @Between(least = "0s", most = "24h")
    Duration refuseAfter();

    /** Interval at which a replica looks for turns that can begin. It is the pause between two turns of a queue; a look costs one statement. */
    @WithDefault("250ms")
    @Between(least = "10ms", most = "1m")
    Duration pollEvery();
}
