package io.chatrelay.inkeep;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * Cuts a byte stream into the data of server-sent events. Source: WHATWG HTML, 9.2.6: lines end with LF, CR or CRLF, data lines of
 * one event are joined by LF, comments and other fields are passed over, an event that the end cuts off is dropped.
 *
 * <p>It holds at most one event, and that one is bounded: an endless line, or an endless event, is an error and not heap.
 */
final class SseDecoder {

    /** An event was larger than allowed. */
    static final class TooLarge extends Exception {
        private static final long serialVersionUID = 1;

        TooLarge(int limit) {
            super("an event of more than " + limit + " bytes", null, false, false);
        }
    }

    private static final byte[] BOM = { (byte) 0xef, (byte) 0xbb, (byte) 0xbf };

    private final int limit;
    private byte[] line = new byte[512];
    private int length;
    private boolean afterCr;
    private boolean atStart = true;
    private StringBuilder data;
    private int dataBytes;

    /** @param limit bytes of one event */
    SseDecoder(int limit) {
        this.limit = limit;
    }

    /** Takes the next bytes, however they were split, and gives the data of each event that they complete. */
    void decode(byte[] bytes, Consumer<String> events) throws TooLarge {
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

    private void endLine(Consumer<String> events) {
        int from = 0;
        if (atStart) {
            atStart = false;
            from = length >= 3 && Arrays.equals(line, 0, 3, BOM, 0, 3) ? 3 : 0;
        }
        if (length == from) {
            dispatch(events);
        } else if (startsWithData(from)) {
            int value = from + 4;
            if (value < length && line[value] == ':') {
                value++;
                value += value < length && line[value] == ' ' ? 1 : 0;
            }
            append(new String(line, value, length - value, StandardCharsets.UTF_8), length - value);
        }
        length = 0;
        if (line.length > 64 * 1024) {
            line = new byte[512];
        }
    }

    private boolean startsWithData(int from) {
        return length - from >= 4 && line[from] == 'd' && line[from + 1] == 'a' && line[from + 2] == 't'
                && line[from + 3] == 'a'
                && (length - from == 4 || line[from + 4] == ':');
    }

    private void append(String value, int bytes) {
        if (data == null) {
            data = new StringBuilder(value);
        } else {
            data.append('\n').append(value);
        }
        dataBytes += bytes + 1;
    }

    private void dispatch(Consumer<String> events) {
        if (data != null) {
            String complete = data.toString();
            data = null;
            dataBytes = 0;
            events.accept(complete);
        }
    }
}
