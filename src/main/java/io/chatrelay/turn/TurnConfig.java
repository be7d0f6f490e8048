package io.chatrelay.turn;

import java.time.Duration;

import io.chatrelay.config.Between;
import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** How long a turn may take, and how large it may become. */
@ConfigMapping(prefix = "chat-relay.turn")
public interface TurnConfig {

    /** Time from the request to the upstream's first event, including retries. A slow agent needs seconds; a broken agent takes minutes. */
    @WithDefault("60s")
    @Between(least = "100ms", most = "24h")
    Duration firstEventTimeout();

    /**
     * Maximum silence between two events. The upstream retries a model that hangs after 270 s, and an approval waits for minutes without a byte, so
     * less than five minutes ends turns that would have continued.
     */
    @WithDefault("10m")
    @Between(least = "100ms", most = "24h")
    Duration silenceTimeout();

    /** Maximum duration of the whole turn. It limits the cost of a stream that never ends. */
    @WithDefault("1h")
    @Between(least = "1s", most = "720h")
    Duration maxDuration();

    /** Maximum size of one turn's events in bytes. The assistant's message is built from them in memory, once per running turn. */
    @WithDefault("8M")
    @Between(least = "1K", most = "1G")
    MemorySize maxSize();

    /**
     * How long a send that cancels the running turn waits for its end. It takes milliseconds on this replica and less than a second on another. It
     * takes longer only if that replica is gone; then the send is rejected, and the client has to retry.
     */
    @WithDefault("5s")
    @Between(least = "10ms", most = "5m")
    Duration cancelWait();

    /**
     * How long a retry without a key, such as the OpenAI SDK sends after a lost connection, is recognised by its content. Also how long after a
     * decision {@code turnId} is required to decide a call with the same id in another turn. A longer time treats more deliberate repetitions as
     * retries.
     */
    @WithDefault("5m")
    @Between(least = "0s", most = "24h")
    Duration retryWindow();
}
