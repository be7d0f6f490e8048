package io.chatrelay.database;

import java.time.Duration;

import io.chatrelay.config.Between;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** How long callers wait for PostgreSQL. */
@ConfigMapping(prefix = "chat-relay.database")
public interface DatabaseConfig {

    /**
     * Time-out for one response of PostgreSQL on a connection that callers use; then the connection is closed, and the caller receives the error that
     * the database is unavailable. Shorter than the lease, because two such connections may load events; longer than the longest statement, which
     * deletes a conversation.
     */
    @WithDefault("6s")
    @Between(least = "100ms", most = "1m")
    Duration answerWithin();
}
