package io.chatrelay.cluster;

import java.time.Duration;

import io.chatrelay.config.Between;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** How long a replica may be silent before its turns are taken over. */
@ConfigMapping(prefix = "chat-relay.lease")
public interface LeaseConfig {

    /** A lease's length, by the database's clock. Shorter takes over sooner, and forgives shorter pauses. */
    @WithDefault("10s")
    @Between(least = "1s", most = "10m")
    Duration duration();

    /**
     * Renewed this often: three tries have to fit into a lease, for what is left of it after two is the longest silence of the database
     * that is not taken for an outage.
     */
    @WithDefault("2s")
    @Between(least = "50ms", most = "1m")
    Duration renewEvery();

    /** Leases of others are looked at this often. */
    @WithDefault("2s")
    @Between(least = "50ms", most = "1m")
    Duration sweepEvery();

    /**
     * A process that dies takes its sessions with PostgreSQL along. After so long without a session and without a renewal the others take its
     * turns over, however long its lease would last. Longer gives a living process more time to open sessions again after all of them were
     * reset, and at least 300 ms; shorter takes over sooner. Zero: only the end of a lease counts, as behind a pooler that keeps the sessions of dead clients.
     */
    @WithDefault("1s")
    @Between(least = "0s", most = "1m")
    Duration absence();

    /**
     * The row of a replica that is gone, and owns no turn that runs, is removed when its lease has ended so long ago. Until then it can be
     * looked at; longer keeps more of them. A process that was paused for longer finds no row, and registers anew as one does whose row says
     * that it lost its lease.
     */
    @WithDefault("1h")
    @Between(least = "10m", most = "720h")
    Duration forgetAfter();
}
