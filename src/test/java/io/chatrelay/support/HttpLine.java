package io.chatrelay.support;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;

/** A line of an HTTP/1.1 answer outside of its body, for readers of bare sockets. */
public final class HttpLine {

    private HttpLine() {}

    /** Reads the next one, without its end. @throws EOFException where the answer is cut */
    public static String read(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int next = in.read(); next != '\n'; next = in.read()) {
            if (next < 0) {
                throw new EOFException("cut after: " + line);
            }
            if (next != '\r') {
                line.append((char) next);
            }
        }
        return line.toString();
    }
}
