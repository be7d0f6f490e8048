package io.chatrelay.turn;

import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.PersistenceException;

import org.hibernate.Session;
import org.jboss.logging.Logger;

import io.chatrelay.approval.ApprovalView;
import io.chatrelay.approval.Approvals;
import io.chatrelay.cluster.LeaseConfig;
import io.chatrelay.conversation.Conversation;
import io.chatrelay.conversation.History;
import io.chatrelay.conversation.Message;
import io.chatrelay.database.SqlErrors;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatException;
import io.chatrelay.event.Ids;
import io.chatrelay.event.MessageParts;
import io.chatrelay.event.Role;
import io.chatrelay.event.Scope;
import io.chatrelay.event.Turn;
import io.chatrelay.journal.GroupCommit;
import io.chatrelay.journal.Journal;
import io.chatrelay.limit.CallerLimits;
import io.chatrelay.limit.Limit;
import io.chatrelay.limit.Limits;
import io.chatrelay.upstream.Upstream;
import io.chatrelay.upstream.UpstreamRequest;
import io.chatrelay.upstream.UpstreamRequest.ChatMessage;
import io.chatrelay.upstream.Upstreams;
import io.quarkus.narayana.jta.QuarkusTransaction;

/**
 * Accepts a caller's message: validates it, stores it with its turn in one transaction, and starts the turn. From then on the turn belongs to the
 * server; the sender reads it like every other reader.
 *
 * <p>Most turns begin together with those of other callers, in one statement ({@link Admission}). A command that it leaves out gets a transaction of
 * its own here, which knows every rule: it attaches, edits, waits, or gives the reason why the turn cannot begin.
 */
@ApplicationScoped
public class Turns {

    private static final Logger LOG = Logger.getLogger(Turns.class);
    /** Two equal commands at the same moment conflict once in a unique index; the second attempt finds the turn of the other command. */
    private static final int TRIES = 4;
    /** Unique violation and deadlock. Source: PostgreSQL, appendix A. */
    private static final String DEADLOCK = "40P01";

    /** A turn runs in the command's conversation, and the command must not attach to it. */
    private static final class Occupied extends RuntimeException {
        private static final long serialVersionUID = 1;
        private final transient UUID turn;

        Occupied(UUID turn) {
            super(null, null, false, false);
            this.turn = turn;
        }
    }

    private record Accepted(Turn turn, Upstream upstream, UpstreamRequest question, UUID owner, TurnSpan span) {}

    private final Conversation.Repository conversations;
    private final Message.Repository messages;
    private final TurnRow.Repository turns;
    private final Upstreams upstreams;
    private final History history;
    private final TurnRunner runner;
    private final Journal<ChatEvent> journal;
    private final Approvals approvals;
    private final TurnConfig config;
    private final LeaseConfig lease;
    private final Cancellation cancellation;
    private final Limits limits;
    private final TurnSpans spans;
    private final GroupCommit<Admission.Command, Admission.Begun> admission;

    Turns(Conversation.Repository conversations, Message.Repository messages, TurnRow.Repository turns, Upstreams upstreams,
            History history, TurnRunner runner, Journal<ChatEvent> journal, Approvals approvals, TurnConfig config,
            LeaseConfig lease, Cancellation cancellation, Limits limits, TurnSpans spans, AdmissionConfig bounds) {
        this.conversations = conversations;
        this.messages = messages;
        this.turns = turns;
        this.upstreams = upstreams;
        this.history = history;
        this.runner = runner;
        this.journal = journal;
        this.approvals = approvals;
        this.config = config;
        this.lease = lease;
        this.cancellation = cancellation;
        this.limits = limits;
        this.spans = spans;
        this.admission = journal.groupCommit("admission", new Admission(), bounds.maxTogether(),
                bounds.maxBytes().asLongValue(), bounds.maxWaiting());
    }

    /**
     * Begins a turn, or attaches to the turn that the same command began before. While that turn runs, an equal command attaches; after its end, only
     * a command that a key or the client's retry marker identifies as a retry. A command that replaces the running turn cancels it first and waits
     * for its end.
     *
     * @throws ChatException before anything is stored or sent to the upstream
     */
    public Turn send(SendCommand command) {
        byte[] digest = CommandDigest.of(command);
        try {
            return together(command, digest).orElseGet(() -> alone(command, digest));
        } catch (SQLException e) {
            throw new PersistenceException(e);
        }
    }

    /** How many turns run on this replica. */
    public int running() {
        return runner.count();
    }

    /** Begins a turn in one transaction with others; empty, and nothing is stored, if the command needs a transaction of its own. */
    private Optional<Turn> together(SendCommand command, byte[] digest) throws SQLException {
        if (command.repeated()) {
            // The request that it repeats may still wait.
            admission.awaitEarlier();
            return Optional.empty();
        }
        Optional<Upstream> upstream = upstreamForNew(command);
        Optional<Admission.Command> plain = upstream.flatMap(of -> plain(command, digest, of));
        if (plain.isEmpty()) {
            return Optional.empty();
        }
        CallerLimits caller = limits.of(command.tenant(), command.caller());
        // Turns of other replicas are counted by the statement.
        Optional<Limit> reached = caller
                .keepsFromBeginning(() -> runner.count(command.tenant(), command.caller()));
        if (reached.isPresent()) {
            if (mayRepeat(command)) {
                return Optional.empty();
            }
            throw caller.refusesTurn(reached.get());
        }
        try (HeldPermission permission = new HeldPermission()) {
            if (mayRepeat(command)) {
                if (!permission.tryAcquire(upstream.get())) {
                    // A repeat attaches to its turn; the transaction of its own finds that turn, or refuses the command.
                    return Optional.empty();
                }
            } else {
                permission.acquire(upstream.get());
            }
            List<ChatMessage> before = upstream.get().remembers() ? List.of() : history.ofNew(command.before());
            return admission.run(plain.get()).map(begun -> {
                runner.run(question(begun.turn(), plain.get().newest(), command, before), upstream.get(), begun.as(),
                        permission.held(), plain.get().span());
                permission.handedOver();
                begun.running().ifPresent(caller::running);
                return begun.turn();
            });
        }
    }

    /** Whether the turn of the command may have begun before, or its conversation may belong to another upstream. */
    private static boolean mayRepeat(SendCommand command) {
        return command.idempotencyKey() != null || command.conversationId() != null || command.maybeRepeated();
    }

    /** The upstream of the command if its conversation is new and the command valid for it; otherwise a known conversation may decide. */
    private Optional<Upstream> upstreamForNew(SendCommand command) {
        try {
            Upstream upstream = upstream(command, Optional.empty());
            check(command, upstream);
            return Optional.of(upstream);
        } catch (ChatException e) {
            // If a known conversation does not decide otherwise, the reason is found again.
            return Optional.empty();
        }
    }

    /**
     * The command, if its turn can begin together with others. It cannot if only its conversation decides whether it is valid, whether its end user
     * may continue it, which instructions it changes, or which history its upstream is sent.
     */
    private Optional<Admission.Command> plain(SendCommand command, byte[] digest, Upstream upstream) {
        boolean isForNew = !needsKnown(command, upstream);
        boolean isForKnown = command.conversationId() != null && command.scope().endUser() == null && upstream.remembers()
                && command.before().stream().noneMatch(said -> said.role() == Role.SYSTEM);
        return isForNew || isForKnown
                ? Optional.of(Admission.Command.of(command, digest, upstream.name(), request(command, upstream), isForNew,
                        isForKnown, spans.begin(upstream, command.model()),
                        limits.of(command.tenant(), command.caller()).runningTurns()))
                : Optional.empty();
    }

    private UpstreamRequest question(Turn turn, UUID messageId, SendCommand command, List<ChatMessage> before) {
        return new UpstreamRequest(turn, messageId, command.asked(), before, Collections.unmodifiableMap(command.parameters()),
                command.headers(), runner.earlier(turn));
    }

    /** Begins a turn in a transaction of its own, or attaches to one. */
    Turn alone(SendCommand command, byte[] digest) {
        boolean replaces = command.replacesRunning();
        for (int attempt = 1;; attempt++) {
            boolean makesRoom = replaces;
            try (HeldPermission permission = new HeldPermission()) {
                Accepted accepted = limits.of(command.tenant(), command.caller()).begin(() -> QuarkusTransaction
                        .requiringNew().call(() -> accept(command, digest, makesRoom, permission)));
                if (accepted.question() != null) {
                    runner.run(accepted.question(), accepted.upstream(), accepted.owner(), permission.held(),
                            accepted.span());
                    permission.handedOver();
                }
                return accepted.turn();
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

    private Accepted accept(SendCommand command, byte[] digest, boolean makesRoom, HeldPermission permission) {
        UUID owner = fence();
        if (command.maybeRepeated()) {
            lockDigest(digest);
        }
        Optional<TurnRow> repeated = repeated(command, digest);
        if (repeated.isPresent()) {
            return attach(repeated.get());
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
            return attach(repeated.get());
        }
        Upstream upstream = upstream(command, known);
        check(command, upstream);
        if (known.isEmpty() && needsKnown(command, upstream)) {
            throw ChatException.invalid("messages",
                    ("holds answers of a conversation that is not known here, and the upstream '%s' keeps"
                            + " its history itself: send the conversationId of the conversation, or the new message alone")
                            .formatted(upstream.name()));
        }
        Conversation conversation = known.orElseGet(() -> create(command, upstream));
        Optional<TurnRow> running = turns.running(conversation.id);
        if (running.isPresent() && !command.replacesSame() && isSame(command, digest, running.get())) {
            return attach(running.get());
        }
        if (running.isEmpty() || makesRoom) {
            // Before a running turn is cancelled for it, too.
            checkLimits(command, running);
            permission.acquire(upstream);
        }
        refuseWhileRunning(running, conversation, makesRoom);
        return begin(command, conversation, upstream, owner, digest, known.isEmpty());
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

    private Optional<TurnRow> repeated(SendCommand command, byte[] digest) {
        if (command.idempotencyKey() != null) {
            Optional<TurnRow> turn = turns.byKey(command.tenant(), command.caller(), command.idempotencyKey());
            if (turn.isPresent() && !isBegunBy(command, digest, turn.get())) {
                throw ChatException.keyReused();
            }
            return turn;
        }
        return command.repeated()
                ? turns.byDigest(command.tenant(), command.caller(), digest, Instant.now().minus(config.retryWindow()))
                : Optional.empty();
    }

    private Accepted attach(TurnRow row) {
        return new Accepted(row.turn(conversations.findById(row.conversationId).externalId), null, null, null, null);
    }

    private Upstream upstream(SendCommand command, Optional<Conversation> known) {
        Optional<Upstream> asked = command.model() == null ? Optional.empty() : upstreams.forModel(command.model());
        if (known.isPresent()) {
            String bound = known.get().upstream;
            Upstream upstream = upstreams.named(bound).orElseThrow(() -> ChatException.invalid("conversationId",
                    "belongs to the upstream '%s', which is no longer configured".formatted(bound)));
            if (asked.isPresent() && !asked.get().name().equals(bound)) {
                throw ChatException.invalid("model",
                        "belongs to the upstream '%s', but the conversation to '%s': start a new conversation for it"
                                .formatted(asked.get().name(), bound));
            }
            if (asked.isEmpty() && command.model() != null && upstreams.fallback().isEmpty()) {
                throw unknownModel();
            }
            return upstream;
        }
        return asked.or(upstreams::fallback).or(this::onlyOne).filter(upstream -> asked.isPresent() || command.model() == null
                || upstreams.fallback().isPresent()).orElseThrow(() -> command.model() == null
                        ? ChatException.invalid("model",
                                "is required: no default upstream is configured. Known: " + knownModels())
                        : unknownModel());
    }

    private Optional<Upstream> onlyOne() {
        return upstreams.all().size() == 1 ? Optional.of(upstreams.all().getFirst()) : Optional.empty();
    }

    private ChatException unknownModel() {
        return ChatException.invalid("model", "is not known. Known: " + knownModels());
    }

    private String knownModels() {
        return String.join(", ", upstreams.all().stream()
                .flatMap(upstream -> Stream.concat(Stream.of(upstream.name()),
                        upstream.models().stream()))
                .toList());
    }

    private void check(SendCommand command, Upstream upstream) {
        upstream.refuses(command.asked(), command.askedAt(), command.parameters()).ifPresent(refusal -> {
            throw ChatException.invalid(refusal.field(), refusal.reason());
        });
        if (upstream.remembers() && command.before().stream().anyMatch(said -> said.role() == Role.SYSTEM)) {
            throw ChatException.invalid("messages",
                    "of the role 'system' cannot be given to the upstream '%s': its agent's instructions are its own"
                            .formatted(upstream.name()));
        }
        if (!upstream.remembers()) {
            history.check(command.before(), command.beforeAt());
        }
    }

    /** Whether the command holds answers that only a conversation of the upstream can contain. */
    private static boolean needsKnown(SendCommand command, Upstream upstream) {
        return upstream.remembers() && command.before().stream().anyMatch(said -> said.role() == Role.ASSISTANT);
    }

    private Conversation create(SendCommand command, Upstream upstream) {
        Conversation conversation = new Conversation();
        conversation.id = Ids.next();
        conversation.tenant = command.tenant();
        conversation.externalId = command.conversationId() == null ? conversation.id.toString() : command.conversationId();
        conversation.caller = command.caller();
        conversation.endUser = command.endUser();
        conversation.upstream = upstream.name();
        conversation.createdAt = turns.now();
        conversation.updatedAt = conversation.createdAt;
        conversations.persistAndFlush(conversation);
        return conversation;
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

    private Accepted begin(SendCommand command, Conversation conversation, Upstream upstream, UUID owner, byte[] digest,
            boolean fresh) {
        UUID id = Ids.next();
        supersede(command, conversation, id);
        // Stored messages are authoritative; from the earlier messages of a request, only new instructions are stored.
        List<ChatMessage> earlier = fresh ? command.before() : history.newInstructions(command.before(), conversation);
        TurnRow row = row(command, conversation, upstream, owner, digest, id, earlier.size());
        row.startedAt = turns.now();
        TurnSpan span = spans.begin(upstream, command.model());
        row.traceContext = span == null ? null : span.context().stored();
        turns.persistAndFlush(row);
        // Instructions belong to the turn: they do not count if the turn's messages do not count.
        earlier.forEach(said -> store(conversation, said, said.role() == Role.SYSTEM ? id : null, null, row.startedAt));
        List<ChatMessage> before = upstream.remembers() ? List.of() : history.before(conversation);
        UUID last = null;
        for (int i = 0; i < command.asked().size(); i++) {
            boolean newest = i == command.asked().size() - 1;
            last = store(conversation, command.asked().get(i), id, newest ? command.messageId() : null, row.startedAt);
        }
        conversation.nextPosition++;
        conversation.updatedAt = row.startedAt;
        Turn turn = row.turn(conversation.externalId);
        return new Accepted(turn, upstream, question(turn, last, command, before), owner, span);
    }

    /** A message id that the conversation contains is an edit, or requests a new answer: the messages from its position on are superseded. */
    private void supersede(SendCommand command, Conversation conversation, UUID turn) {
        if (command.messageId() != null) {
            messages.current(conversation.id, command.messageId())
                    .ifPresent(edited -> messages.supersede(conversation.id, edited.position, turn));
        }
    }

    private static TurnRow row(SendCommand command, Conversation conversation, Upstream upstream, UUID owner, byte[] digest,
            UUID id, int earlier) {
        TurnRow row = new TurnRow();
        row.id = id;
        row.tenant = command.tenant();
        row.conversationId = conversation.id;
        row.ordinal = ++conversation.turns;
        row.state = "running";
        row.owner = owner;
        row.upstream = upstream.name();
        row.model = command.model() == null ? upstream.name() : command.model();
        row.messageId = Ids.next();
        row.messagePosition = conversation.nextPosition + earlier + command.asked().size();
        StoredRequest request = request(command, upstream);
        if (request != null) {
            row.remember(request);
        }
        row.caller = command.caller();
        row.endUser = command.endUser();
        row.idempotencyKey = command.idempotencyKey();
        row.commandDigest = digest;
        row.clientRepeats = command.maybeRepeated();
        return row;
    }

    /** What a takeover needs of the request; null for an upstream without memory, which is never sent a request again. */
    private static StoredRequest request(SendCommand command, Upstream upstream) {
        return upstream.remembers() ? new StoredRequest(command.parameters(), upstream.passes(command.headers())) : null;
    }

    private UUID store(Conversation conversation, ChatMessage said, UUID turn, String externalId, Instant at) {
        Message message = new Message();
        message.id = Ids.next();
        message.conversationId = conversation.id;
        message.turnId = turn;
        message.position = conversation.nextPosition++;
        message.externalId = externalId;
        message.role = said.role().wireName();
        message.name = said.name();
        message.parts = MessageParts.write(said.parts());
        message.size = message.parts.getBytes(StandardCharsets.UTF_8).length;
        message.createdAt = at;
        messages.persist(message);
        return message.id;
    }
}
