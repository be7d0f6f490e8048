package io.chatrelay.chat;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;

import org.jboss.logging.Logger;

import io.chatrelay.journal.Journal;
import io.quarkus.runtime.ShutdownDelayInitiatedEvent;

/**
 * What happens to running turns when the process is told to stop (SIGTERM), while it still answers requests:
 *
 * <pre>
 * not ready, no new turns ──▶ other replicas? ── yes ──▶ what they can follow is handed over at once
 *                                  │ no                  what would be lost with its connection (Cloud) goes on
 *                                  └──▶ turns go on ── all ended, or the grace is over ──▶ the rest is handed over
 *                                                                                          readers are sent away with their number
 * </pre>
 */
@ApplicationScoped
class Departure {

    private static final Logger LOG = Logger.getLogger(Departure.class);
    private static final Duration LOOK_AGAIN = Duration.ofMillis(100);

    private final Journal<ChatEvent> journal;
    private final Runner runner;
    private final ShutdownConfig config;

    Departure(Journal<ChatEvent> journal, Runner runner, ShutdownConfig config) {
        this.journal = journal;
        this.runner = runner;
        this.config = config;
    }

    /** Blocks for as long as turns may finish. Fired before anything is closed. */
    void leave(@Observes ShutdownDelayInitiatedEvent event) {
        journal.leave();
        LOG.infof("Stopping: no new turns; running here: %d", runner.count());
        long until = System.nanoTime() + config.grace().toNanos();
        while (runner.count() > 0 && System.nanoTime() < until) {
            if (journal.hasPeers()) {
                runner.handOver(runner.movable());
            }
            LockSupport.parkNanos(LOOK_AGAIN.toNanos());
        }
        runner.handOver(runner.all());
        journal.closeReaders();
        // What is on its way to them is a line each.
        LockSupport.parkNanos(LOOK_AGAIN.toNanos());
    }
}
