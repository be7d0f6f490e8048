package io.chatrelay.journal;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Semaphore;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import javax.sql.DataSource;

import org.jspecify.annotations.Nullable;

import io.smallrye.mutiny.Multi;

/** The sources from which readers get events: the channels of turns that run here, the table, and one poll for turns that run elsewhere. */
final class Feeds<E> implements FeedReader.Source<E> {

    /** Bounds what one query of the poll loads into memory: this many turns, each with at most a chunk and a row. */
    private static final int TURNS_A_QUERY = 64;

    private final Map<UUID, TurnChannel<E>> channels = new ConcurrentHashMap<>();
    private final Set<FeedReader<E>> readers = ConcurrentHashMap.newKeySet();
    private final Set<FeedReader<E>> followers = ConcurrentHashMap.newKeySet();
    private final DataSource database;
    private final EventTable<E> table;
    private final EventCodec<E> codec;
    private final FeedConfig config;
    private final ExecutorService loaders;
    private final Semaphore loads;
    private volatile boolean closed;

    Feeds(DataSource database, EventTable<E> table, EventCodec<E> codec, FeedConfig config, ExecutorService loaders) {
        this.database = database;
        this.table = table;
        this.codec = codec;
        this.config = config;
        this.loaders = loaders;
        this.loads = new Semaphore(config.concurrentLoads(), true);
    }

    /**
     * Committed events of a turn after a number, live until its end; each item is one or more consecutive entries.
     *
     * @param executor  delivers the items; it runs tasks one after another
     * @param comesBack whether a replica that stops may detach the reader in mid-turn
     */
    Multi<List<JournalEntry<E>>> read(UUID turn, long after, Executor executor, boolean comesBack) {
        return Multi.createFrom().publisher(subscriber -> {
            FeedReader<E> reader = new FeedReader<>(this, turn, after, executor, comesBack, subscriber);
            readers.add(reader);
            subscriber.onSubscribe(reader);
        });
    }

    TurnChannel<E> open(UUID turn, long committed) {
        TurnChannel<E> channel = new TurnChannel<>(committed, config.tailPerTurn().asLongValue());
        channels.put(turn, channel);
        return channel;
    }

    void close(UUID turn) {
        channels.remove(turn);
    }

    @Override
    public @Nullable TurnChannel<E> channel(UUID turn) {
        return channels.get(turn);
    }

    @Override
    public long maxChunk() {
        return config.maxChunk().asLongValue();
    }

    @Override
    public boolean isLast(E event) {
        return codec.isLast(event);
    }

    int following() {
        return followers.size();
    }

    @Override
    public void load(UUID turn, long after, BiConsumer<List<JournalEntry<E>>, @Nullable SQLException> then) {
        loaders.execute(() -> {
            List<JournalEntry<E>> entries = List.of();
            SQLException error = null;
            loads.acquireUninterruptibly();
            try (Connection connection = database.getConnection()) {
                entries = table.after(connection, turn, after, maxChunk());
            } catch (SQLException e) {
                error = e;
            } catch (RuntimeException e) {
                // A defect fails the reader; without this the reader would wait forever.
                error = new SQLException("events of turn " + turn + " could not be loaded", "22000", e);
            } finally {
                loads.release();
            }
            then.accept(entries, error);
        });
    }

    @Override
    public void follow(FeedReader<E> reader) {
        followers.add(reader);
    }

    @Override
    public void unfollow(FeedReader<E> reader) {
        followers.remove(reader);
    }

    @Override
    public boolean closed() {
        return closed;
    }

    @Override
    public void forget(FeedReader<E> reader) {
        readers.remove(reader);
        followers.remove(reader);
    }

    /** From now on a reader that can resume elsewhere is detached after it received the stored events. */
    void close() {
        closed = true;
        readers.forEach(FeedReader::wake);
    }

    /** Ends the streams of readers that can resume elsewhere, even if they have not received all stored events. */
    void drop() {
        readers.stream().filter(FeedReader::comesBack).forEach(FeedReader::leave);
    }

    /** Ends all remaining streams, at any position. */
    void closeNow() {
        closed = true;
        readers.forEach(FeedReader::leave);
    }

    int open() {
        return readers.size();
    }

    /**
     * Delivers new events to the readers of turns that run elsewhere. One query for all readers also loads the events, because with one query
     * per reader many readers would wait for each other.
     */
    void poll(Connection connection) throws SQLException {
        Map<UUID, List<FeedReader<E>>> asking = followers.stream().collect(Collectors.groupingBy(FeedReader::turn));
        List<UUID> turns = List.copyOf(asking.keySet());
        for (int from = 0; from < turns.size(); from += TURNS_A_QUERY) {
            Map<UUID, Long> positions = new HashMap<>();
            turns.subList(from, Math.min(turns.size(), from + TURNS_A_QUERY)).forEach(turn -> positions.put(turn,
                    readers(asking, turn).mapToLong(FeedReader::position).min().getAsLong()));
            Map<UUID, EventTable.News<E>> news = table.after(connection, positions, maxChunk());
            positions.keySet().forEach(turn -> readers(asking, turn).forEach(reader -> tell(reader, news.get(turn))));
        }
    }

    private static <E> Stream<FeedReader<E>> readers(Map<UUID, List<FeedReader<E>>> asking, UUID turn) {
        return asking.getOrDefault(turn, List.of()).stream();
    }

    /** @param news null if the turn has been erased */
    private void tell(FeedReader<E> reader, EventTable.@Nullable News<E> news) {
        if (news == null) {
            followers.remove(reader);
            reader.end();
            return;
        }
        List<JournalEntry<E>> entries = news.entries().stream().filter(entry -> entry.number() > reader.position()).toList();
        if (!entries.isEmpty()) {
            followers.remove(reader);
            reader.found(entries, news.all());
        } else if (news.all() && news.ended()) {
            followers.remove(reader);
            reader.end();
        } else if (!news.all()) {
            followers.remove(reader);
            reader.found(entries, false);
        }
    }
}
