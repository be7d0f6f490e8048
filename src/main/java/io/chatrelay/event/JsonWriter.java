package io.chatrelay.event;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Writes JSON as UTF-8 bytes into a growing buffer. It is written by hand because the service does this for every event and
 * reader, and because an answer may be split inside a surrogate pair: the writer escapes an unpaired surrogate, which UTF-8 cannot encode.
 * A reader gets the same surrogate back, so that two halves from two events form one character again.
 */
public final class JsonWriter {

    private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

    private byte[] bytes;
    private int size;

    public JsonWriter(int capacity) {
        bytes = new byte[capacity];
    }

    /** Appends text that is already JSON, or the fixed part of a frame: ASCII characters only. */
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

    /** Appends a JSON value unchanged. */
    public JsonWriter raw(RawJson json) {
        return utf8(json.text(), false);
    }

    /** Appends the bytes from an index to the end, unchanged. */
    public JsonWriter raw(byte[] text, int from) {
        ensure(text.length - from);
        System.arraycopy(text, from, bytes, size, text.length - from);
        size += text.length - from;
        return this;
    }

    /** Appends a JSON string with its quotes; {@code null} becomes {@code null}. */
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
