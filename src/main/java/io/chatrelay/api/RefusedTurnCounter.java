package io.chatrelay.api;

import java.util.Locale;

import jakarta.enterprise.context.ApplicationScoped;

import io.chatrelay.database.SqlErrors;
import io.chatrelay.event.ChatException;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.Startup;

/** Counts the turns that were rejected with a 503, or for a limit of their caller: nothing of them is stored, so there is no other trace of them. */
// With the service: of a counter that appears with its first event, Prometheus does not see that event.
@Startup
@ApplicationScoped
class RefusedTurnCounter {

    private enum Reason {
        /** The replica stops, or has lost its lease and registers again. */
        REPLICA,
        /** The database cannot be reached. */
        DATABASE,
        /** The upstream's breaker is open. */
        BREAKER,
        /** Its caller has reached a limit. */
        LIMIT,
        /** The replica has as much to do as it is configured to take. */
        LOAD;

        String tag() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private static final String NAME = "chat.relay.turns.refused";

    private final MeterRegistry metrics;

    RefusedTurnCounter(MeterRegistry metrics) {
        this.metrics = metrics;
        for (Reason reason : Reason.values()) {
            metrics.counter(NAME, "reason", reason.tag());
        }
    }

    void count(RuntimeException refusal) {
        if (refusal instanceof ChatException chat) {
            if (chat.kind() == ChatException.Kind.UNAVAILABLE) {
                count(Reason.REPLICA);
            } else if (chat.kind() == ChatException.Kind.BREAKER_OPEN) {
                count(Reason.BREAKER);
            } else if (chat.kind() == ChatException.Kind.LIMIT_REACHED) {
                count(Reason.LIMIT);
            } else if (chat.kind() == ChatException.Kind.OVERLOADED) {
                count(Reason.LOAD);
            }
        } else if (SqlErrors.isAway(refusal)) {
            count(Reason.DATABASE);
        }
    }

    private void count(Reason reason) {
        metrics.counter(NAME, "reason", reason.tag()).increment();
    }
}
