package io.chatrelay.api;

import java.time.Duration;

import io.chatrelay.config.Between;
import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** Limits and times of the HTTP edge. */
@ConfigMapping(prefix = "chat-relay.api")
public interface ApiConfig {

    /** Bytes of a request's body. The service reads the whole body, and the body contains images as data URIs. */
    @WithDefault("16M")
    @Between(least = "1K", most = "1G")
    MemorySize maxBody();

    /**
     * The service writes a comment into a stream that was silent for this time. It is below the 30 s to 60 s after which proxies and load
     * balancers close a silent connection.
     */
    @WithDefault("15s")
    @Between(least = "100ms", most = "10m")
    Duration heartbeat();

    /**
     * The head of a stream is written at its first event, at a failure before it, or after this time, because a client's time-out ends with
     * the head. A reader that resumes after an event gets the head at once. After the head, a failure can be reported only inside the stream.
     */
    @WithDefault("10s")
    @Between(least = "1ms", most = "24h")
    Duration headAfter();

    /**
     * When a stream is cut because its replica stops or lost its lease, {@code retry:} asks the reader to reconnect at a random moment
     * within this time. Longer: the readers of a stopping replica reconnect to the others over a longer time.
     */
    @WithDefault("500ms")
    @Between(least = "1ms", most = "1m")
    Duration comeBackWithin();

    /**
     * A turn whose calls wait for a decision is reported as paused if that has not changed for this time. The calls of one step request
     * approval within tens of milliseconds of each other, and one pause for all of them is one question for the user. Longer: every user
     * waits longer for the question. Shorter: the user gets two questions.
     */
    @WithDefault("300ms")
    @Between(least = "1ms", most = "1m")
    Duration pauseAfter();

    /**
     * After some errors the connection breaks, because a clean close would look like success. It breaks this long after the error was written:
     * a client whose connection breaks discards what it has not read yet, and a client that reads the error disconnects at once. Longer: clients
     * that react only to the break wait longer.
     */
    @WithDefault("500ms")
    @Between(least = "1ms", most = "1m")
    Duration breakAfter();
}
