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
     * How long the first event of a batch waits for others. Longer means fewer commits and more delay for everyone; while
     * a commit is under way the next batch gathers anyway, so a loaded replica does not need it.
     */
    @WithDefault("2ms")
    @Between(least = "0ms", most = "100ms")
    Duration linger();

    /** Bytes of one row. A reader that fell behind loads about one row at a time, so this bounds its memory too. */
    @WithDefault("64K")
    @Between(least = "1K", most = "16M")
    MemorySize maxRow();

    /** Bytes of one transaction: what a failed commit repeats, and how long the others wait behind it. */
    @WithDefault("4M")
    @Between(least = "64K", most = "256M")
    MemorySize maxBatch();

    /** Bytes that one turn may have appended but not committed; at the bound its upstream connection is paused. */
    @WithDefault("256K")
    @Between(least = "1K", most = "256M")
    MemorySize maxPendingPerTurn();

    /** The same for all turns of this replica together: what an outage of the database may cost in heap. */
    @WithDefault("64M")
    @Between(least = "64K", most = "16G")
    MemorySize maxPending();

    /** Longest pause between two tries of a batch while the database is away. */
    @WithDefault("1s")
    @Between(least = "10ms", most = "1m")
    Duration maxBackoff();

    /** How often ended turns' rows are rewritten into few. Rows are only many until then. */
    @WithDefault("5s")
    @Between(least = "100ms", most = "24h")
    Duration compactEvery();

    /**
     * How often the database is looked at: for news of turns that run elsewhere, one query for all of them; for cancels of our own; for turns
     * of a replica that is gone. Longer makes readers elsewhere, and a cancel from elsewhere, that much later.
     */
    @WithDefault("200ms")
    @Between(least = "10ms", most = "10s")
    Duration followEvery();

    /**
     * How long the writer may take to come round before the replica says that it is not ready. It waits as long as the database is away;
     * longer than a slow commit, or a busy disk takes a replica out of traffic.
     */
    @WithDefault("10s")
    @Between(least = "1s", most = "10m")
    Duration roundWithin();
}
