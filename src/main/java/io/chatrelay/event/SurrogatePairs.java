package io.chatrelay.event;

/** Handles unpaired surrogates: a JSON string may contain them, but UTF-8 and {@code jsonb} may not. */
public final class SurrogatePairs {

    /** The replacement of each. */
    public static final char REPLACEMENT = '\ufffd';

    private SurrogatePairs() {}

    /** The text with its unpaired surrogates replaced; the same instance if there are none. */
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

    /** The same JSON with unpaired surrogates escaped, which UTF-8 cannot encode. In JSON they can occur only inside a string. */
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
