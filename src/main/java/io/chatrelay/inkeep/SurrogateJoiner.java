package io.chatrelay.inkeep;

import io.chatrelay.event.RawJson;
import io.chatrelay.event.SurrogatePairs;

/**
 * Joins the halves of surrogate pairs that an upstream split across the pieces of one text. Each returned piece is valid Unicode, because half
 * a character breaks every reader that does not use UTF-16. A half is kept until its other half arrives; a lone half becomes U+FFFD.
 */
final class SurrogateJoiner {

    private static final int ESCAPE = "\\uXXXX".length();

    private String half = "";

    /** Returns the complete characters that were not returned before; may be empty. */
    String take(String piece) {
        String text = half + piece;
        boolean waits = !text.isEmpty() && Character.isHighSurrogate(text.charAt(text.length() - 1));
        half = waits ? text.substring(text.length() - 1) : "";
        return of(waits ? text.substring(0, text.length() - 1) : text);
    }

    /** Returns what is left at the end of the text: nothing, or the replacement for a half that is still pending. */
    String rest() {
        String rest = half.isEmpty() ? "" : String.valueOf(SurrogatePairs.REPLACEMENT);
        half = "";
        return rest;
    }

    SurrogateJoiner copy() {
        SurrogateJoiner copy = new SurrogateJoiner();
        copy.half = half;
        return copy;
    }

    /** A text with its lone halves replaced. */
    static String of(String text) {
        return SurrogatePairs.replaceLone(text);
    }

    /** A JSON value with the lone halves in its strings replaced. JSON received as UTF-8 contains halves only as escapes. */
    static RawJson of(RawJson json) {
        String text = json.text();
        if (text.indexOf("\\ud") < 0 && text.indexOf("\\uD") < 0) {
            return json;
        }
        StringBuilder whole = new StringBuilder(text);
        for (int i = text.indexOf('\\'); i >= 0 && i + 1 < text.length(); i = text.indexOf('\\', i)) {
            int unit = unit(text, i);
            if (unit < 0) {
                i += 2;
            } else if (Character.isHighSurrogate((char) unit) && isLow(unit(text, i + ESCAPE))) {
                i += 2 * ESCAPE;
            } else {
                if (Character.isSurrogate((char) unit)) {
                    whole.replace(i, i + ESCAPE, "\\ufffd");
                }
                i += ESCAPE;
            }
        }
        return new RawJson(whole.toString());
    }

    private static boolean isLow(int unit) {
        return unit >= 0 && Character.isLowSurrogate((char) unit);
    }

    /** The escaped code unit at that position, or -1. */
    private static int unit(String json, int at) {
        if (at + ESCAPE > json.length() || json.charAt(at) != '\\' || json.charAt(at + 1) != 'u') {
            return -1;
        }
        return Integer.parseInt(json, at + 2, at + ESCAPE, 16);
    }
}
