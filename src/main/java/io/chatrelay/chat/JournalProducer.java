package io.chatrelay.chat;

import java.time.Duration;
import java.util.concurrent.ExecutorService;

import javax.sql.DataSource;

import jakarta.enterprise.context.Dependent;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;

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

    private static final Duration SHORTEST_MEMORY = Duration.ofMinutes(10);

    @Produces
    @Singleton
    Journal<ChatEvent> journal(DataSource database, JournalConfig config, LeaseConfig lease, FeedConfig feed,
            @VirtualThreads ExecutorService virtualThreads, MeterRegistry metrics) {
        // Three times is not enough: no renewal would count as in time, and nobody would ever take anything over.
        if (lease.duration().compareTo(lease.renewEvery().multipliedBy(10).dividedBy(3)) < 0) {
            throw new ConfigurationException(
                    "chat-relay.lease.renew-every is %s: at most three tenths of chat-relay.lease.duration, %s"
                            .formatted(lease.renewEvery(), lease.duration()));
        }
        if (lease.forgetAfter().compareTo(SHORTEST_MEMORY) < 0) {
            throw new ConfigurationException(
                    "chat-relay.lease.forget-after is %s: at least %s, which is longer than a replica takes to stop"
                            .formatted(lease.forgetAfter(), SHORTEST_MEMORY));
        }
        return new Journal<>(database, new ChatEventCodec(), config, lease, feed, virtualThreads, metrics);
    }
}
