package io.chatrelay.api;

import java.time.Duration;

import jakarta.enterprise.context.ApplicationScoped;

import io.chatrelay.event.ChatException;
import io.chatrelay.limit.Limits;
import io.chatrelay.limit.LimitsConfig;
import io.chatrelay.turn.ReplicaCapacity;
import io.chatrelay.turn.Turns;

/** Refuses new turns and streams while this replica has as much to do as it is configured to take. */
@ApplicationScoped
class ReplicaLoad implements ReplicaCapacity {

    /** The load of a replica changes within seconds, and another replica may have room now. */
    private static final long SECONDS = 1;
    private static final String PREFIX = "chat-relay.limits.replica.";

    private final LimitsConfig.Replica limits;
    private final Turns turns;
    private final StreamMetrics streams;
    private final EventLoopLag lag;

    ReplicaLoad(Limits limits, Turns turns, StreamMetrics streams, EventLoopLag lag) {
        this.limits = limits.ofReplica();
        this.turns = turns;
        this.streams = streams;
        this.lag = lag;
    }

    @Override
    public boolean takesTurns() {
        return limits.maxEventLoopLag().filter(most -> lag.current().compareTo(most) > 0).isEmpty()
                && (limits.runningTurns().isEmpty() || turns.running() < limits.runningTurns().getAsInt());
    }

    /** @throws ChatException if no new turn is to begin */
    void checkTurn() {
        Duration late = limits.maxEventLoopLag().isPresent() ? lag.current() : Duration.ZERO;
        if (limits.maxEventLoopLag().filter(most -> late.compareTo(most) > 0).isPresent()) {
            throw ChatException.overloaded("The event loops of this replica are %d ms late, and %d ms are configured (%s)."
                    .formatted(late.toMillis(), limits.maxEventLoopLag().get().toMillis(), PREFIX + "max-event-loop-lag"),
                    SECONDS);
        }
        if (limits.runningTurns().isPresent() && turns.running() >= limits.runningTurns().getAsInt()) {
            throw ChatException.overloaded("%d turns run on this replica (%s)."
                    .formatted(limits.runningTurns().getAsInt(), PREFIX + "running-turns"), SECONDS);
        }
    }

    /** @throws ChatException if no more stream is to be opened */
    void checkStream() {
        if (limits.openStreams().isPresent() && streams.open() >= limits.openStreams().getAsInt()) {
            throw ChatException.overloaded("%d streams are open on this replica (%s)."
                    .formatted(limits.openStreams().getAsInt(), PREFIX + "open-streams"), SECONDS);
        }
    }
}
