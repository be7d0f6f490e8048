package io.chatrelay.access;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;

/** Counts the connections of one server socket when they are accepted, before a byte is read, and adds a guard to each accepted connection. */
@Sharable
final class ConnectionGate extends ChannelInboundHandlerAdapter implements GuardedConnection.Gate {

    /** A new connection is not evicted: its request may have arrived, still unread, while other connections are accepted. */
    private static final long GRACE_NANOS = 1_000_000_000;
    private static final int BURST = 4;

    private final ConnectionsConfig config;
    private final ConnectionMetrics metrics;
    private final AtomicInteger open = new AtomicInteger();
    private final Map<InetAddress, Integer> byAddress = new ConcurrentHashMap<>();
    private final LinkedHashMap<GuardedConnection, Long> waiting = new LinkedHashMap<>();

    ConnectionGate(ConnectionsConfig config, ConnectionMetrics metrics) {
        this.config = config;
        this.metrics = metrics;
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object accepted) {
        Channel connection = (Channel) accepted;
        InetAddress address = connection.remoteAddress() instanceof InetSocketAddress remote ? remote.getAddress() : null;
        if (open.get() >= config.max() && !evictOldest()) {
            refuse(connection, CloseReason.TOO_MANY);
            return;
        }
        if (address != null && config.maxPerAddress().isPresent()
                && byAddress.getOrDefault(address, 0) >= config.maxPerAddress().getAsInt()) {
            refuse(connection, CloseReason.TOO_MANY_OF_ADDRESS);
            return;
        }
        open.incrementAndGet();
        if (address != null) {
            byAddress.merge(address, 1, Integer::sum);
        }
        connection.closeFuture().addListener(_ -> closed(address));
        connection.pipeline().addLast("guard", new GuardedConnection(this, config));
        ctx.fireChannelRead(accepted);
    }

    private void refuse(Channel connection, CloseReason reason) {
        metrics.closed(reason);
        // It is not registered with an event loop yet, so nothing could write an answer.
        connection.unsafe().closeForcibly();
    }

    private void closed(InetAddress address) {
        open.decrementAndGet();
        if (address != null) {
            byAddress.computeIfPresent(address, (_, count) -> count == 1 ? null : count - 1);
        }
    }

    @Override
    public void waits(GuardedConnection connection) {
        boolean tooMany;
        synchronized (waiting) {
            waiting.remove(connection);
            waiting.put(connection, System.nanoTime());
            tooMany = waiting.size() > BURST * config.maxWaiting()
                    || waiting.size() > config.maxWaiting()
                            && System.nanoTime() - waiting.firstEntry().getValue() > GRACE_NANOS;
        }
        if (tooMany) {
            evictOldest();
        }
    }

    @Override
    public void waitsNoMore(GuardedConnection connection) {
        synchronized (waiting) {
            waiting.remove(connection);
        }
    }

    @Override
    public void closing(CloseReason reason) {
        metrics.closed(reason);
    }

    int open() {
        return open.get();
    }

    int waiting() {
        synchronized (waiting) {
            return waiting.size();
        }
    }

    private boolean evictOldest() {
        GuardedConnection oldest;
        synchronized (waiting) {
            if (waiting.isEmpty()) {
                return false;
            }
            oldest = waiting.pollFirstEntry().getKey();
        }
        oldest.evict();
        return true;
    }
}
