package io.chatrelay.approval;

import java.time.Duration;

import io.chatrelay.config.Between;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;

/** How long an approval waits for a decision, and how the decision is sent. */
@ConfigMapping(prefix = "chat-relay.approvals")
public interface ApprovalsConfig {

    /**
     * Time from the request to the automatic denial. Never longer than the upstream's own window minus {@link #lead}: 225 s for Agents in classic
     * mode, almost half an hour in durable mode.
     */
    @WithDefault("30m")
    @Between(least = "1s", most = "24h")
    Duration expiry();

    /** How long before the end of the upstream's window an approval expires: its denial must still arrive, including retries. */
    @WithDefault("15s")
    @Between(least = "0s", most = "24h")
    Duration lead();

    /**
     * How often this replica polls for decisions that other replicas recorded, and for expired approvals. A decision that the turn's own replica
     * records does not wait for the poll.
     */
    @WithDefault("200ms")
    @Between(least = "10ms", most = "1m")
    Duration pollEvery();

    /** Pause before a decision whose delivery result is unknown is sent again; each further pause is twice as long. */
    @WithDefault("250ms")
    @Between(least = "10ms", most = "1m")
    Duration retryBackoff();

    /** The longest of these pauses. It is short compared with the window of 240 s. */
    @WithDefault("5s")
    @Between(least = "10ms", most = "10m")
    Duration maxBackoff();

    /**
     * How long after a takeover the run is replayed before a decision whose delivery result is unknown is sent again. The outcome, if it exists, is
     * in the replayed events; the upstream sends it some 100 ms late.
     */
    @WithDefault("3s")
    @Between(least = "0s", most = "10m")
    Duration catchUp();

    /** Time from the request for approval to its expiry. */
    default Duration expiryWithin(Duration window) {
        Duration lead = lead().compareTo(window.dividedBy(2)) < 0 ? lead() : window.dividedBy(2);
        Duration longest = window.minus(lead);
        return expiry().compareTo(longest) < 0 ? expiry() : longest;
    }
}
