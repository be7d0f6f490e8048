package io.chatrelay.approval;

import java.time.Duration;

import io.chatrelay.config.Between;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** How long an approval waits, and how its decision is sent. */
@ConfigMapping(prefix = "chat-relay.approvals")
public interface ApprovalsConfig {

    /**
     * From the request to the denial that nobody asked for. Never longer than the upstream's own window less {@link #lead}: 225 s for
     * Agents in classic mode, almost half an hour in durable mode.
     */
    @WithDefault("30m")
    @Between(least = "1s", most = "24h")
    Duration expiry();

    /** How long before the upstream's window closes an approval expires: its denial still has to arrive, retries included. */
    @WithDefault("15s")
    @Between(least = "0s", most = "24h")
    Duration lead();

    /**
     * How often this replica looks for decisions that others took, and for approvals that expired. A decision that is taken by
     * the turn's own replica does not wait for it.
     */
    @WithDefault("200ms")
    @Between(least = "10ms", most = "1m")
    Duration pollEvery();

    /** Pause before a decision is sent again whose fate is unknown; each next one is twice as long. */
    @WithDefault("250ms")
    @Between(least = "10ms", most = "1m")
    Duration retryBackoff();

    /** The longest of these pauses. Short against the window of 240 s. */
    @WithDefault("5s")
    @Between(least = "10ms", most = "10m")
    Duration maxBackoff();

    /**
     * After a turn was taken over: how long its run is read again before a decision is repeated whose fate is unknown. The outcome, if
     * there is one, is in what is read; the upstream gives it some 100 ms late.
     */
    @WithDefault("3s")
    @Between(least = "0s", most = "10m")
    Duration catchUp();

    /** From the request for approval to its expiry. */
    default Duration expiryWithin(Duration window) {
        Duration lead = lead().compareTo(window.dividedBy(2)) < 0 ? lead() : window.dividedBy(2);
        Duration longest = window.minus(lead);
        return expiry().compareTo(longest) < 0 ? expiry() : longest;
    }
}
