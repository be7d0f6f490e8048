package io.chatrelay.turn;

import jakarta.enterprise.context.ApplicationScoped;

import io.chatrelay.defect.RepeatedTask;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.journal.Journal;
import io.quarkus.scheduler.Scheduled;
import io.quarkus.scheduler.Scheduled.ApplicationNotRunning;
import io.quarkus.scheduler.Scheduled.ConcurrentExecution;
import io.smallrye.common.annotation.RunOnVirtualThread;

/** Compacts the journal at the configured interval. A replica that stops begins no further compaction. */
@ApplicationScoped
class JournalCompaction {

    private static final String INTERVAL = "${chat-relay.journal.compact-every}";

    private final RepeatedTask task;

    JournalCompaction(Journal<ChatEvent> journal) {
        // The scheduler would log the messages of a defect, which may quote what a user wrote.
        this.task = new RepeatedTask("Compaction", journal::compact);
    }

    @Scheduled(identity = "journal-compaction", every = INTERVAL, delayed = INTERVAL,
            concurrentExecution = ConcurrentExecution.SKIP, skipExecutionIf = ApplicationNotRunning.class)
    @RunOnVirtualThread
    void compact() {
        task.run();
    }
}
