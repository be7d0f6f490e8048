package io.chatrelay.chat;

import java.time.Duration;
import java.util.concurrent.ExecutorService;

import jakarta.enterprise.context.Dependent;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;

import io.agroal.api.AgroalDataSource;
import io.agroal.api.AgroalDataSource.FlushMode;
import io.chatrelay.journal.Connections;
import io.chatrelay.journal.FeedConfig;
import io.chatrelay.journal.Journal;
import io.chatrelay.journal.JournalConfig;
import io.chatrelay.journal.LeaseConfig;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.quarkus.virtual.threads.VirtualThreads;

/** The journal of chat events: the journal itself does not know what it keeps. */
@Dependent
class JournalProducer {

    /** The others look six times as often, and ask the database each time. */
    private static final Duration SHORTEST_ABSENCE = Duration.ofMillis(300);

    @Produces
    @Singleton
    Journal<ChatEvent> journal(AgroalDataSource database, JournalConfig config, LeaseConfig lease, FeedConfig feed,
            @VirtualThreads ExecutorService virtualThreads, MeterRegistry metrics) {
        // Three times is not enough: no renewal would count as in time, and nobody would ever take anything over.
        if (lease.duration().compareTo(lease.renewEvery().multipliedBy(10).dividedBy(3)) < 0) {
            throw new ConfigurationException(
                    "chat-relay.lease.renew-every is %s: at most three tenths of chat-relay.lease.duration, %s"
                            .formatted(lease.renewEvery(), lease.duration()));
        }
        if (!lease.absence().isZero() && lease.absence().compareTo(SHORTEST_ABSENCE) < 0) {
            throw new ConfigurationException("chat-relay.lease.absence is %s: at least %s, or 0 for never"
                    .formatted(lease.absence(), SHORTEST_ABSENCE));
        }
        return new Journal<>(new Connections(database, OwnConnections.like(database, Journal.patience(lease)),
                () -> database.flush(FlushMode.IDLE)), new ChatEventCodec(), config,
                lease, feed, virtualThreads, metrics);
    }
}
