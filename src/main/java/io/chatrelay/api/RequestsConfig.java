package io.chatrelay.api;

import java.time.Duration;

import io.chatrelay.config.Between;
import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** Limits for the bodies of requests, for each one and for all together. Their size is {@link ApiConfig#maxBody()}. */
@ConfigMapping(prefix = "chat-relay.requests")
public interface RequestsConfig {

    /**
     * Memory of all bodies that are being read: their bytes, and {@value BodyBudget#BYTES_PER_VALUE} bytes for each JSON value in them. A request
     * above it gets a 503 with {@code Retry-After}. Until it is stored, a request needs several times this memory, so the heap should be ten
     * times this value. Smaller: requests are rejected sooner when many callers send images at once.
     */
    @WithDefault("64M")
    @Between(least = "1M", most = "16G")
    MemorySize maxMemory();

    /**
     * From a request's head to the end of its body; a request that takes longer gets a 408. It holds shared memory for that time. Shorter:
     * large images over slow lines are rejected. 16 MiB in a minute are 2 Mbit/s.
     */
    @WithDefault("60s")
    @Between(least = "1s", most = "1h")
    Duration bodyTimeout();

    /**
     * JSON values, names and brackets of one body. A megabyte of text is one value and needs a megabyte; a megabyte of empty objects is
     * 700,000 values and needs a hundred megabytes. A conversation of a thousand messages has about 20,000.
     */
    @WithDefault("200000")
    @Between(least = "100", most = "10000000")
    int maxValues();

    /** Messages of one request. Each new one is a row; clients that send the whole conversation every time send hundreds. */
    @WithDefault("2000")
    @Between(least = "1", most = "100000")
    int maxMessages();

    /** Parts of one message. A long answer of an agent that is sent back has hundreds. */
    @WithDefault("1000")
    @Between(least = "1", most = "100000")
    int maxParts();
}
