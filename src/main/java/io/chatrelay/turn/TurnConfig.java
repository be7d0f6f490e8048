package io.chatrelay.turn;

import java.time.Duration;

import io.chatrelay.config.Between;
import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** How long a turn may take, and how large it may become. */
@ConfigMapping(prefix = "chat-relay.turn")
public interface TurnConfig {

    /** From the request to the upstream's first event, retries included. A slow agent needs seconds, a broken one has minutes. */
    @WithDefault("60s")
    @Between(least = "100ms", most = "24h")
    Duration firstEventTimeout();

    /**
     * Nothing at all between two events. A model that hangs is tried again by the upstream after 270 s, and an approval waits
     * for minutes without a byte, so less than five minutes ends turns that would have gone on.
     */
    @WithDefault("10m")
    @Between(least = "100ms", most = "24h")
    Duration silenceTimeout();

    /** The whole turn. It bounds what a stream that never stops costs. */
    @WithDefault("1h")
    @Between(least = "1s", most = "720h")
    Duration maxDuration();

    /** Bytes of one turn's events. The assistant's message is folded from them in memory, once per running turn. */
    @WithDefault("8M")
    @Between(least = "1K", most = "1G")
    MemorySize maxSize();

    /**
     * How long a send that stops the running turn waits for its end. It takes milliseconds here, and less than a second on another
     * replica; only a replica that is gone takes longer, and then the send is refused, to be repeated.
     */
    @WithDefault("5s")
    @Between(least = "10ms", most = "5m")
    Duration cancelWait();

    /**
     * How long a repeat without a key, as the OpenAI SDK sends it after a lost connection, is recognised by its content; and how long after
     * a decision another turn's call of the same id is decided by {@code turnId} alone. Longer takes more deliberate repeats for retries.
     */
    @WithDefault("5m")
    @Between(least = "0s", most = "24h")
    Duration retryWindow();
}
