package io.chatrelay.crash;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

import io.chatrelay.support.HttpLine;
import io.chatrelay.support.sse.SseEvent;
import io.chatrelay.support.sse.SseParser;

/**
 * One request and its answer on a socket of its own: no pool, no retry and no buffer between a caller and what was really said, and an
 * end that can be told from a cut. It knows as much of HTTP/1.1 as the service speaks.
 */
final class Http implements AutoCloseable {

    private static final int CONNECT_MILLIS = 2000;

    private final Socket socket = new Socket();
    private final InputStream in;
    private final Map<String, String> headers = new HashMap<>();
    private final int status;
    private final boolean chunked;
    private long left;
    private boolean over;
    private int comments;
    private final SseParser parser = new SseParser(_ -> comments++);
    /** Of the body, what has been read of it. */
    private final ByteArrayOutputStream taken = new ByteArrayOutputStream();

    /** Sends it and reads the answer's head. @param body null for none @param patience the longest silence */
    Http(URI base, String method, String path, Map<String, String> fields, String body, Duration patience) throws IOException {
        try {
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(Math.toIntExact(patience.toMillis()));
            socket.connect(new InetSocketAddress(base.getHost(), base.getPort()), CONNECT_MILLIS);
            in = new BufferedInputStream(socket.getInputStream());
            byte[] content = body == null ? new byte[0] : body.getBytes(StandardCharsets.UTF_8);
            StringBuilder head = new StringBuilder(
                    "%s %s HTTP/1.1\r\nhost: %s:%d\r\nconnection: close\r\ncontent-length: %d\r\n"
                            .formatted(method, path, base.getHost(), base.getPort(), content.length));
            fields.forEach((name, value) -> head.append(name).append(": ").append(value).append("\r\n"));
            ByteArrayOutputStream request = new ByteArrayOutputStream();
            request.writeBytes(head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
            request.writeBytes(content);
            socket.getOutputStream().write(request.toByteArray());
            status = Integer.parseInt(HttpLine.read(in).split(" ")[1]);
            for (String line = HttpLine.read(in); !line.isEmpty(); line = HttpLine.read(in)) {
                int colon = line.indexOf(':');
                headers.put(line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
            }
            chunked = "chunked".equalsIgnoreCase(headers.get("transfer-encoding"));
            left = chunked ? 0 : Long.parseLong(headers.getOrDefault("content-length", "0"));
            over = !chunked && left == 0;
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        }
    }

    int status() {
        return status;
    }

    /** Null where it is not there. */
    String header(String name) {
        return headers.get(name);
    }

    /**
     * The next event; null at the body's end.
     *
     * @throws IOException where the body is cut, where nothing came for too long, and where nothing but comments came for so long
     */
    SseEvent event(Duration patience) throws IOException {
        long begun = System.nanoTime();
        for (int next = next(); next >= 0; next = next()) {
            int before = comments;
            SseEvent event = parser.take((byte) next);
            if (event != null) {
                return event;
            }
            if (comments > before && System.nanoTime() - begun > patience.toNanos()) {
                throw new IOException("nothing but comments");
            }
        }
        return null;
    }

    /** The whole body. */
    String body() throws IOException {
        while (next() >= 0) {
            // It is kept.
        }
        return taken.toString(StandardCharsets.UTF_8);
    }

    /** The bytes of the body that were read, up to now. */
    byte[] taken() {
        return taken.toByteArray();
    }

    private int next() throws IOException {
        if (over) {
            return -1;
        }
        if (left == 0) {
            left = Long.parseLong(HttpLine.read(in), 16);
            if (left == 0) {
                HttpLine.read(in);
                over = true;
                return -1;
            }
        }
        int next = in.read();
        if (next < 0) {
            throw new EOFException("cut");
        }
        taken.write(next);
        if (--left == 0) {
            if (chunked) {
                HttpLine.read(in);
            } else {
                over = true;
            }
        }
        return next;
    }

    /** Leaves, at any moment and from any thread. */
    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            // It is gone, which is what was wanted.
            return;
        }
    }
}
