package io.chatrelay.turn;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Stream;

import javax.sql.DataSource;

import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;

import org.jboss.logging.Logger;

import io.chatrelay.approval.ApprovalRow;
import io.chatrelay.approval.ApprovalsConfig;
import io.chatrelay.approval.AwaitingTurn;
import io.chatrelay.approval.DecisionOutbox;
import io.chatrelay.approval.Ledger;
import io.chatrelay.conversation.Conversation;
import io.chatrelay.conversation.Message;
import io.chatrelay.database.SqlErrors;
import io.chatrelay.defect.RepeatedTask;
import io.chatrelay.defect.Trace;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.EventWeight;
import io.chatrelay.event.Failure;
import io.chatrelay.event.MessageParts;
import io.chatrelay.event.Outcome;
import io.chatrelay.event.Role;
import io.chatrelay.event.Transcript;
import io.chatrelay.event.Turn;
import io.chatrelay.journal.Journal;
import io.chatrelay.journal.TurnLog;
import io.chatrelay.journal.UnreadableEventException;
import io.chatrelay.logging.LogIds;
import io.chatrelay.upstream.Breaker;
import io.chatrelay.upstream.EarlierRuns;
import io.chatrelay.upstream.Upstream;
import io.chatrelay.upstream.UpstreamRequest;
import io.chatrelay.upstream.UpstreamRun;
import io.chatrelay.upstream.Upstreams;
import io.quarkus.arc.All;
import io.quarkus.arc.Unremovable;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.virtual.threads.VirtualThreads;
import io.smallrye.mutiny.Uni;

/**
 * Runs the turns that this replica owns: starts them, applies their time-outs, hands them over, and takes over turns whose replica is gone. It is one
 * class because starting, taking over and handing over a turn all decide its owner.
 */
@ApplicationScoped
@Unremovable
class TurnRunner implements RunningTurn.Environment {

    private static final Logger LOG = Logger.getLogger(TurnRunner.class);
    /** The framework's scheduler looks once a second, which is too coarse for time-outs from 100 ms on. */
    private static final long TICK_MILLIS = 250;
    /** The upstream keeps the events of a conversation for about an hour; twice that is safe. */
    private static final Duration REPLAYED = Duration.ofHours(2);
    private static final Duration DATABASE = Duration.ofSeconds(30);
    /** The upstream waits half an hour for an approval, and retries a hanging model three times. */
    private static final Duration LONGEST_RUN = Duration.ofHours(1);
    /** Maximum number of concurrent takeovers: each uses a connection of the pool, which callers need, too. */
    private static final int TAKE_OVERS = 8;

    private final Journal<ChatEvent> journal;
    private final TurnConfig config;
    private final DataSource database;
    private final ExecutorService virtualThreads;
    private final TurnRow.Repository turns;
    private final Conversation.Repository conversations;
    private final Message.Repository messages;
    private final TurnListener listener;
    private final Upstreams upstreams;
    private final ApprovalRow.Repository approvals;
    private final DecisionOutbox outbox;
    private final TurnSpans spans;
    private final Set<UUID> takenOver = ConcurrentHashMap.newKeySet();
    private final Semaphore takeOvers = new Semaphore(TAKE_OVERS);
    private final Map<UUID, RunningTurn> running = new ConcurrentHashMap<>();
    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("chat-relay-turn-clock").factory());

    TurnRunner(Journal<ChatEvent> journal, TurnConfig config, DataSource database,
            @VirtualThreads ExecutorService virtualThreads,
            TurnRow.Repository turns, Conversation.Repository conversations, Message.Repository messages,
            ApprovalRow.Repository approvals, Upstreams upstreams, DecisionOutbox outbox, TurnSpans spans,
            @All List<TurnListener> listeners) {
        this.journal = journal;
        this.config = config;
        this.database = database;
        this.virtualThreads = virtualThreads;
        this.turns = turns;
        this.conversations = conversations;
        this.messages = messages;
        this.approvals = approvals;
        this.upstreams = upstreams;
        this.outbox = outbox;
        this.spans = spans;
        this.listener = new TurnListeners(Stream.concat(Stream.of(new TurnListener() {
            @Override
            public void over(AwaitingTurn turn) {
                running.remove(turn.turn().id(), turn);
            }
        }), listeners.stream()).toList());
    }

    void start(@Observes @Priority(100) StartupEvent event) throws SQLException {
        journal.start(new Journal.TakeoverHandler() {
            @Override
            public void takeOver(UUID turn, long last, UUID owner) {
                virtualThreads.execute(LogIds.ofTurn(turn).bound(() -> TurnRunner.this.takeOver(turn, last, owner)));
            }

            @Override
            public void cancel(UUID turn) {
                virtualThreads.execute(() -> TurnRunner.this.cancel(turn));
            }
        });
        outbox.start();
        clock.scheduleWithFixedDelay(new RepeatedTask("The turns' clock", this::tick), TICK_MILLIS, TICK_MILLIS,
                TimeUnit.MILLISECONDS);
    }

    void stop(@Observes ShutdownEvent event) {
        clock.shutdownNow();
        outbox.stop();
        journal.stop();
    }

    /**
     * Starts to read the upstream's answer; from now on the turn does not depend on any client connection.
     *
     * @param permission of the upstream's breaker. If this method returns, the turn tells it what became of the turn
     * @param span       of the turn, or null if nothing is traced
     */
    void run(UpstreamRequest question, Upstream upstream, UUID owner, Breaker.Permission permission, TurnSpan span) {
        Turn turn = question.turn();
        if (span != null) {
            span.of(turn);
        }
        RunningTurn begun = new RunningTurn(turn, new Transcript(), 0, config, upstream.approvals(), System.nanoTime(),
                listeners(new PermittedTurn(permission, System::nanoTime), span), this);
        begun.writesTo(journal.open(turn.id(), 0, owner, begun), owner);
        begun.logIds().run(() -> {
            LOG.infof("turn %s begins: conversation=%s caller=%s upstream=%s", turn.id(), turn.conversationId(), turn.caller(),
                    turn.upstream());
            reads(begun, () -> upstream.run(question));
        });
    }

    /** @param own of one turn, some of them null */
    private TurnListener listeners(TurnListener... own) {
        List<TurnListener> present = Stream.of(own).filter(Objects::nonNull).toList();
        return present.isEmpty() ? listener : new TurnListeners(Stream.concat(Stream.of(listener), present.stream()).toList());
    }

    /** From now on the clock checks the turn's time-outs. */
    private void reads(RunningTurn begun, Supplier<UpstreamRun> run) {
        running.put(begun.turn().id(), begun);
        boolean reads = false;
        try {
            reads = begun.reads(run.get());
        } catch (RuntimeException e) {
            // The turn is stored and must end.
            begun.onError(e);
        } finally {
            if (!reads) {
                // It is over, and perhaps was so before it was put into the map.
                running.remove(begun.turn().id(), begun);
            }
        }
    }

    /** Cancels a turn if it runs on this replica. */
    void cancel(UUID id) {
        RunningTurn turn = running.get(id);
        if (turn != null) {
            turn.logIds().run(turn::cancel);
        }
    }

    int count() {
        return running.size();
    }

    /** How many turns of a caller run on this replica. */
    int count(String tenant, String caller) {
        return (int) running.values().stream().map(RunningTurn::turn)
                .filter(turn -> turn.caller().equals(caller) && turn.tenant().equals(tenant)).count();
    }

    List<RunningTurn> all() {
        return List.copyOf(running.values());
    }

    /** The turns that another process could continue: their run outlives this process and is distinguishable from earlier runs. */
    List<RunningTurn> movable() {
        List<RunningTurn> able = all().stream().filter(RunningTurn::canMove).toList();
        if (able.isEmpty()) {
            return able;
        }
        try {
            Set<UUID> mistakable = QuarkusTransaction.requiringNew()
                    .call(() -> turns.mayBeMistaken(able.stream().map(turn -> turn.turn().id()).toList(), speaking()));
            return able.stream().filter(turn -> !mistakable.contains(turn.turn().id())).toList();
        } catch (RuntimeException e) {
            LOG.warnf("Turns stay here: the database does not say whether they can be followed (%s)",
                    e.getClass().getSimpleName());
            return List.of();
        }
    }

    /** Hands over those turns that can still move; another process continues them from their stored events. */
    void handOver(List<RunningTurn> turns) {
        leave(turns.stream().filter(RunningTurn::leaveToOthers).toList());
    }

    /** Hands over all running turns; another process ends or continues them. */
    void giveUp() {
        leave(all().stream().filter(RunningTurn::giveUp).toList());
    }

    private void leave(List<RunningTurn> left) {
        if (!left.isEmpty()) {
            LOG.infof("Turns left to other replicas: %d", left.size());
        }
        // This call also retries turns that could not be handed over before.
        journal.handOver(left.stream().map(turn -> turn.turn().id()).toList());
    }

    @Override
    public void offload(Runnable task) {
        virtualThreads.execute(task);
    }

    @Override
    public void abandon(UUID turn) {
        virtualThreads.execute(() -> journal.abandon(turn));
    }

    @Override
    public void deliver(AwaitingTurn turn, Ledger.Due decision) {
        outbox.send(turn, decision);
    }

    @Override
    public ApprovalsConfig approvals() {
        return outbox.config();
    }

    /**
     * Ends a turn from its stored events, because only stored events are valid.
     *
     * @param refusals how often the database has rejected this turn: on the second rejection the message is omitted, because the turn must end; on
     *                 the third the turn is abandoned and found again later
     */
    @Override
    public void endAsStored(Turn turn, TurnLog<ChatEvent> log, Ended ended, int refusals) {
        LogIds ids = LogIds.ofTurn(turn.id(), turn.conversationId(), turn.traceparent());
        if (refusals > 2) {
            ids.run(() -> LOG.errorf("turn %s could not be ended, and is tried again later: the database refuses its end",
                    turn.id()));
            journal.abandon(turn.id());
            return;
        }
        virtualThreads.execute(ids.bound(() -> {
            try {
                Transcript transcript = stored(turn.id()).transcript();
                log.reopen();
                log.append(transcript.closing(ended), new TurnEnd(turn, ended, transcript.started(),
                        refusals < 2 && transcript.hasContent() ? transcript.parts() : null));
            } catch (RuntimeException e) {
                LOG.errorf("turn %s could not be ended, and is tried again later: %s", turn.id(), Trace.of(e));
                journal.abandon(turn.id());
            }
        }));
    }

    private void takeOver(UUID id, long lastNumber, UUID owner) {
        // The turn may be found again while this takeover waits for the database: two would continue from the same number.
        if (takenOver.add(id)) {
            takeOvers.acquireUninterruptibly();
            try {
                resume(id, lastNumber, owner);
            } catch (RuntimeException e) {
                LOG.errorf("turn %s could not be taken over, and is tried again later: %s", id, Trace.of(e));
            } finally {
                takeOvers.release();
                takenOver.remove(id);
            }
        }
    }

    private record Left(Turn turn, boolean cancelled) {}

    private void resume(UUID id, long lastNumber, UUID owner) {
        Left left = untilAnswered(id, () -> {
            TurnRow row = turns.findById(id);
            return row == null ? null
                    : new Left(row.turn(conversations.findById(row.conversationId).externalId), row.cancelAskedAt != null);
        });
        if (left == null || running.containsKey(id)) {
            return;
        }
        LogIds.ofTurn(id, left.turn().conversationId(), left.turn().traceparent()).run(() -> resume(left, lastNumber, owner));
    }

    private void resume(Left left, long lastNumber, UUID owner) {
        Optional<Upstream> upstream = upstreams.named(left.turn().upstream());
        TurnSpan span = upstream.map(named -> spans.goOn(named, left.turn())).orElse(null);
        // The upstream is told the span of this replica, or none.
        Turn turn = left.turn().with(span == null ? null : span.context());
        UUID id = turn.id();
        Stored stored = stored(id);
        Optional<UpstreamRun> run = left.cancelled() ? Optional.empty()
                : upstream.flatMap(named -> furtherRun(turn, named, stored, lastNumber));
        LOG.infof("turn %s is taken over after event %d: %s", id, lastNumber,
                left.cancelled() ? "cancelled"
                        : run.isEmpty() ? "interrupted"
                                : stored.events().isEmpty() ? "its message is sent again" : "followed further");
        long begun = System.nanoTime() - Duration.between(turn.startedAt(), Instant.now()).toNanos();
        RunningTurn orphan = new RunningTurn(turn, stored.transcript(),
                stored.events().stream().mapToLong(EventWeight::of).sum(), config,
                upstream.map(Upstream::approvals).orElse(new Upstream.Approvals(Duration.ZERO, false)), begun,
                listeners(span), this);
        orphan.writesTo(journal.open(id, lastNumber, owner, orphan), owner);
        try {
            resume(orphan, run, left.cancelled());
        } catch (RuntimeException e) {
            journal.abandon(id);
            throw e;
        }
    }

    private void resume(RunningTurn orphan, Optional<UpstreamRun> run, boolean cancelled) {
        if (run.isPresent()) {
            reads(orphan, run::get);
        } else if (cancelled) {
            orphan.cancel();
        } else {
            orphan.stop(new Ended(Outcome.INTERRUPTED, null, null, Failure.of(Failure.Code.REPLICA_LOST,
                    "The process that ran this turn is gone; what came before is kept. Send the message again.")));
        }
    }

    /** The same run, if its upstream can prove it and no other run of the conversation may still be active. */
    private Optional<UpstreamRun> furtherRun(Turn turn, Upstream upstream, Stored stored, long last) {
        if (!stored.whole() || stored.events().size() != last || stored.transcript().ended() != null
                || stored.isOfLaterVersion()) {
            return Optional.empty();
        }
        try {
            return untilAnswered(turn.id(), () -> followed(turn, upstream, stored.events()));
        } catch (RuntimeException e) {
            // A defect: the run is not proven, and the turn must end.
            LOG.errorf("turn %s cannot be followed: %s", turn.id(), Trace.of(e));
            return Optional.empty();
        }
    }

    private Optional<UpstreamRun> followed(Turn turn, Upstream upstream, List<ChatEvent> stored) {
        Optional<StoredRequest> request = turns.findById(turn.id()).request();
        if (stored.isEmpty()) {
            return request.flatMap(asked -> upstream.again(question(turn, asked)));
        }
        if (mayStillSpeak(turn)) {
            return Optional.empty();
        }
        boolean told = approvals.ofTurn(turn.id()).stream()
                .anyMatch(approval -> approval.attempts > 0 && approval.outcome == null);
        return upstream.resume(turn, request.map(StoredRequest::headers).orElse(Map.of()),
                stored.stream().filter(event -> !(event instanceof ChatEvent.ApprovalDecided)).toList(), told);
    }

    /** Runs in its own transaction and retries until the database answers: an owned turn must continue or end. */
    private static <T> T untilAnswered(UUID turn, Supplier<T> question) {
        while (true) {
            try {
                return QuarkusTransaction.requiringNew().call(question::get);
            } catch (RuntimeException e) {
                if (!SqlErrors.isAway(e)) {
                    throw e;
                }
                LOG.warnf("turn %s waits for the database to be taken over", turn);
                pause();
            }
        }
    }

    private UpstreamRequest question(Turn turn, StoredRequest request) {
        List<Message> asked = messages.asked(turn.id());
        return new UpstreamRequest(turn, asked.getLast().id,
                asked.stream()
                        .map(said -> new UpstreamRequest.ChatMessage(Role.of(said.role), MessageParts.whole(said.parts),
                                said.name))
                        .toList(),
                List.of(),
                request.parameters(), request.headers(), earlier(turn));
    }

    /**
     * The earlier runs from which the upstream distinguishes the turn's run. Waits for an unavailable database; without these data nothing is proven.
     */
    Uni<EarlierRuns> earlier(Turn turn) {
        // The waiting time begins when the upstream requests this, not when the turn begins.
        return Uni.createFrom().deferred(() -> Uni.createFrom().item(() -> QuarkusTransaction.requiringNew()
                .call(() -> new EarlierRuns(turns.earlierRuns(turn.conversation(), turn.id()), mayStillSpeak(turn),
                        turns.mayBeUnknown(turn.conversation(), turn.id(), speaking().minus(REPLAYED)))))
                .runSubscriptionOn(virtualThreads)
                .onFailure().retry().withBackOff(Duration.ofMillis(500), Duration.ofSeconds(5)).expireIn(DATABASE.toMillis())
                .onFailure().invoke(e -> LogIds.ofTurn(turn.id(), turn.conversationId(), turn.traceparent())
                        .run(() -> LOG.warnf("turn %s: its earlier runs are not known: %s", turn.id(), Trace.of(e))))
                .onFailure().recoverWithItem(new EarlierRuns(Set.of(), true, true)));
    }

    private boolean mayStillSpeak(Turn turn) {
        return turns.mayStillSpeak(turn.conversation(), turn.id(), speaking());
    }

    /** A run that was abandoned before this time is no longer active, even if the configured maximum duration of a turn is short. */
    private Instant speaking() {
        Duration longest = config.maxDuration().compareTo(LONGEST_RUN) > 0 ? config.maxDuration() : LONGEST_RUN;
        return Instant.now().minus(longest);
    }

    /**
     * The readable events of a turn, and their transcript.
     *
     * @param whole whether these are all events
     */
    private record Stored(Transcript transcript, List<ChatEvent> events, boolean whole) {

        /**
         * Whether a later version ran the turn and stored events that this version does not know. Such a run is not resumed: its events would be
         * decoded differently from the stored events, so it could never be proven to be the same run; and this version could not close what such an
         * event opened.
         */
        boolean isOfLaterVersion() {
            return events.stream().anyMatch(ChatEvent.Unknown.class::isInstance);
        }
    }

    /** Retries until the database answers: an owned turn must end. */
    private Stored stored(UUID turn) {
        while (true) {
            List<ChatEvent> events = new ArrayList<>();
            boolean whole = true;
            try (Connection connection = database.getConnection()) {
                journal.replay(connection, turn, events::add);
            } catch (UnreadableEventException e) {
                LOG.errorf("turn %s: an event of it cannot be read: %s", turn, Trace.of(e));
                whole = false;
            } catch (SQLException e) {
                // Whatever the error is, it gives no information about the turn's events.
                LOG.warnf("turn %s waits for the database to be ended", turn);
                pause();
                continue;
            }
            return folded(turn, events, whole);
        }
    }

    private static Stored folded(UUID turn, List<ChatEvent> events, boolean all) {
        Transcript transcript = new Transcript();
        int applied = 0;
        try {
            for (; applied < events.size(); applied++) {
                transcript.apply(events.get(applied));
            }
        } catch (RuntimeException e) {
            // The event does not fit the events before it: no version of this service writes such a sequence.
            LOG.errorf("turn %s: event %d of it cannot be applied: %s", turn, applied + 1, Trace.of(e));
            return cutOff(turn, transcript, events.subList(0, applied));
        }
        return all ? new Stored(transcript, events, true) : cutOff(turn, transcript, events);
    }

    private static Stored cutOff(UUID turn, Transcript transcript, List<ChatEvent> events) {
        LOG.errorf("turn %s: what is stored of it cannot be read beyond event %d", turn, events.size());
        transcript.missesEvents();
        return new Stored(transcript, events, false);
    }

    private static void pause() {
        try {
            Thread.sleep(500);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("stopping", e);
        }
    }

    private void tick() {
        long now = System.nanoTime();
        List.copyOf(running.values()).forEach(turn -> turn.logIds().run(() -> tick(turn, now)));
    }

    private static void tick(RunningTurn turn, long now) {
        try {
            turn.tick(now);
        } catch (RuntimeException | Error e) {
            turn.onError(e);
        }
    }
}
