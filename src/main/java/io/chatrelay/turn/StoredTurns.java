package io.chatrelay.turn;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.LockModeType;
import jakarta.transaction.Transactional;

import org.hibernate.Session;

import io.chatrelay.approval.ApprovalRow;
import io.chatrelay.approval.ApprovalTurns;
import io.chatrelay.approval.Person;
import io.chatrelay.conversation.Conversation;
import io.chatrelay.conversation.RunningTurnLookup;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatException;
import io.chatrelay.event.Scope;
import io.chatrelay.event.Turn;
import io.chatrelay.event.TurnView;
import io.chatrelay.journal.Journal;
import io.chatrelay.journal.JournalEntry;
import io.smallrye.mutiny.Multi;

/** The stored turns of a tenant's conversations: which turn a reader may read, its events, its deletion. Turns outside of the given scope are not found. */
@ApplicationScoped
public class StoredTurns implements RunningTurnLookup, ApprovalTurns {

    /** Takes a turn's events in their order, each with its number. */
    public interface NumberedEvents {

        void take(long number, ChatEvent event);
    }

    /**
     * The deletion of a year-long conversation may take longer than the time-out of other statements. The pool sets the time-out again for the next
     * user of the connection.
     */
    private static final int ERASED_WITHIN_MILLIS = 60_000;
    private static final String MISSING = "There is no such conversation.";

    private final Conversation.Repository conversations;
    private final TurnRow.Repository turns;
    private final QueuedRow.Repository queue;
    private final ApprovalRow.Repository approvals;
    private final Journal<ChatEvent> journal;
    private final TurnConfig config;

    StoredTurns(Conversation.Repository conversations, TurnRow.Repository turns,
            QueuedRow.Repository queue, ApprovalRow.Repository approvals,
            Journal<ChatEvent> journal, TurnConfig config) {
        this.conversations = conversations;
        this.turns = turns;
        this.queue = queue;
        this.approvals = approvals;
        this.journal = journal;
        this.config = config;
    }

    /** The running turn of a conversation. */
    @Transactional
    public Optional<Turn> running(Scope scope, String id) {
        return turns.running(find(scope, id).id).map(turn -> turn.turn(id));
    }

    /**
     * The turn that a reader with a known position may still read: the named turn, if it has events after the position; the running turn if none is
     * named, because an event number alone does not identify a turn that has ended.
     *
     * @param turnId  names a turn of the conversation, or null
     * @param ordinal its position in the conversation, or null; if both are given, they must name the same turn
     */
    @Transactional
    public Optional<Turn> readable(Scope scope, String id, UUID turnId, Integer ordinal, long after) {
        Conversation conversation = find(scope, id);
        if (turnId == null && ordinal == null) {
            return turns.running(conversation.id).map(row -> row.turn(id));
        }
        TurnRow turn = (turnId == null ? turns.byOrdinal(conversation.id, ordinal)
                : turns.inConversation(conversation.id, turnId))
                .orElseThrow(() -> Optional.ofNullable(turnId).flatMap(asked -> queue.refused(conversation.id, asked))
                        .map(refused -> refused ? ChatException.messageRefused() : ChatException.messageQueued())
                        .orElseGet(() -> ChatException.notFound("There is no such turn in this conversation.")));
        if (ordinal != null && !ordinal.equals(turn.ordinal)) {
            throw ChatException.invalid("Last-Event-ID", "names another turn than ?turn= does");
        }
        return left(turn, after, id);
    }

    /**
     * Finds by its content the conversation that a command without a conversation id began, for a client that retries the command because its answer
     * was interrupted. Empty if no such conversation began within the retry window, or if equal commands began several: they may belong to different
     * users.
     *
     * @param ordinal of the turn that the client received
     */
    @Transactional
    public Optional<String> begunBy(SendCommand command, int ordinal) {
        List<TurnRow> begun = turns.begunBy(command.tenant(), command.caller(), CommandDigest.of(command), ordinal,
                Instant.now().minus(config.retryWindow()));
        return begun.size() != 1 ? Optional.empty()
                : Optional.of(conversations.findById(begun.getFirst().conversationId).externalId);
    }

    /**
     * As {@link #readable}, for a command that is sent as a retry. It is rejected if it did not begin the named turn: otherwise a new message would
     * be ignored, and its sender would believe that it was accepted.
     *
     * @param ordinal of the turn, or null for the running turn
     */
    @Transactional
    public Optional<Turn> readableAgain(SendCommand command, String id, Integer ordinal, long after) {
        Conversation conversation = find(command.scope(), id);
        Optional<TurnRow> turn = ordinal == null ? turns.running(conversation.id)
                : Optional.of(turns.byOrdinal(conversation.id, ordinal)
                        .orElseThrow(
                                () -> ChatException.notFound("Last-Event-ID", "There is no such turn in this conversation.")));
        byte[] digest = CommandDigest.of(command);
        // The digest is removed from a turn that failed before it started, and an earlier version did not store digests.
        if (turn.filter(row -> row.commandDigest == null || row.isBegunBy(command, digest)).isEmpty()) {
            throw ChatException.invalid("Last-Event-ID",
                    "names no event of a turn that this request began: leave it out to send a new message");
        }
        return left(turn.get(), after, id);
    }

    /** The turn, if the reader has not received all of its events. */
    private static Optional<Turn> left(TurnRow turn, long after, String id) {
        return turn.running() || turn.lastEvent > after ? Optional.of(turn.turn(id)) : Optional.empty();
    }

    /** Whether this replica is shutting down and disconnects readers. */
    public boolean closesReaders() {
        return journal.closesReaders();
    }

    /** The current state of a turn of the tenant. */
    @Transactional
    public TurnView turn(Turn turn) {
        return turns.view(turns.findById(turn.id()), turn.conversationId());
    }

    /**
     * The committed events of a turn after a number, live until its end. The stream holds no connection, thread or transaction between items; the
     * executor delivers the items one after another.
     *
     * @param comesBack whether a replica that shuts down can disconnect the reader before the end of the turn; then the {@code Multi} fails
     */
    public Multi<List<JournalEntry<ChatEvent>>> follow(Turn turn, long after, Executor executor, boolean comesBack) {
        return journal.read(turn.id(), after, executor, comesBack);
    }

    /** Replays the stored events of a turn in order. They are read one page at a time. */
    @Transactional
    public void replay(Turn turn, NumberedEvents events) {
        AtomicLong number = new AtomicLong();
        turns.getEntityManager().unwrap(Session.class)
                .doWork(connection -> journal.replay(connection, turn.id(),
                        event -> events.take(number.incrementAndGet(), event)));
    }

    @Transactional
    public boolean exists(Scope scope, String conversationId) {
        return conversations.of(scope, conversationId).isPresent();
    }

    @Override
    public Optional<TurnView> running(UUID conversation, String externalId) {
        return turns.running(conversation).map(turn -> turns.view(turn, externalId));
    }

    @Override
    public Optional<UUID> inConversation(UUID conversation, UUID turn) {
        return turns.inConversation(conversation, turn).map(row -> row.id);
    }

    @Override
    public Optional<UUID> answeringWith(UUID conversation, UUID message) {
        return turns.ofAnswer(conversation, message).map(row -> row.id);
    }

    @Override
    public Turn turn(UUID id) {
        TurnRow row = turns.findById(id);
        return row.turn(conversations.findById(row.conversationId).externalId);
    }

    @Override
    public Asked asked(UUID id) {
        TurnRow row = turns.findById(id);
        return new Asked(row.upstream, new Person(row.caller,
                row.endUser != null ? row.endUser : conversations.findById(row.conversationId).endUser));
    }

    @Override
    public Duration retryWindow() {
        return config.retryWindow();
    }

    /** Deletes a conversation with its messages, turns and events. Rejected while a turn runs. */
    @Transactional
    public void delete(Scope scope, String id) {
        Conversation conversation = conversations.locked(scope, id).orElseThrow(() -> ChatException.notFound(MISSING));
        turns.running(conversation.id).ifPresent(turn -> {
            throw TurnConflictException.turnRunning(turns.view(turn, id),
                    approvals.pending(turn.id).stream().map(row -> row.view(id)).toList(),
                    "The turn %s is running in this conversation. Delete it after the turn's end.".formatted(turn.id), null);
        });
        turns.getEntityManager().unwrap(Session.class)
                .doWork(connection -> connection.setNetworkTimeout(Runnable::run, ERASED_WITHIN_MILLIS));
        // Lock the turns first: this waits for a turn that is being compacted; otherwise its new rows would remain.
        UUID[] all = turns.find("conversationId", conversation.id).withLock(LockModeType.PESSIMISTIC_WRITE).stream()
                .map(turn -> turn.id).toArray(UUID[]::new);
        turns.getEntityManager().unwrap(Session.class).doWork(connection -> Journal.erase(connection, all));
        conversations.delete(conversation);
    }

    private Conversation find(Scope scope, String id) {
        return conversations.of(scope, id).orElseThrow(() -> ChatException.notFound(MISSING));
    }
}
