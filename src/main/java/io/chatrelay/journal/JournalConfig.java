package io.chatrelay.journal;

import java.time.Duration;

import io.chatrelay.config.Between;
import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** Bounds and intervals of the journal's writer. */
@ConfigMapping(prefix = "chat-relay.journal")
public interface JournalConfig {

    /**
     * The least time from one batch to the next, in which more events accumulate; an event after a pause is stored at once. It bounds the commits
     * of a replica, so that their number grows with time and not with streams, and costs an event half of it on average. With 10 ms, 200 streams of
     * 50 events a second make 100 commits a second, and 230 to 280 with 2 ms; they take a fifth less CPU of the database.
     */
    @WithDefault("10ms")
    @Between(least = "0ms", most = "100ms")
    Duration linger();

    /** Maximum size of one row in bytes. A reader that has fallen behind loads about one row at a time, so this also bounds its memory. */
    @WithDefault("64K")
    @Between(least = "1K", most = "16M")
    MemorySize maxRow();

    /** Maximum size of one transaction in bytes: the amount that a failed commit repeats and that other turns wait for. */
    @WithDefault("4M")
    @Between(least = "64K", most = "256M")
    MemorySize maxBatch();

    /** Maximum bytes that one turn may have appended but not committed; at the limit its upstream connection is paused. */
    @WithDefault("256K")
    @Between(least = "1K", most = "256M")
    MemorySize maxPendingPerTurn();

    /** The same limit for all turns of this replica together: the heap that an outage of the database may use. */
    @WithDefault("64M")
    @Between(least = "64K", most = "16G")
    MemorySize maxPending();

    /** Longest pause between two attempts to store a batch while the database is unavailable. */
    @WithDefault("1s")
    @Between(least = "10ms", most = "1m")
    Duration maxBackoff();

    /** How often the rows of ended turns are merged into fewer rows, at most once a second. Until then a turn only has many rows. */
    @WithDefault("5s")
    @Between(least = "100ms", most = "24h")
    Duration compactEvery();

    /**
     * How often the journal polls the database: for new events of turns that run elsewhere, with one query for all of them; for cancels of own
     * turns; for turns of a dead replica. A longer interval delays readers elsewhere, and a cancel from elsewhere, by that much.
     */
    @WithDefault("200ms")
    @Between(least = "10ms", most = "10s")
    Duration followEvery();

    /**
     * How long one round of the writer may take before the replica reports that it is not ready. A round lasts as long as the database is
     * unavailable. Must be longer than a slow commit; otherwise a busy disk takes a replica out of traffic.
     */
    @WithDefault("10s")
    @Between(least = "1s", most = "10m")
    Duration roundWithin();
}
