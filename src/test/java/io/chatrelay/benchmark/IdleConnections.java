package io.chatrelay.benchmark;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntFunction;

/**
 * Callers whose streams have begun and then stay silent. Nobody reads what else comes: it is a heartbeat now and then, for which the kernel's
 * buffers have room for hours, so that a caller costs a socket and no more.
 */
final class IdleConnections implements AutoCloseable {

    /** At once: as many as keep both cores busy, and few enough that none of them times out. */
    private static final int OPENERS = 32;
    private static final int LONGEST_BEGIN = 16 << 10;

    private final URI api;
    private final IntFunction<byte[]> request;
    private final String begun;
    private final List<SocketChannel> open = Collections.synchronizedList(new ArrayList<>());

    /**
     * @param request the bytes that the caller with this number sends
     * @param begun   what an answer contains once it is idle
     */
    IdleConnections(URI api, IntFunction<byte[]> request, String begun) {
        this.api = api;
        this.request = request;
        this.begun = begun;
    }

    /** Opens more of them until there are so many, and waits until each has begun. */
    void openUpTo(int count) throws IOException, InterruptedException {
        try (ExecutorService openers = Executors.newFixedThreadPool(OPENERS)) {
            List<Future<SocketChannel>> begun = new ArrayList<>();
            for (int i = open.size(); i < count; i++) {
                int number = i;
                begun.add(openers.submit(() -> open(number)));
            }
            for (Future<SocketChannel> each : begun) {
                open.add(each.get());
            }
        } catch (ExecutionException e) {
            throw new IOException(e.getCause());
        }
    }

    private SocketChannel open(int number) throws IOException {
        SocketChannel channel = SocketChannel.open(new InetSocketAddress(api.getHost(), api.getPort()));
        channel.write(ByteBuffer.wrap(request.apply(number)));
        ByteBuffer answer = ByteBuffer.allocate(LONGEST_BEGIN);
        String read = "";
        while (!read.contains(begun)) {
            if (!answer.hasRemaining() || channel.read(answer) < 0) {
                channel.close();
                throw new IOException("A stream does not begin: " + read);
            }
            read = new String(answer.array(), 0, answer.position(), StandardCharsets.UTF_8);
        }
        return channel;
    }

    @Override
    public void close() throws IOException {
        for (SocketChannel channel : open) {
            channel.close();
        }
    }
}
