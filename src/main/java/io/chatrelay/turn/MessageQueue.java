package io.chatrelay.turn;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;

import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.transaction.Transactional;

import org.jboss.logging.Logger;

import io.chatrelay.conversation.Conversation;
import io.chatrelay.conversation.PageConfig;
import io.chatrelay.conversation.PageSelection;
import io.chatrelay.database.SqlErrors;
import io.chatrelay.defect.RepeatedTask;
import io.chatrelay.defect.Trace;
import io.chatrelay.event.ChatException;
import io.chatrelay.event.Scope;
import io.chatrelay.logging.LogIds;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.virtual.threads.VirtualThreads;

/**
 * The messages that wait for the turns before them. They are rows, so they survive every process; each replica looks for conversations whose turn
 * has ended, and begins the next one in a transaction that locks the conversation, so that one replica begins it.
 *
 * <pre>
 * waits ── no turn runs, and it is the first ──▶ its turn runs, under the same id
 *   │ ├── a limit, a breaker ──▶ waits, and is tried again later
 *   │ └── it cannot be sent, for minutes ──▶ refused: listed with the reason, until it is withdrawn or sent again
 *   └── withdrawn ──▶ gone
 * </pre>
 */
@ApplicationScoped
public class MessageQueue {

    /** A page of a conversation's messages. @param more whether others follow */
    public record Waiting(List<QueuedMessage> messages, boolean more) {}

    private static final Logger LOG = Logger.getLogger(MessageQueue.class);
    /** So that they leave connections of the pool to others. */
    private static final int AT_ONCE = 4;
    private static final int A_LOOK = 100;
    /** The figure for the metric is some seconds old, because it is counted. */
    private static final int LOOKS_A_COUNT = 20;
    /** After what should not be. */
    private static final Duration AGAIN = Duration.ofSeconds(5);
    private static final String MISSING = "There is no such conversation.";

    private final Conversation.Repository conversations;
    private final TurnRow.Repository turns;
    private final QueuedRow.Repository queue;
    private final Acceptance acceptance;
    private final ReplicaCapacity capacity;
    private final QueueConfig config;
    private final PageConfig pages;
    private final ExecutorService virtualThreads;
    private final Semaphore places = new Semaphore(AT_ONCE);
    /** Conversations whose next turn is being begun: at most as many as two looks find. */
    private final Set<UUID> beginning = ConcurrentHashMap.newKeySet();
    /** Conversations that are looked at again at that time of {@code System.nanoTime}: what keeps them may be this replica's own. */
    private final Map<UUID, Long> later = new ConcurrentHashMap<>();
    private int looks;
    private final AtomicBoolean looking = new AtomicBoolean();
    /** Whether the last look failed: a defect is one line of the log, not four a second. */
    private volatile boolean failed;
    private volatile long waiting;
    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("chat-relay-queue-clock").factory());

    MessageQueue(Conversation.Repository conversations, TurnRow.Repository turns, QueuedRow.Repository queue,
            Acceptance acceptance, ReplicaCapacity capacity, QueueConfig config, PageConfig pages,
            @VirtualThreads ExecutorService virtualThreads,
            MeterRegistry metrics) {
        this.conversations = conversations;
        this.turns = turns;
        this.queue = queue;
        this.acceptance = acceptance;
        this.capacity = capacity;
        this.config = config;
        this.pages = pages;
        this.virtualThreads = virtualThreads;
        Gauge.builder("chat.relay.messages.queued", this, now -> now.waiting)
                .description("Messages of all conversations that wait for their turn, as this replica saw them last")
                .register(metrics);
    }

    /** After the turns' runner, which begins what is found here. */
    void start(@Observes @Priority(200) StartupEvent event) {
        long every = config.pollEvery().toNanos();
        clock.scheduleWithFixedDelay(new RepeatedTask("The queue's clock", this::look), every, every, TimeUnit.NANOSECONDS);
    }

    void stop(@Observes @Priority(1) ShutdownEvent event) {
        clock.shutdownNow();
    }

    /**
     * The messages that wait in a conversation, the next one first. There are fewer than {@code limit} if they are large, but at least one.
     *
     * @param after the place of the last message of the previous page, or 0
     */
    @Transactional
    public Waiting list(Scope scope, String conversationId, int after, int limit) {
        Conversation conversation = conversations.of(scope, conversationId)
                .orElseThrow(() -> ChatException.notFound(MISSING));
        PageSelection page = PageSelection.of(queue.sizes(conversation.id, after, limit + 1), limit,
                pages.maxBytes().asLongValue());
        return new Waiting(queue.views(conversation.id, page.ids(), conversationId), page.more());
    }

    /**
     * Removes a message that waits.
     *
     * @throws ChatException if its turn has begun, or there is none
     */
    @Transactional
    public void withdraw(Scope scope, String conversationId, UUID id) {
        Conversation conversation = conversations.locked(scope, conversationId)
                .orElseThrow(() -> ChatException.notFound(MISSING));
        if (!queue.remove(conversation.id, id)) {
            turns.findByIdOptional(id).filter(turn -> turn.conversationId.equals(conversation.id)).ifPresent(turn -> {
                throw TurnConflictException.begun(turns.view(turn, conversationId));
            });
            throw ChatException.notFound("No message of that id waits in this conversation.");
        }
    }

    private void look() {
        if (looking.compareAndSet(false, true)) {
            try {
                virtualThreads.execute(() -> {
                    try {
                        beginAll();
                    } finally {
                        looking.set(false);
                    }
                });
            } catch (RuntimeException | Error e) {
                // A failure to start a thread must not stop the look-out for good.
                looking.set(false);
                throw e;
            }
        }
    }

    private void beginAll() {
        try {
            if (!capacity.takesTurns()) {
                return;
            }
            long now = System.nanoTime();
            later.values().removeIf(time -> time - now <= 0);
            List<UUID> without = Stream.concat(later.keySet().stream(), beginning.stream()).toList();
            QuarkusTransaction.requiringNew().call(() -> queue.due(without, A_LOOK)).forEach(this::beginSoon);
            if (looks++ % LOOKS_A_COUNT == 0) {
                waiting = QuarkusTransaction.requiringNew().call(queue::waiting);
            }
            failed = false;
        } catch (RuntimeException e) {
            if (SqlErrors.isAway(e)) {
                LOG.debugf("Waiting messages wait for the database: %s", e.getClass().getSimpleName());
            } else if (!failed) {
                LOG.warnf("Waiting messages wait on: %s", Trace.of(e));
                failed = true;
            }
        }
    }

    private void beginSoon(QueuedRow.Repository.Due due) {
        beginning.add(due.conversation());
        try {
            virtualThreads.execute(() -> {
                places.acquireUninterruptibly();
                try {
                    begin(due);
                } finally {
                    places.release();
                    beginning.remove(due.conversation());
                }
            });
        } catch (RuntimeException | Error e) {
            beginning.remove(due.conversation());
            throw e;
        }
    }

    private void begin(QueuedRow.Repository.Due due) {
        LogIds.NONE.run(() -> {
            Duration again;
            try {
                again = acceptance.acceptNext(due);
            } catch (ChatException e) {
                // This replica takes no turns now, or the caller's turns wait for each other.
                again = AGAIN;
            } catch (RuntimeException e) {
                LOG.warnf("The messages of a conversation are tried again: %s",
                        SqlErrors.isAway(e) ? "the database did not answer" : Trace.of(e));
                again = AGAIN;
            }
            if (again.isPositive()) {
                later.put(due.conversation(), System.nanoTime() + again.toNanos());
            }
        });
    }
}
