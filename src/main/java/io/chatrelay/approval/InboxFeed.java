package io.chatrelay.approval;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Flow;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

import javax.sql.DataSource;

import jakarta.annotation.PostConstruct;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;

import org.jboss.logging.Logger;

import io.chatrelay.conversation.PageConfig;
import io.chatrelay.database.SqlErrors;
import io.chatrelay.defect.RepeatedTask;
import io.chatrelay.defect.Trace;
import io.chatrelay.event.Scope;
import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.runtime.ShutdownEvent;

/**
 * The changes of the inbox for its readers on this replica, whichever replica makes them. One statement finds what is new for all readers that have
 * everything else; a reader that comes, or falls behind, reads by itself up to there. One virtual thread does all of it, on one connection at a time,
 * which it does not keep: many readers that come at once wait for each other, and not for callers of other calls.
 *
 * <p>Each entry that changes after a reader's position is told at least once, in its newest state: a state that lasted for less than the poll's
 * interval may never be told, and an entry may be told again as it was. An erased entry is not told.
 */
@ApplicationScoped
public class InboxFeed {

    private static final Logger LOG = Logger.getLogger(InboxFeed.class);

    private final DataSource database;
    private final ApprovalRow.Repository approvals;
    private final InboxConfig config;
    private final PageConfig pages;
    private final Set<InboxReader> readers = ConcurrentHashMap.newKeySet();
    private final ScheduledExecutorService thread = Executors
            .newSingleThreadScheduledExecutor(Thread.ofVirtual().name("chat-relay-inbox").factory());
    private volatile boolean closed;
    /** The rest waits for the next poll, so that readers do not wait for the database one after another. */
    private boolean isDatabaseAway;

    InboxFeed(DataSource database, ApprovalRow.Repository approvals, InboxConfig config, PageConfig pages) {
        this.database = database;
        this.approvals = approvals;
        this.config = config;
        this.pages = pages;
    }

    @PostConstruct
    void start() {
        long every = config.pollEvery().toNanos();
        thread.scheduleWithFixedDelay(new RepeatedTask("The inbox's poll", this::poll), every, every, TimeUnit.NANOSECONDS);
    }

    void stop(@Observes ShutdownEvent event) {
        close();
        thread.shutdownNow();
    }

    /**
     * What is in the inbox, and its changes without end: first what is pending, or what changed after a position. One chunk is given for each request;
     * it holds no connection, thread or transaction between chunks. It completes only if this replica stops, and fails by a defect.
     *
     * @param after empty for a reader that begins with what is pending. So does one whose position is of another database, such as one from before a
     *              restore
     */
    public Flow.Publisher<List<InboxEvent>> follow(Scope scope, Optional<InboxPosition> after) {
        return subscriber -> {
            InboxReader reader = new InboxReader(scope, after.orElse(null), subscriber, this::serveLater, readers::remove);
            readers.add(reader);
            subscriber.onSubscribe(reader);
            if (closed) {
                reader.leave();
            }
        };
    }

    /** Ends all streams: their readers can come back to another replica. */
    public void close() {
        closed = true;
        readers.forEach(InboxReader::leave);
    }

    /** How many readers have not left. */
    public int readers() {
        return readers.size();
    }

    private void serveLater(InboxReader reader) {
        if (reader.isWaiting()) {
            try {
                thread.execute(() -> serve(reader));
            } catch (RejectedExecutionException e) {
                reader.leave();
            }
        }
    }

    private void poll() {
        isDatabaseAway = false;
        List<InboxReader> following = readers.stream().filter(InboxReader::isFollowing).toList();
        if (!following.isEmpty()) {
            guarded(following, () -> share(following));
        }
        // Those that the database kept waiting.
        readers.stream().filter(InboxReader::isWaiting).forEach(this::serve);
    }

    private void share(List<InboxReader> following) throws SQLException {
        InboxPosition from = following.stream().map(InboxReader::position).distinct().reduce(InboxPosition::and).orElseThrow();
        InboxChanges.Page page = changed(from);
        if (from.isAhead(page.now())) {
            following.forEach(this::beginAgain);
            return;
        }
        Map<InboxReader, InboxReader.Chunk> chunks = new LinkedHashMap<>();
        for (InboxReader reader : following) {
            InboxReader.Chunk chunk = reader.chunk(page, config.maxChunk().asLongValue());
            if (reader.takes(chunk)) {
                chunks.put(reader, chunk);
            } else {
                serveLater(reader);
            }
        }
        tell(chunks);
    }

    /** Tells one reader that is behind the next chunk. */
    private void serve(InboxReader reader) {
        if (!isDatabaseAway && reader.isWaiting()) {
            guarded(List.of(reader), () -> {
                if (reader.position() == null) {
                    try (Connection connection = database.getConnection()) {
                        reader.begin(InboxChanges.beforeList(connection));
                    }
                }
                InboxChanges.Page page = reader.position().isInList() ? pending(reader) : changed(reader.position());
                if (reader.position().isAhead(page.now())) {
                    beginAgain(reader);
                } else {
                    tell(Map.of(reader, reader.chunk(page, config.maxChunk().asLongValue())));
                }
            });
        }
    }

    private void beginAgain(InboxReader reader) {
        reader.begin(null);
        serveLater(reader);
    }

    private InboxChanges.Page changed(InboxPosition after) throws SQLException {
        try (Connection connection = database.getConnection()) {
            return InboxChanges.changed(connection, after, pages.maxBytes().asLongValue());
        }
    }

    private InboxChanges.Page pending(InboxReader reader) throws SQLException {
        try (Connection connection = database.getConnection()) {
            return InboxChanges.pending(connection, reader.tenant(), reader.position(), pages.maxBytes().asLongValue());
        }
    }

    private void tell(Map<InboxReader, InboxReader.Chunk> chunks) {
        Map<UUID, ApprovalView> views = views(chunks.values());
        chunks.forEach((reader, chunk) -> reader.tell(chunk, views));
    }

    /** The entries in their newest state, each once, however many readers are told of it. */
    private Map<UUID, ApprovalView> views(Collection<InboxReader.Chunk> chunks) {
        Map<UUID, String> conversations = new HashMap<>();
        chunks.forEach(chunk -> chunk.told().forEach(one -> conversations.put(one.row().id(), one.row().conversation())));
        Map<UUID, ApprovalView> views = new HashMap<>();
        if (!conversations.isEmpty()) {
            QuarkusTransaction.requiringNew().call(() -> approvals.newestFirst(conversations.keySet()))
                    .forEach(row -> views.put(row.id, row.view(conversations.get(row.id)).withoutHistory()));
        }
        return views;
    }

    private interface Reading {
        void run() throws SQLException;
    }

    /** While the database is away, readers wait. A defect ends their streams: they come back with their positions. */
    private void guarded(List<InboxReader> served, Reading reading) {
        try {
            reading.run();
        } catch (SQLException | RuntimeException e) {
            isDatabaseAway = SqlErrors.isAway(e);
            if (isDatabaseAway) {
                LOG.debugf("Readers of the inbox wait for the database: %s", e.getClass().getSimpleName());
            } else {
                LOG.errorf("Readers of the inbox are cut by a defect: %s", Trace.of(e));
                served.forEach(reader -> reader.fail(e));
            }
        }
    }
}
