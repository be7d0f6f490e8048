package io.chatrelay;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** The way to an Inkeep, which comes and goes. Whatever closes it resets what it carries at that moment. */
final class Gate implements AutoCloseable {

    enum State {
        OPEN,
        /** Nobody listens. */
        CLOSED,
        /** A proxy whose server is gone: a 503 that says when to come back. */
        UNAVAILABLE,
        /** A connection is reset when it has asked, and the next one in the middle of its answer. */
        RESETTING
    }

    private static final byte[] UNAVAILABLE = "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            .getBytes(StandardCharsets.US_ASCII);
    private static final int MIDDLE = 1500;

    private final int port;
    private final URI inkeep;
    private final Set<Socket> carried = ConcurrentHashMap.newKeySet();
    private final AtomicInteger resets = new AtomicInteger();
    private volatile State state = State.OPEN;
    private ServerSocket listener;

    Gate(int port, URI inkeep) throws IOException {
        this.port = port;
        this.inkeep = inkeep;
        listen();
    }

    void become(State next) throws IOException {
        state = next;
        if (next == State.CLOSED) {
            listener.close();
        } else if (listener.isClosed()) {
            listen();
        }
        if (next != State.OPEN) {
            carried.forEach(Gate::reset);
        }
    }

    private void listen() throws IOException {
        ServerSocket opened = new ServerSocket();
        opened.setReuseAddress(true);
        // Somebody else's connection may have been given the port meanwhile.
        await("the gate's port").atMost(Duration.ofSeconds(20)).ignoreExceptionsInstanceOf(IOException.class).until(() -> {
            opened.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            return true;
        });
        listener = opened;
        Thread.ofVirtual().start(() -> {
            while (!opened.isClosed()) {
                try {
                    Socket caller = opened.accept();
                    Thread.ofVirtual().start(() -> carry(caller));
                } catch (IOException e) {
                    // Closed: the loop ends.
                }
            }
        });
    }

    private void carry(Socket caller) {
        carried.add(caller);
        try (caller) {
            switch (state) {
                case OPEN -> pipe(caller, Long.MAX_VALUE);
                case CLOSED -> reset(caller);
                case UNAVAILABLE -> {
                    caller.getInputStream().read(new byte[64 * 1024]);
                    caller.getOutputStream().write(UNAVAILABLE);
                    caller.shutdownOutput();
                    // What is closed with something unread is reset, and the answer is lost.
                    caller.getInputStream().transferTo(OutputStream.nullOutputStream());
                }
                case RESETTING -> {
                    if (resets.incrementAndGet() % 2 == 0) {
                        pipe(caller, MIDDLE);
                    } else {
                        caller.getInputStream().read(new byte[64 * 1024]);
                    }
                    reset(caller);
                }
            }
        } catch (IOException e) {
            // Either side has gone.
        } finally {
            carried.remove(caller);
        }
    }

    /** Both directions, until one side goes or so many bytes of the answer were told. */
    private void pipe(Socket caller, long bytes) throws IOException {
        try (Socket server = new Socket(inkeep.getHost(), inkeep.getPort())) {
            server.setTcpNoDelay(true);
            caller.setTcpNoDelay(true);
            Thread.ofVirtual().start(() -> {
                try (server) {
                    caller.getInputStream().transferTo(server.getOutputStream());
                } catch (IOException e) {
                    // Either side has gone.
                }
            });
            InputStream answer = server.getInputStream();
            byte[] buffer = new byte[16 * 1024];
            long told = 0;
            for (int read = answer.read(buffer); read >= 0 && told < bytes; read = answer.read(buffer)) {
                caller.getOutputStream().write(buffer, 0, read);
                told += read;
            }
        }
    }

    private static void reset(Socket socket) {
        try {
            socket.setSoLinger(true, 0);
            socket.close();
        } catch (IOException e) {
            // It is gone already.
        }
    }

    @Override
    public void close() throws IOException {
        become(State.CLOSED);
    }
}
