package io.chatrelay.turn;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ExecutorService;

import javax.sql.DataSource;

import jakarta.enterprise.context.ApplicationScoped;

import org.jboss.logging.Logger;

import io.chatrelay.conversation.Conversation;
import io.chatrelay.event.ChatException;
import io.chatrelay.event.Outcome;
import io.chatrelay.event.Scope;
import io.chatrelay.event.Turn;
import io.chatrelay.event.TurnView;
import io.chatrelay.logging.LogIds;
import io.chatrelay.upstream.Upstreams;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.virtual.threads.VirtualThreads;

/**
 * Cancels turns on any replica. The cancel request is stored with the turn. The replica that runs the turn ends it as {@link Outcome#CANCELLED},
 * either at once or at its next poll. Content received before is kept. A replica that takes the turn over also ends it as cancelled.
 */
@ApplicationScoped
public class Cancellation {

    /**
     * A turn that is being cancelled.
     *
     * @param mayGoOnUpstream whether the upstream cannot be stopped and may still process the turn
     */
    public record Asked(TurnView turn, boolean mayGoOnUpstream) {}

    private static final Logger LOG = Logger.getLogger(Cancellation.class);
    private static final Duration LOOK_AGAIN = Duration.ofMillis(50);
    private static final Duration LOOK_AGAIN_AT_MOST = Duration.ofMillis(400);
    private static final String MISSING = "There is no such conversation.";

    private final DataSource database;
    private final Conversation.Repository conversations;
    private final TurnRow.Repository turns;
    private final QueuedRow.Repository queue;
    private final Upstreams upstreams;
    private final TurnRunner runner;
    private final ExecutorService virtualThreads;
    private final TurnConfig config;
    private final GracefulShutdown shutdown;

    Cancellation(DataSource database, Conversation.Repository conversations, TurnRow.Repository turns,
            QueuedRow.Repository queue, Upstreams upstreams,
            TurnRunner runner, @VirtualThreads ExecutorService virtualThreads, TurnConfig config,
            GracefulShutdown shutdown) {
        this.database = database;
        this.conversations = conversations;
        this.turns = turns;
        this.queue = queue;
        this.upstreams = upstreams;
        this.runner = runner;
        this.virtualThreads = virtualThreads;
        this.config = config;
        this.shutdown = shutdown;
    }

    /**
     * Cancels the running turn of a conversation. The cancel request is stored when this method returns; the turn ends within a second while its
     * replica is alive. A repeated request for a cancelled turn returns the same result.
     *
     * @param turnId the only turn that may be cancelled, or null for the running turn
     */
    public Asked cancel(Scope scope, String conversationId, UUID turnId) {
        UUID turn = QuarkusTransaction.requiringNew().call(() -> find(scope, conversationId, turnId).id);
        boolean stops = stop(turn);
        return QuarkusTransaction.requiringNew().call(() -> {
            TurnRow now = turns.findByIdOptional(turn).orElseThrow(() -> ChatException.notFound(MISSING));
            if (!stops && !now.state.equals(Outcome.CANCELLED.wireName())) {
                throw TurnConflictException.notRunning(turns.view(now, conversationId));
            }
            return new Asked(turns.view(now, conversationId),
                    upstreams.named(now.upstream).map(upstream -> !upstream.stopsWithReader()).orElse(true));
        });
    }

    private TurnRow find(Scope scope, String conversationId, UUID turnId) {
        Conversation conversation = conversations.of(scope, conversationId)
                .orElseThrow(() -> ChatException.notFound(MISSING));
        Optional<TurnRow> found = turnId == null ? turns.current(conversation.id)
                : turns.inConversation(conversation.id, turnId);
        return found.orElseThrow(() -> turnId == null ? TurnConflictException.notRunning(null)
                : queue.refused(conversation.id, turnId).isPresent() ? ChatException.messageQueued()
                        : ChatException.notFound("turnId", "turnId: there is no such turn in this conversation."));
    }

    /** Stores the cancel request, and cancels the turn if it runs here. False if the turn has already ended. */
    private boolean stop(UUID turn) {
        boolean stored;
        try (Connection connection = database.getConnection()) {
            stored = TurnStore.requestCancel(connection, turn);
        } catch (SQLException e) {
            throw new IllegalStateException("a cancel could not be recorded", e);
        }
        runner.cancel(turn);
        return stored;
    }

    /** Cancels a turn whose caller disconnected, as the caller requested. Returns at once. */
    public void left(Turn turn) {
        if (shutdown.isUnderWay()) {
            // This replica closed the connection.
            return;
        }
        virtualThreads.execute(LogIds.current().withTurn(turn.id(), turn.conversationId(), turn.traceparent()).bound(() -> {
            try {
                stop(turn.id());
            } catch (RuntimeException e) {
                LOG.warnf("turn %s: its caller has left, and the database is away; it is stopped if it runs here", turn.id());
                runner.cancel(turn.id());
            }
        }));
    }

    /** Cancels a turn so that another can begin. Blocks until it has ended; false if it does not end within the configured time. */
    boolean makeRoom(UUID turn) {
        // What waits in its conversation would begin at its end.
        QuarkusTransaction.requiringNew().run(() -> turns.findByIdOptional(turn)
                .ifPresent(row -> queue.holdBack(row.conversationId, config.cancelWait())));
        stop(turn);
        long until = System.nanoTime() + config.cancelWait().toNanos();
        Duration pause = LOOK_AGAIN;
        while (QuarkusTransaction.requiringNew().call(() -> turns.findByIdOptional(turn).map(TurnRow::running).orElse(false))) {
            if (System.nanoTime() > until) {
                return false;
            }
            pause(pause);
            pause = pause.compareTo(LOOK_AGAIN_AT_MOST) < 0 ? pause.multipliedBy(2) : pause;
        }
        return true;
    }

    private static void pause(Duration pause) {
        try {
            Thread.sleep(pause);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("stopping", e);
        }
    }
}
