package io.chatrelay.inkeep;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.BiConsumer;

/**
 * Splits a byte stream into server-sent events: the {@code event} field, null if there is none, and the data. Source: WHATWG HTML, 9.2.6: lines
 * end with LF, CR or CRLF, data lines of one event are joined by LF, comments and other fields are ignored, an event that is incomplete at the
 * end is dropped.
 *
 * <p>It holds at most one event, of bounded size: an endless line, or an endless event, causes an error and does not fill the heap.
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

    private final int limit;
    private byte[] line = new byte[512];
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
                keep(bytes, start, i);
                endLine(events);
                start = i + 1;
                cr = b == '\r';
            } else {
                cr = false;
            }
        }
        afterCr = cr;
        keep(bytes, start, bytes.length);
    }

    private void keep(byte[] bytes, int from, int to) throws TooLarge {
        int more = to - from;
        if (more == 0) {
            return;
        }
        if (length + more + dataBytes > limit) {
            throw new TooLarge(limit);
        }
        if (length + more > line.length) {
            line = Arrays.copyOf(line, Math.min(limit, Math.max(line.length * 2, length + more)));
        }
        System.arraycopy(bytes, from, line, length, more);
        length += more;
    }

    private void endLine(BiConsumer<String, String> events) {
        int from = 0;
        if (atStart) {
            atStart = false;
            from = length >= 3 && Arrays.equals(line, 0, 3, BOM, 0, 3) ? 3 : 0;
        }
        if (length == from) {
            dispatch(events);
        } else if (isField(DATA, from)) {
            int value = value(DATA, from);
            append(new String(line, value, length - value, StandardCharsets.UTF_8), length - value);
        } else if (isField(EVENT, from)) {
            int value = value(EVENT, from);
            event = value == length ? null : new String(line, value, length - value, StandardCharsets.UTF_8);
        }
        length = 0;
        if (line.length > 64 * 1024) {
            line = new byte[512];
        }
    }

    private boolean isField(byte[] name, int from) {
        int end = from + name.length;
        return length >= end && Arrays.equals(line, from, end, name, 0, name.length) && (length == end || line[end] == ':');
    }

    /** The start position of the field's value. */
    private int value(byte[] name, int from) {
        int value = from + name.length;
        if (value < length) {
            value++;
            value += value < length && line[value] == ' ' ? 1 : 0;
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
