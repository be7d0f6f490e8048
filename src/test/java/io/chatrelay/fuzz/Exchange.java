package io.chatrelay.fuzz;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

import io.chatrelay.support.ApiDocument;

/** One request and its answer, byte for byte, on a connection of its own: no client between them puts anything right. */
final class Exchange {

    /** How an answer ended. */
    enum End {
        /** As its head said. */
        WHOLE,
        /** The connection broke before. */
        CUT,
        /** Nothing at all came. */
        NONE,
        /** It took too long. */
        HANGS
    }

    record Answer(int status, Map<String, String> headers, byte[] body, End end) {

        String header(String name) {
            return headers.getOrDefault(name, "");
        }

        String text() {
            return new String(body, StandardCharsets.UTF_8);
        }
    }

    private final long deadline;
    private final Socket socket = new Socket();
    private final ByteArrayOutputStream body = new ByteArrayOutputStream();
    private final Map<String, String> headers = new LinkedHashMap<>();
    private int status;

    private Exchange(Duration patience) {
        this.deadline = System.nanoTime() + patience.toNanos();
    }

    /** @param patience for the whole of it */
    static Answer of(URI base, Request request, Duration patience) {
        Exchange exchange = new Exchange(patience);
        try (Socket socket = exchange.socket) {
            return exchange.run(base, request, socket);
        } catch (SocketTimeoutException e) {
            return exchange.answer(End.HANGS);
        } catch (IOException | NumberFormatException e) {
            return exchange.answer(exchange.status == 0 ? End.NONE : End.CUT);
        }
    }

    private Answer run(URI base, Request request, Socket socket) throws IOException {
        socket.setTcpNoDelay(true);
        socket.connect(new InetSocketAddress(base.getHost(), base.getPort()), 5_000);
        InputStream in = new BufferedInputStream(socket.getInputStream());
        try {
            OutputStream out = socket.getOutputStream();
            out.write(request.bytes(base.getAuthority()));
        } catch (IOException e) {
            // It may be answered before it was read whole.
            status = 0;
        }
        do {
            headers.clear();
            status = Integer.parseInt(line(in).split(" ")[1]);
            for (String line = line(in); !line.isEmpty(); line = line(in)) {
                int colon = line.indexOf(':');
                headers.put(line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
            }
        } while (status == 100);
        boolean isEndless = status == 200 && request.path().equals(ApiDocument.ENDLESS);
        if (request.method().equals("HEAD") || status == 204 || status == 304 || isEndless) {
            return answer(End.WHOLE);
        }
        if ("chunked".equalsIgnoreCase(headers.get("transfer-encoding"))) {
            for (int size = Integer.parseInt(line(in), 16); size > 0; size = Integer.parseInt(line(in), 16)) {
                take(in, size);
                line(in);
            }
        } else {
            take(in, Integer.parseInt(headers.getOrDefault("content-length", "-1")));
        }
        return answer(End.WHOLE);
    }

    private void take(InputStream in, int length) throws IOException {
        for (int taken = 0; length < 0 || taken < length; taken++) {
            int next = next(in);
            if (next < 0 && length < 0) {
                return;
            }
            if (next < 0) {
                throw new EOFException("cut");
            }
            body.write(next);
        }
    }

    private String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int next = next(in); next != '\n'; next = next(in)) {
            if (next < 0) {
                throw new EOFException("cut");
            }
            if (next != '\r') {
                line.append((char) next);
            }
        }
        return line.toString();
    }

    private int next(InputStream in) throws IOException {
        if (in.available() == 0) {
            long left = (deadline - System.nanoTime()) / 1_000_000;
            if (left <= 0) {
                throw new SocketTimeoutException();
            }
            socket.setSoTimeout(Math.toIntExact(left));
        }
        return in.read();
    }

    private Answer answer(End end) {
        return new Answer(status, Map.copyOf(headers), body.toByteArray(), end);
    }
}
