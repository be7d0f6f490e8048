package io.chatrelay.turn;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;

import org.jboss.logging.Logger;

import io.chatrelay.approval.InboxFeed;
import io.chatrelay.defect.Trace;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.journal.Journal;
import io.quarkus.runtime.ShutdownDelayInitiatedEvent;

/**
 * How turns and readers are handled when the process receives SIGTERM, while it still answers requests:
 *
 * <pre>
 * not ready, no new turns ──▶ do other replicas stay? ── yes ──▶ movable turns are handed over at once; their readers here follow them
 *                                  │ no                          turns that would be lost with their connection (Cloud) continue
 *                                  └──▶ turns continue ── all ends stored, or grace period over ──▶ the remaining turns are handed over
 *                                                                                                       │
 *      done ◀── all readers gone, or grace period over ◀── readers that can resume are disconnected ◀───┘
 * </pre>
 *
 * A caller that waits for a complete, non-streamed answer cannot resume. Within the grace period it receives the answer, whichever replica runs the
 * turn.
 */
@ApplicationScoped
class GracefulShutdown {

    private static final Logger LOG = Logger.getLogger(GracefulShutdown.class);
    private static final Duration LOOK_AGAIN = Duration.ofMillis(50);
    /** Time for readers to receive the remaining events: the end of an answer that has just completed. */
    private static final Duration FAREWELL = Duration.ofSeconds(2);

    private final Journal<ChatEvent> journal;
    private final TurnRunner runner;
    private final InboxFeed inbox;
    private final ShutdownConfig config;
    private volatile boolean underWay;

    GracefulShutdown(Journal<ChatEvent> journal, TurnRunner runner, InboxFeed inbox, ShutdownConfig config) {
        this.journal = journal;
        this.runner = runner;
        this.inbox = inbox;
        this.config = config;
    }

    /** Whether this process is shutting down: a caller that loses its connection now did not disconnect. */
    boolean isUnderWay() {
        return underWay;
    }

    /** Blocks for as long as turns may finish. The event is fired before anything is closed. */
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
        inbox.close();
        awaitReaders(System.nanoTime() + FAREWELL.toNanos());
        journal.dropReaders();
        awaitReaders(until);
    }

    private void awaitReaders(long until) {
        while (journal.readers() + inbox.readers() > 0 && System.nanoTime() < until) {
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
