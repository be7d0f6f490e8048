package io.chatrelay.benchmark;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.util.Locale;

import io.chatrelay.support.HttpLine;

/** One caller's connection, on which one answer is read after the other. */
final class CallerConnection implements AutoCloseable {

    private static final String LENGTH = "content-length:";

    private final Socket socket;
    private final InputStream in;

    CallerConnection(URI api) throws IOException {
        socket = new Socket(api.getHost(), api.getPort());
        socket.setTcpNoDelay(true);
        in = new BufferedInputStream(socket.getInputStream());
    }

    /** Reads a whole answer of a known length, and lets it go. */
    void get(URI uri) throws IOException {
        int length = head(uri);
        in.skipNBytes(length);
    }

    /** Reads a whole stream. @return when its first event had come, by the clock of {@link System#nanoTime} */
    long stream(URI uri) throws IOException {
        head(uri);
        long first = 0;
        for (int size = chunk(); size > 0; size = chunk()) {
            byte[] bytes = in.readNBytes(size);
            first = first == 0 && holdsData(bytes) ? System.nanoTime() : first;
            HttpLine.read(in);
        }
        HttpLine.read(in);
        return first;
    }

    private int chunk() throws IOException {
        return Integer.parseInt(HttpLine.read(in), 16);
    }

    private static boolean holdsData(byte[] frames) {
        for (int i = 0; i + 5 <= frames.length; i++) {
            if (frames[i] == 'd' && frames[i + 1] == 'a' && frames[i + 2] == 't' && frames[i + 3] == 'a'
                    && frames[i + 4] == ':') {
                return true;
            }
        }
        return false;
    }

    /** @return the length that it names, 0 if there is none */
    private int head(URI uri) throws IOException {
        socket.getOutputStream().write(Requests.get(uri));
        String status = HttpLine.read(in);
        if (!status.startsWith("HTTP/1.1 200")) {
            throw new IOException(uri + " answers " + status);
        }
        int length = 0;
        for (String line = HttpLine.read(in); !line.isEmpty(); line = HttpLine.read(in)) {
            if (line.toLowerCase(Locale.ROOT).startsWith(LENGTH)) {
                length = Integer.parseInt(line.substring(LENGTH.length()).strip());
            }
        }
        return length;
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
