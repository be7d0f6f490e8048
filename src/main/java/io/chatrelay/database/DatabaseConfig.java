package io.chatrelay.database;

import java.time.Duration;

import io.chatrelay.config.Between;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** How long callers wait for PostgreSQL. */
@ConfigMapping(prefix = "chat-relay.database")
public interface DatabaseConfig {

    /**
     * How long one answer of PostgreSQL is waited for on a connection that callers use; then the connection is given up, and a caller is told
     * that the database is away. Below the lease, for two of them may load events; longer than the longest statement, which erases a
     * conversation.
     */
    @WithDefault("6s")
    @Between(least = "100ms", most = "1m")
    Duration answerWithin();
}
