package io.chatrelay.support.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Stands between a service and PostgreSQL, and can stall one connection: it stays open, and nothing passes in either direction any more, as
 * when a router forgets it.
 */
public final class StallingProxy implements AutoCloseable {

    /** Every first statement of ours is within so much of what is sent at once. */
    private static final int BUFFER = 64 << 10;

    private final class Link {
        private final Socket client;
        private final Socket server;
        private final StringBuilder sent = new StringBuilder();
        private boolean stalled;
        private volatile boolean closed;

        Link(Socket client) throws IOException {
            this.client = client;
            this.server = new Socket(InetAddress.getLoopbackAddress(), target);
            Thread.startVirtualThread(() -> carry(client, server, true));
            Thread.startVirtualThread(() -> carry(server, client, false));
        }

        private void carry(Socket from, Socket to, boolean note) {
            byte[] buffer = new byte[BUFFER];
            try {
                int count = from.getInputStream().read(buffer);
                while (count >= 0) {
                    pass(to, buffer, count, note);
                    count = from.getInputStream().read(buffer);
                }
            } catch (IOException e) {
                // One of them is gone, and so is the link.
                close();
                return;
            }
            awaitFlow();
            close();
        }

        private void pass(Socket to, byte[] bytes, int count, boolean note) throws IOException {
            awaitFlow();
            if (note) {
                note(new String(bytes, 0, count, StandardCharsets.ISO_8859_1));
            }
            to.getOutputStream().write(bytes, 0, count);
        }

        private synchronized void note(String text) {
            // Statements are named once, and then only by their number.
            if (sent.length() < BUFFER) {
                sent.append(text);
            }
        }

        private synchronized boolean hasSent(String text) {
            return !closed && !stalled && sent.indexOf(text) >= 0;
        }

        private synchronized boolean isStalled() {
            return stalled;
        }

        private synchronized void stall() {
            stalled = true;
        }

        private synchronized void awaitFlow() {
            while (stalled && !closed) {
                try {
                    wait();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return;
                }
            }
        }

        private void close() {
            synchronized (this) {
                closed = true;
                notifyAll();
            }
            quietly(client);
            quietly(server);
        }
    }

    private final ServerSocket listening;
    private final String url;
    private final int target;
    private final List<Link> links = new CopyOnWriteArrayList<>();

    /** @param database a server on this machine */
    public StallingProxy(Postgres database) {
        try {
            listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        String address = database.url();
        target = Integer.parseInt(address.replaceFirst(".*:([0-9]+)/.*", "$1"));
        url = address.replaceFirst("//[^/]+/", "//127.0.0.1:%d/".formatted(listening.getLocalPort()));
        Thread.startVirtualThread(this::accept);
    }

    private void accept() {
        while (!listening.isClosed()) {
            try {
                links.add(new Link(listening.accept()));
            } catch (IOException e) {
                // It ends, or PostgreSQL is not there: whoever connects finds out.
                continue;
            }
        }
    }

    /** The same database through this. */
    public String url() {
        return url;
    }

    /** Stalls one open connection on which this was sent; false where there is none. */
    public boolean stall(String sent) {
        List<Link> found = links.stream().filter(link -> link.hasSent(sent)).toList();
        found.stream().limit(1).forEach(Link::stall);
        return !found.isEmpty();
    }

    /** Closes those that hang, as PostgreSQL does when nothing answers its keep-alives any more. */
    public void forget() {
        links.stream().filter(Link::isStalled).forEach(Link::close);
    }

    /** Whether there is an open one that does not hang. */
    public boolean hasOne(String sent) {
        return links.stream().anyMatch(link -> link.hasSent(sent));
    }

    private static void quietly(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            // It was closed by the other side.
            return;
        }
    }

    @Override
    public void close() {
        try {
            listening.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        links.forEach(Link::close);
    }
}
