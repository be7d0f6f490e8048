package io.chatrelay.turn;

import java.util.Optional;

import jakarta.enterprise.context.ApplicationScoped;

import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.HealthCheckResponseBuilder;
import org.eclipse.microprofile.health.Readiness;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.journal.Journal;

/** Ready only while this process can run turns: it holds a lease, and its journal stores their events. */
@Readiness
@ApplicationScoped
class TurnReadinessCheck implements HealthCheck {

    private final Journal<ChatEvent> journal;

    TurnReadinessCheck(Journal<ChatEvent> journal) {
        this.journal = journal;
    }

    @Override
    public HealthCheckResponse call() {
        Optional<String> reason = journal.unready();
        HealthCheckResponseBuilder response = HealthCheckResponse.named("journal").status(reason.isEmpty()).withData("replica",
                journal.replica().toString());
        reason.ifPresent(why -> response.withData("reason", why));
        return response.build();
    }
}
