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
            status = Integer.parseInt(rawLine().split(" ")[1]);
            for (String line = rawLine(); !line.isEmpty(); line = rawLine()) {
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

    /** The next line of the body, without its line feed; null at its end. @throws IOException where it is cut, or nothing came for too long */
    String line() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream(128);
        while (true) {
            int next = next();
            if (next < 0) {
                return line.size() == 0 ? null : line.toString(StandardCharsets.UTF_8);
            }
            if (next == '\n') {
                return line.toString(StandardCharsets.UTF_8);
            }
            line.write(next);
        }
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
            left = Long.parseLong(rawLine(), 16);
            if (left == 0) {
                rawLine();
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
                rawLine();
            } else {
                over = true;
            }
        }
        return next;
    }

    private String rawLine() throws IOException {
        StringBuilder line = new StringBuilder();
        for (int next = in.read(); next != '\n'; next = in.read()) {
            if (next < 0) {
                throw new EOFException("cut");
            }
            if (next != '\r') {
                line.append((char) next);
            }
        }
        return line.toString();
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
