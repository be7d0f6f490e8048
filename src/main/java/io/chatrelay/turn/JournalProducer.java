package io.chatrelay.turn;

import java.util.concurrent.ExecutorService;

import jakarta.enterprise.context.Dependent;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;

import io.agroal.api.AgroalDataSource;
import io.agroal.api.AgroalDataSource.FlushMode;
import io.chatrelay.cluster.LeaseConfig;
import io.chatrelay.database.DedicatedConnections;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEventCodec;
import io.chatrelay.journal.FeedConfig;
import io.chatrelay.journal.Journal;
import io.chatrelay.journal.JournalConfig;
import io.chatrelay.journal.JournalConnections;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.virtual.threads.VirtualThreads;

/** The journal of chat events. The journal itself does not know the type of its events. */
@Dependent
class JournalProducer {

    @Produces
    @Singleton
    Journal<ChatEvent> journal(AgroalDataSource database, JournalConfig config, LeaseConfig lease, FeedConfig feed,
            @VirtualThreads ExecutorService virtualThreads, MeterRegistry metrics) {
        return new Journal<>(new JournalConnections(database, DedicatedConnections.like(database, Journal.patience(lease)),
                () -> database.flush(FlushMode.IDLE)), new ChatEventCodec(), config,
                lease, feed, new TurnStore(), virtualThreads, metrics);
    }
}
