package io.chatrelay.journal;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
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

import javax.sql.DataSource;

import io.smallrye.mutiny.Multi;

/** Where readers find events: the channels of turns that run here, the table, and one poll for turns that run elsewhere. */
final class Feeds<E> {

    private record News(long last, boolean ended) {}

    private static final String NEWS = """
            select t.id, t.ended_at is not null,
                   coalesce((select e.last from turn_event e where e.turn_id = t.id order by e.first desc limit 1), 0)
            from turn t where t.id = any(?)""";

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
     * @param executor  where items are delivered; it runs tasks one after another
     * @param comesBack whether a replica that stops may send the reader away in mid-turn
     */
    Multi<List<Entry<E>>> read(UUID turn, long after, Executor executor, boolean comesBack) {
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

    TurnChannel<E> channel(UUID turn) {
        return channels.get(turn);
    }

    long maxChunk() {
        return config.maxChunk().asLongValue();
    }

    boolean isLast(E event) {
        return codec.isLast(event);
    }

    int following() {
        return followers.size();
    }

    void load(UUID turn, long after, BiConsumer<List<Entry<E>>, SQLException> then) {
        loaders.execute(() -> {
            List<Entry<E>> entries = List.of();
            SQLException error = null;
            loads.acquireUninterruptibly();
            try (Connection connection = database.getConnection()) {
                entries = table.after(connection, turn, after, maxChunk());
            } catch (SQLException e) {
                error = e;
            } catch (RuntimeException e) {
                // A row that cannot be read ends the reader; without this it would wait for ever.
                error = new SQLException("events of turn " + turn + " cannot be read", "22000", e);
            } finally {
                loads.release();
            }
            then.accept(entries, error);
        });
    }

    void follow(FeedReader<E> reader) {
        followers.add(reader);
    }

    /** Whether this replica lets its readers go. */
    boolean closed() {
        return closed;
    }

    void forget(FeedReader<E> reader) {
        readers.remove(reader);
        followers.remove(reader);
    }

    /** From now on whoever comes back is sent away once it has what is there. */
    void close() {
        closed = true;
        readers.forEach(FeedReader::wake);
    }

    /** Ends the streams of those that come back, whatever they still have to read. */
    void drop() {
        readers.stream().filter(FeedReader::comesBack).forEach(FeedReader::leave);
    }

    /** Ends the streams that are left, wherever they are. */
    void closeNow() {
        closed = true;
        readers.forEach(FeedReader::leave);
    }

    int open() {
        return readers.size();
    }

    /** Wakes the readers of turns that run elsewhere and have news: one query, however many they are. */
    void poll(Connection connection) throws SQLException {
        if (followers.isEmpty()) {
            return;
        }
        List<FeedReader<E>> asking = List.copyOf(followers);
        Map<UUID, News> news = news(connection, asking.stream().map(FeedReader::turn).distinct().toArray(UUID[]::new));
        for (FeedReader<E> reader : asking) {
            News found = news.get(reader.turn());
            if (found != null && found.last() > reader.position()) {
                followers.remove(reader);
                reader.wake();
            } else if (found == null || found.ended()) {
                followers.remove(reader);
                reader.end();
            }
        }
    }

    private static Map<UUID, News> news(Connection connection, UUID[] turns) throws SQLException {
        Map<UUID, News> news = new HashMap<>();
        try (PreparedStatement select = connection.prepareStatement(NEWS)) {
            select.setArray(1, connection.createArrayOf("uuid", turns));
            try (ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    news.put(rows.getObject(1, UUID.class), new News(rows.getLong(3), rows.getBoolean(2)));
                }
            }
        }
        return news;
    }
}
