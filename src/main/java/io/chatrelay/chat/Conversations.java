package io.chatrelay.chat;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.function.Consumer;

import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.LockModeType;
import jakarta.transaction.Transactional;

import org.hibernate.Session;

import io.chatrelay.journal.Entry;
import io.chatrelay.journal.Journal;
import io.smallrye.mutiny.Multi;

/** What may be seen and changed of a tenant's conversations. What is another tenant's is not found. */
@ApplicationScoped
public class Conversations {

    /** A conversation of a year may take longer than callers are let wait for anything else. The next who is lent the connection has its own bound. */
    private static final int ERASED_WITHIN_MILLIS = 60_000;
    private static final String MISSING = "There is no such conversation.";

    private final Conversation.Repository conversations;
    private final Message.Repository messages;
    private final TurnRow.Repository turns;
    private final ApprovalRow.Repository approvals;
    private final Journal<ChatEvent> journal;
    private final TurnConfig config;
    private final ConversationConfig bounds;
    private final PageConfig pages;

    Conversations(Conversation.Repository conversations, Message.Repository messages, TurnRow.Repository turns,
            ApprovalRow.Repository approvals, Journal<ChatEvent> journal, TurnConfig config, ConversationConfig bounds,
            PageConfig pages) {
        this.conversations = conversations;
        this.messages = messages;
        this.turns = turns;
        this.approvals = approvals;
        this.journal = journal;
        this.config = config;
        this.bounds = bounds;
        this.pages = pages;
    }

    /**
     * A page of the tenant's conversations, newest first, after the one with that cursor. Properties that are larger than they may be are
     * left out.
     */
    @Transactional
    public ConversationPage list(String tenant, UUID after, int limit) {
        long most = bounds.maxProperties().asLongValue();
        Map<UUID, Conversation.Sizes> sizes = conversations.sizes(tenant, after, limit + 1, most);
        Map<UUID, Long> shown = new LinkedHashMap<>();
        sizes.forEach((id, size) -> shown.put(id, size.title() + (size.properties() <= most ? size.properties() : 0)));
        Fitting page = Fitting.of(shown, limit, pages.maxBytes().asLongValue());
        Map<UUID, RawJson> properties = conversations
                .properties(page.ids().stream().filter(id -> sizes.get(id).properties() <= most).toList());
        return new ConversationPage(conversations.newestFirst(page.ids()).stream()
                .map(conversation -> view(conversation, properties.get(conversation.id), null)).toList(), page.more());
    }

    @Transactional
    public ConversationView get(String tenant, String id) {
        Conversation conversation = find(tenant, id);
        return whole(conversation);
    }

    /**
     * A page of its messages, newest first, before a place. A running turn's answer is not among them yet.
     *
     * @param limit messages at the most; of fewer where they are large, and of one however large it is
     */
    @Transactional
    public MessagePage messages(String tenant, String id, int beforePosition, int limit) {
        List<Message> found = messages.page(find(tenant, id).id, beforePosition, limit + 1, pages.maxBytes().asLongValue());
        boolean more = found.size() > limit || !found.isEmpty() && messages.isOlder(found.getLast());
        return new MessagePage(found.stream().limit(limit).map(Message::view).toList(), more);
    }

    /** The same, oldest first, after a place. */
    @Transactional
    public MessagePage messagesAfter(String tenant, String id, int afterPosition, int limit) {
        List<Message> found = messages.pageAfter(find(tenant, id).id, afterPosition, limit + 1,
                pages.maxBytes().asLongValue());
        boolean more = found.size() > limit || !found.isEmpty() && messages.isNewer(found.getLast());
        return new MessagePage(found.stream().limit(limit).map(Message::view).toList(), more);
    }

    /**
     * Changes what is given; null leaves a thing as it is.
     *
     * @throws ChatException where the properties are larger than they may be
     */
    @Transactional
    public ConversationView change(String tenant, String id, Optional<String> title, RawJson properties) {
        if (properties != null && size(properties) > bounds.maxProperties().asLongValue()) {
            throw ChatException.invalid("properties",
                    "are larger than %d bytes of JSON".formatted(bounds.maxProperties().asLongValue()));
        }
        Conversation conversation = conversations.locked(tenant, id).orElseThrow(() -> ChatException.notFound(MISSING));
        if (title != null) {
            conversation.title = title.map(Jsonb::clean).orElse(null);
        }
        if (properties != null) {
            RawJson cleaned = Jsonb.clean(properties);
            conversation.changeProperties(cleaned, size(cleaned));
        }
        conversation.updatedAt = Instant.now();
        return whole(conversation);
    }

    /** Erases it with its messages, turns and events. Refused while a turn runs. */
    @Transactional
    public void delete(String tenant, String id) {
        Conversation conversation = conversations.locked(tenant, id).orElseThrow(() -> ChatException.notFound(MISSING));
        turns.running(conversation.id).ifPresent(turn -> {
            throw ChatException.turnRunning(turns.view(turn, id),
                    approvals.pending(turn.id).stream().map(row -> row.view(id)).toList(),
                    "The turn %s is running in this conversation. Delete it after the turn's end.".formatted(turn.id), null);
        });
        turns.getEntityManager().unwrap(Session.class)
                .doWork(connection -> connection.setNetworkTimeout(Runnable::run, ERASED_WITHIN_MILLIS));
        // Locked first: a turn that is being rewritten is waited for, or its new rows would be left behind.
        UUID[] all = turns.find("conversationId", conversation.id).withLock(LockModeType.PESSIMISTIC_WRITE).stream()
                .map(turn -> turn.id).toArray(UUID[]::new);
        turns.getEntityManager().unwrap(Session.class).doWork(connection -> Journal.erase(connection, all));
        conversations.delete(conversation);
    }

    @Transactional
    public boolean exists(String tenant, String id) {
        return conversations.of(tenant, id).isPresent();
    }

    /** The turn that runs in a conversation. */
    @Transactional
    public Optional<Turn> running(String tenant, String id) {
        return turns.running(find(tenant, id).id).map(turn -> turn.turn(id));
    }

    /**
     * What a reader that names its position may still read: the turn that it names, if there is more of it; else the running one, for a
     * number alone says nothing about a turn that has ended.
     *
     * @param turnId  names a turn of the conversation, or null
     * @param ordinal names one by its place in the conversation, or null; if both do, it is the same one
     */
    @Transactional
    public Optional<Turn> readable(String tenant, String id, UUID turnId, Integer ordinal, long after) {
        Conversation conversation = find(tenant, id);
        if (turnId == null && ordinal == null) {
            return turns.running(conversation.id).map(row -> row.turn(id));
        }
        TurnRow turn = (turnId == null ? turns.byOrdinal(conversation.id, ordinal)
                : turns.findByIdOptional(turnId).filter(row -> row.conversationId.equals(conversation.id)))
                .orElseThrow(() -> ChatException.notFound("There is no such turn in this conversation."));
        if (ordinal != null && !ordinal.equals(turn.ordinal)) {
            throw ChatException.invalid("Last-Event-ID", "names another turn than ?turn= does");
        }
        return left(turn, after, id);
    }

    /**
     * The conversation that a command began which named none, by what it says: for a client that sends it once more because its answer
     * broke off. Empty where it began none in the time in which clients repeat, or where equal commands began several: they may be of
     * different people.
     *
     * @param ordinal of the turn as the client saw it
     */
    @Transactional
    public Optional<String> begunBy(SendCommand command, int ordinal) {
        List<TurnRow> begun = turns.begunBy(command.tenant(), command.caller(), CommandDigest.of(command), ordinal,
                Instant.now().minus(config.retryWindow()));
        return begun.size() != 1 ? Optional.empty()
                : Optional.of(conversations.findById(begun.getFirst().conversationId).externalId);
    }

    /**
     * As {@link #readable}, of a command that is sent as a repeat. It is refused where it did not begin the turn that it names: a new
     * message would be passed over, and its sender would think that it was taken.
     *
     * @param ordinal of the turn, or null for the running one
     */
    @Transactional
    public Optional<Turn> readableAgain(SendCommand command, String id, Integer ordinal, long after) {
        Conversation conversation = find(command.tenant(), id);
        Optional<TurnRow> turn = ordinal == null ? turns.running(conversation.id)
                : Optional.of(turns.byOrdinal(conversation.id, ordinal)
                        .orElseThrow(
                                () -> ChatException.notFound("Last-Event-ID", "There is no such turn in this conversation.")));
        byte[] digest = CommandDigest.of(command);
        // What a turn that failed was begun by is given back; and an earlier version did not keep it.
        if (turn.filter(row -> row.commandDigest == null || row.isBegunBy(command, digest)).isEmpty()) {
            throw ChatException.invalid("Last-Event-ID",
                    "names no event of a turn that this request began: leave it out to send a new message");
        }
        return left(turn.get(), after, id);
    }

    /** The turn, if a reader has not had all of it. */
    private static Optional<Turn> left(TurnRow turn, long after, String id) {
        return turn.running() || turn.lastEvent > after ? Optional.of(turn.turn(id)) : Optional.empty();
    }

    /** Whether this replica stops, and sends readers away. */
    public boolean closesReaders() {
        return journal.closesReaders();
    }

    /** A turn of the tenant as it stands. */
    @Transactional
    public TurnView turn(Turn turn) {
        return turns.view(turns.findById(turn.id()), turn.conversationId());
    }

    /**
     * The committed events of a turn after a number, live until its end. Holds no connection, no thread and no transaction
     * between items; items are delivered by the executor, one after another.
     *
     * @param comesBack whether the reader can be sent away in mid-turn by a replica that stops; the failure of the {@code Multi} says so
     */
    public Multi<List<Entry<ChatEvent>>> follow(Turn turn, long after, Executor executor, boolean comesBack) {
        return journal.read(turn.id(), after, executor, comesBack);
    }

    /** The events of a turn that are stored by now, in their order. They are read a page at a time. */
    @Transactional
    public void replay(Turn turn, Consumer<ChatEvent> events) {
        turns.getEntityManager().unwrap(Session.class)
                .doWork(connection -> journal.replay(connection, turn.id(), events));
    }

    private Conversation find(String tenant, String id) {
        return conversations.of(tenant, id).orElseThrow(() -> ChatException.notFound(MISSING));
    }

    private static int size(RawJson json) {
        return json.text().getBytes(StandardCharsets.UTF_8).length;
    }

    private ConversationView whole(Conversation conversation) {
        return view(conversation, conversation.properties(),
                turns.running(conversation.id).map(turn -> turns.view(turn, conversation.externalId)).orElse(null));
    }

    private static ConversationView view(Conversation conversation, RawJson properties, TurnView running) {
        return new ConversationView(conversation.externalId, conversation.id, conversation.title,
                properties, conversation.upstream, conversation.endUser, conversation.createdAt,
                conversation.updatedAt, running);
    }
}
