package io.chatrelay.api;

import java.time.Duration;

import io.chatrelay.config.Between;
import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** Bounds and times of the HTTP edge. */
@ConfigMapping(prefix = "chat-relay.api")
public interface ApiConfig {

    /** Bytes of a request's body. It is read whole, and an image travels inside it as a data URI. */
    @WithDefault("16M")
    @Between(least = "1K", most = "1G")
    MemorySize maxBody();

    /**
     * A comment is written into a stream that was silent for so long. Below the 30 s to 60 s after which proxies and load
     * balancers take a connection for dead.
     */
    @WithDefault("15s")
    @Between(least = "100ms", most = "10m")
    Duration heartbeat();

    /**
     * The head of a stream is written at its first event, at the failure before it, or after so long: a client's time-out counts until
     * the head. A reader that comes back with a number has it at once. From then on a failure can only be told inside the stream.
     */
    @WithDefault("10s")
    @Between(least = "1ms", most = "24h")
    Duration headAfter();

    /**
     * A reader whose stream is cut, because its replica stops or lost its lease, is told by {@code retry:} to come back at some moment
     * within this time. Longer spreads the readers of a stopping replica further over the others.
     */
    @WithDefault("500ms")
    @Between(least = "1ms", most = "1m")
    Duration comeBackWithin();

    /**
     * A turn whose calls wait for a decision is told as paused when that has not changed for so long. The calls of one step ask within
     * some tens of milliseconds of each other, and one pause for all of them is one question for the user. Longer makes everyone wait
     * for the question; shorter asks twice.
     */
    @WithDefault("300ms")
    @Between(least = "1ms", most = "1m")
    Duration pauseAfter();

    /**
     * Where a connection breaks after an error, because a clean close would look like success, it does so this long after the error was
     * written. A client whose connection breaks throws away what it has not read yet; one that reads the error leaves at once. Longer keeps
     * clients waiting that see nothing but the break.
     */
    @WithDefault("500ms")
    @Between(least = "1ms", most = "1m")
    Duration breakAfter();
}
