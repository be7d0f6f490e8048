package io.chatrelay.inkeep;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.BiConsumer;

/**
 * Splits a byte stream into server-sent events: the {@code event} field, null if there is none, and the data. Source: WHATWG HTML, 9.2.6: lines
 * end with LF, CR or CRLF, data lines of one event are joined by LF, comments and other fields are ignored, an event that is incomplete at the
 * end is dropped.
 *
 * <p>It holds at most one event, of bounded size: an endless line, or an endless event, causes an error and does not fill the heap. Most bytes end
 * with a line; then it holds no buffer, because a stream can be silent for minutes.
 */
final class SseDecoder {

    /** An event was larger than allowed. */
    static final class TooLarge extends Exception {
        private static final long serialVersionUID = 1;

        TooLarge(int limit) {
            super("an event of more than " + limit + " bytes", null, false, false);
        }
    }

    private static final byte[] DATA = "data".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] EVENT = "event".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] BOM = { (byte) 0xef, (byte) 0xbb, (byte) 0xbf };

    /** Of a line that comes in pieces. */
    private static final int LEAST_BUFFER = 512;
    private static final byte[] NO_BUFFER = {};

    private final int limit;
    private byte[] line = NO_BUFFER;
    private int length;
    private boolean afterCr;
    private boolean atStart = true;
    private String event;
    private StringBuilder data;
    private int dataBytes;

    /** @param limit bytes of one event */
    SseDecoder(int limit) {
        this.limit = limit;
    }

    /** Takes the next bytes, split at any position, and emits each event that they complete. */
    void decode(byte[] bytes, BiConsumer<String, String> events) throws TooLarge {
        boolean cr = afterCr;
        int start = 0;
        for (int i = 0; i < bytes.length; i++) {
            byte b = bytes[i];
            if (b == '\n' && cr) {
                start = i + 1;
                cr = false;
            } else if (b == '\n' || b == '\r') {
                endLine(bytes, start, i, events);
                start = i + 1;
                cr = b == '\r';
            } else {
                cr = false;
            }
        }
        afterCr = cr;
        keep(bytes, start, bytes.length);
        if (length == 0) {
            line = NO_BUFFER;
        }
    }

    private void keep(byte[] bytes, int from, int to) throws TooLarge {
        int more = to - from;
        if (more == 0) {
            return;
        }
        checkSize(length + more);
        if (length + more > line.length) {
            line = Arrays.copyOf(line, Math.min(limit, Math.max(LEAST_BUFFER, Math.max(line.length * 2, length + more))));
        }
        System.arraycopy(bytes, from, line, length, more);
        length += more;
    }

    private void checkSize(int bytesOfLine) throws TooLarge {
        if (bytesOfLine + dataBytes > limit) {
            throw new TooLarge(limit);
        }
    }

    private void endLine(byte[] bytes, int start, int end, BiConsumer<String, String> events) throws TooLarge {
        if (length == 0) {
            checkSize(end - start);
            takeLine(bytes, start, end, events);
        } else {
            keep(bytes, start, end);
            int whole = length;
            length = 0;
            takeLine(line, 0, whole, events);
        }
    }

    private void takeLine(byte[] bytes, int start, int end, BiConsumer<String, String> events) {
        int from = start;
        if (atStart) {
            atStart = false;
            from += end - start >= 3 && Arrays.equals(bytes, start, start + 3, BOM, 0, 3) ? 3 : 0;
        }
        if (end == from) {
            dispatch(events);
        } else if (isField(DATA, bytes, from, end)) {
            int value = value(DATA, bytes, from, end);
            append(new String(bytes, value, end - value, StandardCharsets.UTF_8), end - value);
        } else if (isField(EVENT, bytes, from, end)) {
            int value = value(EVENT, bytes, from, end);
            event = value == end ? null : new String(bytes, value, end - value, StandardCharsets.UTF_8);
        }
    }

    private static boolean isField(byte[] name, byte[] bytes, int from, int end) {
        int colon = from + name.length;
        return end >= colon && Arrays.equals(bytes, from, colon, name, 0, name.length) && (end == colon || bytes[colon] == ':');
    }

    /** The start position of the field's value. */
    private static int value(byte[] name, byte[] bytes, int from, int end) {
        int value = from + name.length;
        if (value < end) {
            value++;
            value += value < end && bytes[value] == ' ' ? 1 : 0;
        }
        return value;
    }

    private void append(String value, int bytes) {
        if (data == null) {
            data = new StringBuilder(value);
        } else {
            data.append('\n').append(value);
        }
        dataBytes += bytes + 1;
    }

    private void dispatch(BiConsumer<String, String> events) {
        if (data != null) {
            String complete = data.toString();
            data = null;
            dataBytes = 0;
            events.accept(event, complete);
        }
        event = null;
    }
}
