package io.chatrelay.event;

/** Halves of surrogate pairs that stand alone: a JSON string may hold them, but UTF-8 and {@code jsonb} may not. */
public final class SurrogatePairs {

    /** What is put in place of each. */
    public static final char REPLACEMENT = '\ufffd';

    private SurrogatePairs() {}

    /** The text with its lone halves replaced; the same one where there are none. */
    public static String replaceLone(String text) {
        StringBuilder whole = null;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (!Character.isSurrogate(c)) {
                continue;
            }
            if (Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
                i++;
            } else {
                whole = whole == null ? new StringBuilder(text) : whole;
                whole.setCharAt(i, REPLACEMENT);
            }
        }
        return whole == null ? text : whole.toString();
    }

    /** The same JSON without what UTF-8 cannot carry: half of a surrogate pair can only stand in a string, as an escape. */
    public static String escapeLone(String json) {
        StringBuilder out = null;
        for (int i = 0; i < json.length(); i++) {
            char c = json.charAt(i);
            if (Character.isHighSurrogate(c) && i + 1 < json.length() && Character.isLowSurrogate(json.charAt(i + 1))) {
                if (out != null) {
                    out.append(c).append(json.charAt(i + 1));
                }
                i++;
            } else if (Character.isSurrogate(c)) {
                out = out == null ? new StringBuilder(json.length() + 8).append(json, 0, i) : out;
                out.append("\\u%04x".formatted((int) c));
            } else if (out != null) {
                out.append(c);
            }
        }
        return out == null ? json : out.toString();
    }
}
