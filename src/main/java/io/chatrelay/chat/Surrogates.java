package io.chatrelay.chat;

/** Halves of surrogate pairs that stand alone: a JSON string may hold them, but UTF-8 and {@code jsonb} may not. */
public final class Surrogates {

    /** What is put in place of each. */
    public static final char REPLACEMENT = '\ufffd';

    private Surrogates() {}

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
}
