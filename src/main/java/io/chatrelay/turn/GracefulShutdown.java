package io.chatrelay.turn;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;

import org.jboss.logging.Logger;

import io.chatrelay.defect.Trace;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.journal.Journal;
import io.quarkus.runtime.ShutdownDelayInitiatedEvent;

/**
 * What happens to turns and readers when the process is told to stop (SIGTERM), while it still answers requests:
 *
 * <pre>
 * not ready, no new turns ──▶ other replicas that stay? ── yes ──▶ what they can follow is handed over at once; its readers follow it
 *                                  │ no                            what would be lost with its connection (Cloud) goes on
 *                                  └──▶ turns go on ── all ends stored, or the grace is over ──▶ the rest is handed over
 *                                                                                                       │
 *      over ◀── all have gone, or the grace is over ◀── readers that can come back are sent away ◀──────┘
 * </pre>
 *
 * A caller that waits for its answer in one piece cannot come back: within the grace it gets it, from wherever the turn runs by then.
 */
@ApplicationScoped
class GracefulShutdown {

    private static final Logger LOG = Logger.getLogger(GracefulShutdown.class);
    private static final Duration LOOK_AGAIN = Duration.ofMillis(50);
    /** For readers to take what is there: the end of an answer that has just completed. */
    private static final Duration FAREWELL = Duration.ofSeconds(2);

    private final Journal<ChatEvent> journal;
    private final TurnRunner runner;
    private final ShutdownConfig config;
    private volatile boolean underWay;

    GracefulShutdown(Journal<ChatEvent> journal, TurnRunner runner, ShutdownConfig config) {
        this.journal = journal;
        this.runner = runner;
        this.config = config;
    }

    /** Whether this process stops: who loses its connection now did not leave. */
    boolean isUnderWay() {
        return underWay;
    }

    /** Blocks for as long as turns may finish. Fired before anything is closed. */
    void leave(@Observes ShutdownDelayInitiatedEvent event) {
        long until = System.nanoTime() + config.grace().toNanos();
        journal.leave();
        LOG.infof("Stopping: no new turns; running here: %d", runner.count());
        while (journal.unfinished() > 0 && System.nanoTime() < until) {
            if (journal.hasPeers()) {
                handOver(() -> runner.handOver(runner.movable()));
            }
            LockSupport.parkNanos(LOOK_AGAIN.toNanos());
        }
        underWay = true;
        handOver(runner::giveUp);
        journal.closeReaders();
        awaitReaders(System.nanoTime() + FAREWELL.toNanos());
        journal.dropReaders();
        awaitReaders(until);
    }

    private void awaitReaders(long until) {
        while (journal.readers() > 0 && System.nanoTime() < until) {
            LockSupport.parkNanos(LOOK_AGAIN.toNanos());
        }
    }

    private static void handOver(Runnable turns) {
        try {
            turns.run();
        } catch (RuntimeException e) {
            LOG.errorf("Turns could not be handed over; they are taken over when the lease is given up: %s", Trace.of(e));
        }
    }
}
