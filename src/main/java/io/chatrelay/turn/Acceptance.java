package io.chatrelay.turn;

import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.LockModeType;
import jakarta.persistence.PersistenceException;

import org.hibernate.Session;
import org.hibernate.Timeouts;
import org.hibernate.jpa.SpecHints;
import org.jboss.logging.Logger;
import org.jspecify.annotations.Nullable;

import io.chatrelay.approval.ApprovalView;
import io.chatrelay.approval.Approvals;
import io.chatrelay.cluster.LeaseConfig;
import io.chatrelay.conversation.Conversation;
import io.chatrelay.conversation.Message;
import io.chatrelay.database.SqlErrors;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatException;
import io.chatrelay.event.Ids;
import io.chatrelay.event.OnRunning;
import io.chatrelay.event.Scope;
import io.chatrelay.event.Turn;
import io.chatrelay.journal.Journal;
import io.chatrelay.limit.CallerLimits;
import io.chatrelay.limit.Limits;
import io.chatrelay.upstream.Upstream;
import io.chatrelay.upstream.UpstreamRequest;
import io.chatrelay.upstream.UpstreamRequest.ChatMessage;
import io.quarkus.narayana.jta.QuarkusTransaction;

/**
 * Accepts one command in a transaction of its own, and knows every rule: it begins a turn, attaches to one, edits, cancels the turn that runs, lets
 * the message wait behind it, or gives the reason why the turn cannot begin. Most turns do not need it: they begin together ({@link Admission}).
 */
@ApplicationScoped
class Acceptance {

    private static final Logger LOG = Logger.getLogger(Acceptance.class);
    /** Two equal commands at the same moment conflict once in a unique index; the second attempt finds the turn of the other command. */
    private static final int TRIES = 4;
    /** Source: PostgreSQL, appendix A. */
    private static final String DEADLOCK = "40P01";
    /** When a turn of the caller ends is not known, and its tokens come back at midnight. */
    private static final Duration LIMITED = Duration.ofSeconds(2);
    private static final Duration FAILING = Duration.ofSeconds(5);

    /** A turn runs in the command's conversation, and the command must not attach to it. */
    private static final class Occupied extends RuntimeException {
        private static final long serialVersionUID = 1;
        private final transient UUID turn;

        Occupied(UUID turn) {
            super(null, null, false, false);
            this.turn = turn;
        }
    }

    /** What a transaction has stored, or found. */
    private sealed interface Accepted {}

    /** The turn that the same command began before. */
    private record Attached(Turn turn) implements Accepted {}

    /** A turn that is to be run. */
    private record Begun(Turn turn, Upstream upstream, UpstreamRequest question, UUID owner,
            TurnSpan span) implements Accepted {}

    /** The message waits for the turns before it. */
    private record Waits(QueuedMessage message) implements Accepted {}

    /**
     * What became of the message that is next.
     *
     * @param begun or null
     * @param again when to look again
     */
    private record Next(@Nullable Begun begun, Duration again) {
        private static final Next NOTHING = new Next(null, Duration.ZERO);
    }

    private final Conversation.Repository conversations;
    private final Message.Repository messages;
    private final TurnRow.Repository turns;
    private final QueuedRow.Repository queue;
    private final UpstreamSelection upstreams;
    private final TurnInsert insert;
    private final TurnRunner runner;
    private final Journal<ChatEvent> journal;
    private final Approvals approvals;
    private final TurnConfig config;
    private final LeaseConfig lease;
    private final Cancellation cancellation;
    private final Limits limits;

    Acceptance(Conversation.Repository conversations, Message.Repository messages, TurnRow.Repository turns,
            QueuedRow.Repository queue, UpstreamSelection upstreams, TurnInsert insert, TurnRunner runner,
            Journal<ChatEvent> journal, Approvals approvals,
            TurnConfig config, LeaseConfig lease, Cancellation cancellation, Limits limits) {
        this.conversations = conversations;
        this.messages = messages;
        this.turns = turns;
        this.queue = queue;
        this.upstreams = upstreams;
        this.insert = insert;
        this.runner = runner;
        this.journal = journal;
        this.approvals = approvals;
        this.config = config;
        this.lease = lease;
        this.cancellation = cancellation;
        this.limits = limits;
    }

    /** What the upstream is asked. */
    UpstreamRequest question(Turn turn, UUID messageId, SendCommand command, List<ChatMessage> before) {
        return new UpstreamRequest(turn, messageId, command.asked(), before, Collections.unmodifiableMap(command.parameters()),
                command.headers(), runner.earlier(turn));
    }

    /** Begins the turn of a command in a transaction of its own, attaches to one, or stores the message for later. */
    Sent accept(SendCommand command, byte[] digest) {
        boolean replaces = command.onRunning() == OnRunning.CANCEL;
        for (int attempt = 1;; attempt++) {
            boolean makesRoom = replaces;
            try (HeldPermission permission = new HeldPermission()) {
                return switch (limits.of(command.tenant(), command.caller()).begin(() -> QuarkusTransaction
                        .requiringNew().call(() -> look(command, digest, makesRoom, permission)))) {
                    case Waits(var message) -> new Sent.Queued(message);
                    case Attached(var turn) -> new Sent.InTurn(turn);
                    case Begun begun -> new Sent.InTurn(run(begun, permission));
                };
            } catch (Occupied e) {
                // Another turn may have begun meanwhile; on the last attempt a running turn rejects the command.
                replaces = cancellation.makeRoom(e.turn) && attempt < TRIES;
            } catch (PersistenceException e) {
                if (attempt >= TRIES || !metAnother(e)) {
                    throw e;
                }
                LOG.debugf("Two commands met; trying again (%d)", attempt);
            }
        }
    }

    /** Two transactions inserted the same, or waited for each other: the next attempt finds what the other one stored. */
    private static boolean metAnother(Throwable e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof SQLException sql && (SqlErrors.isDuplicate(sql) || DEADLOCK.equals(sql.getSQLState()))) {
                return true;
            }
        }
        return false;
    }

    private Turn run(Begun begun, HeldPermission permission) {
        runner.run(begun.question(), begun.upstream(), begun.owner(), permission.held(), begun.span());
        permission.handedOver();
        return begun.turn();
    }

    /**
     * Begins the turn of the message that is next in a conversation.
     *
     * @return when to look again at the conversation; zero if there is nothing to wait for
     */
    Duration acceptNext(QueuedRow.Repository.Due due) {
        CallerLimits caller = limits.of(due.tenant(), due.caller());
        try (HeldPermission permission = new HeldPermission()) {
            Next next = caller.begin(() -> QuarkusTransaction.requiringNew()
                    .call(() -> lookNext(due.conversation(), caller, permission)));
            if (next.begun() != null) {
                run(next.begun(), permission);
            }
            return next.again();
        }
    }

    private Next lookNext(UUID id, CallerLimits caller, HeldPermission permission) {
        UUID owner = fence();
        // Whoever holds it begins this message, or changes what is next.
        Conversation conversation = conversations.getEntityManager().find(Conversation.class, id,
                LockModeType.PESSIMISTIC_WRITE, Map.of(SpecHints.HINT_SPEC_LOCK_TIMEOUT, Timeouts.SKIP_LOCKED_MILLI));
        if (conversation == null || turns.running(id).isPresent()) {
            return Next.NOTHING;
        }
        Optional<QueuedRow> first = queue.first(id);
        // Another caller's message may be first by now.
        return first.isEmpty() || !first.get().caller.equals(caller.name()) ? Next.NOTHING
                : lookNext(first.get(), conversation, caller, owner, permission);
    }

    /** What keeps the message from its turn is noted by the transaction that found it first in its queue. */
    private Next lookNext(QueuedRow next, Conversation conversation, CallerLimits caller, UUID owner,
            HeldPermission permission) {
        SendCommand command = next.command(conversation.externalId);
        Upstream upstream;
        try {
            Optional<TurnRow> same = command.idempotencyKey() == null ? Optional.empty()
                    : turns.byKey(command.tenant(), command.caller(), command.idempotencyKey());
            if (same.isPresent() && isBegunBy(command, next.commandDigest, same.get())) {
                queue.remove(next.conversationId, next.id);
                return Next.NOTHING;
            }
            if (same.isPresent()) {
                throw ChatException.keyReused();
            }
            upstream = upstreams.of(command, Optional.of(conversation));
            upstreams.check(command, upstream);
        } catch (ChatException e) {
            queue.fails(next, e.kind() == ChatException.Kind.INVALID ? e.field() + " " + e.getMessage() : e.getMessage());
            LOG.infof("A waiting message of conversation %s cannot be sent%s: %s", conversation.externalId,
                    next.refused ? ", and is refused" : " now", e.kind());
            return next.refused ? Next.NOTHING : new Next(null, FAILING);
        }
        if (caller.keepsFromBeginning(() -> storedRunning(command, caller.runningTurns().orElseThrow())).isPresent()) {
            return new Next(null, LIMITED);
        }
        if (!permission.tryAcquire(upstream)) {
            return new Next(null, Duration.ofSeconds(upstream.breaker().retryAfter()));
        }
        queue.remove(next.conversationId, next.id);
        return new Next(begin(command, conversation, upstream, owner, next.commandDigest, false, next.id, true), Duration.ZERO);
    }

    private Accepted look(SendCommand command, byte[] digest, boolean makesRoom, HeldPermission permission) {
        UUID owner = fence();
        if (command.maybeRepeated()) {
            lockDigest(digest);
        }
        Optional<Accepted> repeated = repeated(command, digest);
        if (repeated.isPresent()) {
            return repeated.get();
        }
        Optional<Conversation> known = command.conversationId() == null ? Optional.empty()
                : conversations.locked(Scope.of(command.tenant()), command.conversationId());
        if (known.isPresent() && !known.get().isIn(command.scope())) {
            // Its id is taken, so no conversation of this end user can begin with it.
            throw ChatException.notFound("There is no such conversation.");
        }
        // The same command may have been stored while this one waited for the lock.
        repeated = known.isPresent() ? repeated(command, digest) : Optional.empty();
        if (repeated.isPresent()) {
            return repeated.get();
        }
        Upstream upstream = upstreams.of(command, known);
        upstreams.check(command, upstream);
        if (known.isEmpty() && UpstreamSelection.needsKnown(command, upstream)) {
            throw ChatException.invalid("messages",
                    ("holds answers of a conversation that is not known here, and the upstream '%s' keeps"
                            + " its history itself: send the conversationId of the conversation, or the new message alone")
                            .formatted(upstream.name()));
        }
        Conversation conversation = known.orElseGet(() -> insert.conversation(command, upstream));
        Optional<TurnRow> running = turns.running(conversation.id);
        boolean mayWait = command.onRunning() == OnRunning.ENQUEUE;
        // Whoever may write ahead may write the same again: only its key, or its client's marker, says that it repeats itself.
        if (running.isPresent() && !mayWait && !command.replacesSame() && isSame(command, digest, running.get())) {
            return attach(running.get());
        }
        if (mayWait && known.isPresent() && (running.isPresent() || queue.waitsIn(conversation.id))
                && !isEdit(command, conversation)) {
            return wait(command, digest, conversation, upstream);
        }
        if (running.isEmpty() || makesRoom) {
            // Before a running turn is cancelled for it, too.
            checkLimits(command, running);
            permission.acquire(upstream);
        }
        refuseWhileRunning(running, conversation, makesRoom);
        if (command.onRunning() == OnRunning.CANCEL && known.isPresent()) {
            queue.holdBack(conversation.id, Duration.ZERO);
        }
        return begin(command, conversation, upstream, owner, digest, known.isEmpty(), Ids.next(), false);
    }

    /**
     * Refuses the command if its caller has reached a limit.
     *
     * @param replaced the turn that is cancelled for it
     */
    private void checkLimits(SendCommand command, Optional<TurnRow> replaced) {
        CallerLimits caller = limits.of(command.tenant(), command.caller());
        caller.keepsFromBeginning(() -> {
            int running = storedRunning(command, caller.runningTurns().orElseThrow())
                    - (int) replaced.filter(turn -> turn.caller.equals(command.caller())).stream().count();
            caller.running(running + 1);
            return running;
        }).ifPresent(limit -> {
            throw caller.refusesTurn(limit);
        });
    }

    private int storedRunning(SendCommand command, int limit) {
        return turns.getEntityManager().unwrap(Session.class).doReturningWork(
                connection -> TurnStore.running(connection, command.tenant(), command.caller(), limit));
    }

    private UUID fence() {
        return turns.getEntityManager().unwrap(Session.class).doReturningWork(connection -> {
            try {
                return journal.fence(connection);
            } catch (SQLException e) {
                if ("57P03".equals(e.getSQLState())) {
                    throw ChatException.unavailable(
                            "This replica takes no turns now: it stops, or registers anew. Try again in a moment.", 1);
                }
                throw e;
            }
        });
    }

    /** A client that retries without a key may send the retry while its first request is still being stored: the lock serialises them. */
    private void lockDigest(byte[] digest) {
        turns.getEntityManager().createNativeQuery("select 1 from (select pg_advisory_xact_lock(:key)) as locked")
                .setParameter("key", CommandDigest.lock(digest)).getSingleResult();
    }

    private Optional<Accepted> repeated(SendCommand command, byte[] digest) {
        if (command.idempotencyKey() != null) {
            return byKey(command, digest);
        }
        if (!command.repeated()) {
            return Optional.empty();
        }
        Instant since = turns.now().minus(config.retryWindow());
        return queue.byDigest(command, digest, since).map(this::waits)
                .or(() -> turns.byDigest(command.tenant(), command.caller(), digest, since).map(this::attach));
    }

    private Optional<Accepted> byKey(SendCommand command, byte[] digest) {
        Optional<TurnRow> turn = turns.byKey(command.tenant(), command.caller(), command.idempotencyKey());
        if (turn.isPresent()) {
            return Optional.of(attach(checked(turn.get(), isBegunBy(command, digest, turn.get()))));
        }
        Optional<QueuedRow> queued = queue.byKey(command);
        if (queued.isPresent() && queued.get().refused) {
            // It has begun nothing, so its key is free.
            queue.remove(queued.get().conversationId, queued.get().id);
            return Optional.empty();
        }
        return queued.map(row -> waits(checked(row, Arrays.equals(row.commandDigest, digest))));
    }

    private static <T> T checked(T found, boolean isSame) {
        if (!isSame) {
            throw ChatException.keyReused();
        }
        return found;
    }

    /** An edit, or the wish for another answer, is about what is there now: it waits for nothing. */
    private boolean isEdit(SendCommand command, Conversation conversation) {
        return command.messageId() != null && messages.current(conversation.id, command.messageId()).isPresent();
    }

    /** Stores the message, unless the sender's id shows that it waits already. */
    private Accepted wait(SendCommand command, byte[] digest, Conversation conversation, Upstream upstream) {
        Optional<QueuedRow> same = command.messageId() == null ? Optional.empty()
                : queue.byMessage(conversation.id, command.messageId());
        if (same.isPresent() && !Arrays.equals(same.get().commandDigest, digest)) {
            throw ChatException.invalid("messages",
                    "has the id of another message that waits: '%s'".formatted(command.messageId()));
        }
        return same.map(this::waits).orElseGet(() -> new Waits(queue.add(command, digest, conversation, upstream)));
    }

    private Accepted waits(QueuedRow row) {
        return new Waits(queue.view(row, conversations.findById(row.conversationId).externalId));
    }

    private Accepted attach(TurnRow row) {
        return new Attached(row.turn(conversations.findById(row.conversationId).externalId));
    }

    /**
     * Whether the command repeats the one that began the running turn: the client's request was interrupted. A command that replaces that turn
     * requests a new one, and a client that uses keys identifies equal commands itself.
     */
    private boolean isSame(SendCommand command, byte[] digest, TurnRow running) {
        return running.caller.equals(command.caller()) && Objects.equals(running.idempotencyKey, command.idempotencyKey())
                && isBegunBy(command, digest, running);
    }

    private boolean isBegunBy(SendCommand command, byte[] digest, TurnRow turn) {
        return turn.isBegunBy(command, digest) && (command.conversationId() == null
                || conversations.findById(turn.conversationId).externalId.equals(command.conversationId()));
    }

    private void refuseWhileRunning(Optional<TurnRow> running, Conversation conversation, boolean makesRoom) {
        if (running.isPresent() && makesRoom) {
            throw new Occupied(running.get().id);
        }
        if (running.isPresent()) {
            Optional<Long> replaced = turns.replacedIn(running.get().id, lease.renewEvery().toMillis());
            List<ApprovalView> open = approvals.open(running.get().id);
            throw TurnConflictException.turnRunning(turns.view(running.get(), conversation.externalId), open,
                    (open.isEmpty() ? "The turn %s is running in this conversation. Follow it, or wait for its end."
                            : "The turn %s is running in this conversation.")
                            .formatted(running.get().id),
                    replaced.orElse(null));
        }
    }

    private Begun begin(SendCommand command, Conversation conversation, Upstream upstream, UUID owner, byte[] digest,
            boolean fresh, UUID id, boolean acknowledged) {
        TurnInsert.Inserted inserted = insert.turn(command, conversation, upstream, owner, digest, fresh, id, acknowledged);
        return new Begun(inserted.turn(), upstream,
                question(inserted.turn(), inserted.newest(), command, inserted.before()), owner, inserted.span());
    }
}
