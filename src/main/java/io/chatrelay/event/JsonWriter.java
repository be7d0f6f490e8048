package io.chatrelay.event;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Writes JSON as UTF-8 bytes into a buffer that grows. Written by hand because it is what the service does for every
 * event and reader, and because an answer may be cut in the middle of a surrogate pair: what UTF-8 cannot hold is written as
 * an escape, and read back as the same half, so that two halves in two events are one character again.
 */
public final class JsonWriter {

    private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

    private byte[] bytes;
    private int size;

    public JsonWriter(int capacity) {
        bytes = new byte[capacity];
    }

    /** Text that is JSON already, or the fixed part of a frame: no character outside ASCII. */
    public JsonWriter ascii(String text) {
        int length = text.length();
        ensure(length);
        for (int i = 0; i < length; i++) {
            bytes[size++] = (byte) text.charAt(i);
        }
        return this;
    }

    public JsonWriter ascii(char character) {
        ensure(1);
        bytes[size++] = (byte) character;
        return this;
    }

    public JsonWriter number(long value) {
        return ascii(Long.toString(value));
    }

    /** A JSON value as it is. */
    public JsonWriter raw(RawJson json) {
        return utf8(json.text(), false);
    }

    /** Bytes as they are, from a place to their end. */
    public JsonWriter raw(byte[] text, int from) {
        ensure(text.length - from);
        System.arraycopy(text, from, bytes, size, text.length - from);
        size += text.length - from;
        return this;
    }

    /** A JSON string, quotes included; {@code null} becomes {@code null}. */
    public JsonWriter string(String text) {
        if (text == null) {
            return ascii("null");
        }
        ascii('"');
        utf8(text, true);
        return ascii('"');
    }

    private JsonWriter utf8(String text, boolean escape) {
        int length = text.length();
        ensure(length + 16);
        for (int i = 0; i < length; i++) {
            char c = text.charAt(i);
            if (c < 0x80) {
                if (escape && (c < 0x20 || c == '"' || c == '\\')) {
                    escaped(c);
                } else {
                    ensure(1);
                    bytes[size++] = (byte) c;
                }
            } else if (c < 0x800) {
                ensure(2);
                bytes[size++] = (byte) (0xc0 | c >> 6);
                bytes[size++] = (byte) (0x80 | c & 0x3f);
            } else if (!Character.isSurrogate(c)) {
                ensure(3);
                bytes[size++] = (byte) (0xe0 | c >> 12);
                bytes[size++] = (byte) (0x80 | c >> 6 & 0x3f);
                bytes[size++] = (byte) (0x80 | c & 0x3f);
            } else if (Character.isHighSurrogate(c) && i + 1 < length && Character.isLowSurrogate(text.charAt(i + 1))) {
                int point = Character.toCodePoint(c, text.charAt(++i));
                ensure(4);
                bytes[size++] = (byte) (0xf0 | point >> 18);
                bytes[size++] = (byte) (0x80 | point >> 12 & 0x3f);
                bytes[size++] = (byte) (0x80 | point >> 6 & 0x3f);
                bytes[size++] = (byte) (0x80 | point & 0x3f);
            } else {
                unicodeEscape(c);
            }
        }
        return this;
    }

    private void escaped(char c) {
        switch (c) {
            case '"' -> ascii("\\\"");
            case '\\' -> ascii("\\\\");
            case '\n' -> ascii("\\n");
            case '\r' -> ascii("\\r");
            case '\t' -> ascii("\\t");
            default -> unicodeEscape(c);
        }
    }

    private void unicodeEscape(char c) {
        ensure(6);
        bytes[size++] = '\\';
        bytes[size++] = 'u';
        bytes[size++] = HEX[c >> 12];
        bytes[size++] = HEX[c >> 8 & 0xf];
        bytes[size++] = HEX[c >> 4 & 0xf];
        bytes[size++] = HEX[c & 0xf];
    }

    private void ensure(int more) {
        if (size + more > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, size + more));
        }
    }

    public int size() {
        return size;
    }

    public byte[] toBytes() {
        return Arrays.copyOf(bytes, size);
    }

    @Override
    public String toString() {
        return new String(bytes, 0, size, StandardCharsets.UTF_8);
    }
}
