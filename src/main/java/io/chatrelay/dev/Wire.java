package io.chatrelay.dev;

import java.util.concurrent.ThreadLocalRandom;

/** How the real servers write JSON text and make up ids. */
final class Wire {

    private static final String BASE_36 = "0123456789abcdefghijklmnopqrstuvwxyz";
    private static final String CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    private Wire() {}

    static String event(String data) {
        return "data: " + data + "\n\n";
    }

    /**
     * The text as a JSON string, escaped as {@code JSON.stringify} does: half a surrogate pair is written as an escape
     * and not as a question mark, which is what UTF-8 would make of it.
     */
    static String quote(String text) {
        StringBuilder json = new StringBuilder(text.length() + 2).append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
                json.append(c).append(text.charAt(++i));
            } else if (c < ' ' || c == '"' || c == '\\' || Character.isSurrogate(c)) {
                json.append(escaped(c));
            } else {
                json.append(c);
            }
        }
        return json.append('"').toString();
    }

    private static String escaped(char c) {
        return switch (c) {
            case '"' -> "\\\"";
            case '\\' -> "\\\\";
            case '\n' -> "\\n";
            case '\r' -> "\\r";
            case '\t' -> "\\t";
            default -> "\\u%04x".formatted((int) c);
        };
    }

    static String messageId() {
        return random(BASE_36, 21);
    }

    static String textId() {
        return System.currentTimeMillis() + "-" + random(BASE_36, 9);
    }

    static String workflowRunId() {
        return "wrun_01" + random(CROCKFORD, 24);
    }

    static String random(String alphabet, int length) {
        StringBuilder id = new StringBuilder(length);
        for (int i = 0; i < length; i++) {
            id.append(alphabet.charAt(ThreadLocalRandom.current().nextInt(alphabet.length())));
        }
        return id.toString();
    }

    static String completionId() {
        return "chatcmpl-" + random(BASE_36, 24);
    }
}
