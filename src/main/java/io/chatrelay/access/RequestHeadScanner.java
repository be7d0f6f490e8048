package io.chatrelay.access;

import io.netty.buffer.ByteBuf;

/** Counts the lines of an HTTP/1 request's head as its bytes arrive, up to the empty line that ends it. */
final class RequestHeadScanner {

    private final int most;
    private int lines;
    private boolean lineIsEmpty = true;
    private boolean over;

    RequestHeadScanner(int most) {
        this.most = most;
    }

    /** Scans more bytes. False if there are too many lines. */
    boolean allows(ByteBuf bytes) {
        for (int i = bytes.readerIndex(); i < bytes.writerIndex() && !over; i++) {
            byte next = bytes.getByte(i);
            if (next == '\n') {
                // Empty lines before a request line are allowed, and do not end the head.
                over = lineIsEmpty && lines > 0;
                lines++;
                lineIsEmpty = true;
            } else if (next != '\r') {
                lineIsEmpty = false;
            }
        }
        // Plus the request line, and the empty line at the end.
        return lines <= most + 2;
    }
}
