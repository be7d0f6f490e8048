package io.chatrelay.benchmark;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.time.Duration;

/**
 * Readers that each read one stream from its beginning to its end, and then the same again, on kept connections. One thread serves all of them and
 * looks at no more than the last bytes of what has come, for they share the machine with what is measured.
 */
final class ReplayReaders {

    /** The end of a chunked body, as the last seven bytes of a long. */
    private static final long END = 0x0D0A300D0A0D0AL;
    private static final long SEVEN_BYTES = 0xFF_FFFF_FFFF_FFFFL;
    private static final int AT_ONCE = 256 << 10;

    /** @param bytes of all answers, their heads included */
    record Seen(long bytes, long replays, double seconds) {}

    private static final class Reader {

        private long last;

        /** Whether the answer ends with these bytes. */
        boolean isEnd(ByteBuffer read) {
            for (int i = Math.max(0, read.position() - Long.BYTES); i < read.position(); i++) {
                last = last << Byte.SIZE | read.get(i) & 0xFF;
            }
            return (last & SEVEN_BYTES) == END;
        }
    }

    private final InetSocketAddress address;
    private final byte[] request;
    private final ByteBuffer read = ByteBuffer.allocateDirect(AT_ONCE);

    ReplayReaders(URI stream) {
        this.address = new InetSocketAddress(stream.getHost(), stream.getPort());
        this.request = Requests.get(stream);
    }

    /** A closed loop of so many readers. */
    Seen loop(int readers, Duration time) throws IOException {
        try (Selector selector = Selector.open()) {
            for (int i = 0; i < readers; i++) {
                SocketChannel channel = SocketChannel.open(address);
                channel.configureBlocking(false);
                channel.register(selector, SelectionKey.OP_READ, new Reader());
                ask(channel);
            }
            try {
                return loop(selector, time);
            } finally {
                for (SelectionKey key : selector.keys()) {
                    key.channel().close();
                }
            }
        }
    }

    private Seen loop(Selector selector, Duration time) throws IOException {
        long bytes = 0;
        long replays = 0;
        long start = System.nanoTime();
        while (System.nanoTime() - start < time.toNanos()) {
            selector.select(100);
            for (SelectionKey key : selector.selectedKeys()) {
                SocketChannel channel = (SocketChannel) key.channel();
                int more = channel.read(read.clear());
                if (more < 0) {
                    throw new IOException("a replay is cut off");
                }
                bytes += more;
                if (((Reader) key.attachment()).isEnd(read)) {
                    replays++;
                    ask(channel);
                }
            }
            selector.selectedKeys().clear();
        }
        return new Seen(bytes, replays, (System.nanoTime() - start) / 1e9);
    }

    /** It fits into the socket's buffer, which is empty. */
    private void ask(SocketChannel channel) throws IOException {
        channel.write(ByteBuffer.wrap(request));
    }
}
