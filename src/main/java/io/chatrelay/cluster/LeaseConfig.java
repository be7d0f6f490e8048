package io.chatrelay.cluster;

import java.time.Duration;

import io.chatrelay.config.Between;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** How long a replica may be silent before its turns are taken over. */
@ConfigMapping(prefix = "chat-relay.lease")
public interface LeaseConfig {

    /** Length of a lease, by the database's clock. A shorter lease makes takeover faster, and tolerates only shorter pauses of a replica. */
    @WithDefault("10s")
    @Between(least = "1s", most = "10m")
    Duration duration();

    /**
     * Interval between renewals. Three attempts must fit into a lease: the lease length minus two intervals is the longest silence of the
     * database that does not count as an outage.
     */
    @WithDefault("2s")
    @Between(least = "50ms", most = "1m")
    Duration renewEvery();

    /** Interval at which a replica checks the leases of others. */
    @WithDefault("2s")
    @Between(least = "50ms", most = "1m")
    Duration sweepEvery();

    /**
     * When a process dies, its PostgreSQL sessions end. After this time without a session and without a renewal, other replicas take over its
     * turns, even if its lease has not ended. A longer time lets a living process reopen its sessions after all of them were reset. The minimum
     * is 300 ms. A shorter time makes takeover faster. Zero: only the end of the lease counts, as is needed behind a pooler that keeps the
     * sessions of dead clients.
     */
    @WithDefault("1s")
    @Between(least = "0s", most = "1m")
    Duration absence();

    /**
     * Time after the end of a lease at which the row of a dead replica is deleted, unless it owns a running turn. The row can be inspected
     * until then; a longer time keeps more rows. A process that was paused for longer finds no row, and registers again as it does after it
     * lost its lease.
     */
    @WithDefault("1h")
    @Between(least = "10m", most = "720h")
    Duration forgetAfter();
}
