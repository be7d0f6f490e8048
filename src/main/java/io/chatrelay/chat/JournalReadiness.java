package io.chatrelay.chat;

import jakarta.enterprise.context.ApplicationScoped;

import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

import io.chatrelay.journal.Journal;

/** Ready only while this process holds a lease: without one it can take no turn. */
@Readiness
@ApplicationScoped
class JournalReadiness implements HealthCheck {

    private final Journal<ChatEvent> journal;

    JournalReadiness(Journal<ChatEvent> journal) {
        this.journal = journal;
    }

    @Override
    public HealthCheckResponse call() {
        return HealthCheckResponse.named("journal").status(journal.ready()).withData("replica", journal.replica().toString())
                .build();
    }
}
