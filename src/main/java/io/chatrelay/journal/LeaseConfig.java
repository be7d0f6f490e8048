package io.chatrelay.journal;

import java.time.Duration;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** How long a replica may be silent before its turns are taken over. */
@ConfigMapping(prefix = "chat-relay.lease")
public interface LeaseConfig {

    /** A lease's length, by the database's clock. Shorter takes over sooner, and forgives shorter pauses. */
    @WithDefault("10s")
    Duration duration();

    /**
     * Renewed this often: three tries have to fit into a lease, for what is left of it after two is the longest silence of the database
     * that is not taken for an outage.
     */
    @WithDefault("2s")
    Duration renewEvery();

    /** Leases of others are looked at this often. */
    @WithDefault("2s")
    Duration sweepEvery();

    /**
     * The row of a replica that is gone, and owns no turn that runs, is removed when its lease has ended so long ago. Until then it can be
     * looked at; longer keeps more of them. A process that was paused for longer finds no row, and registers anew as one does whose row says
     * that it lost its lease.
     */
    @WithDefault("1h")
    Duration forgetAfter();
}
