package io.chatrelay.chat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

import org.erdtman.jcs.JsonCanonicalizer;

/**
 * What was shown, in 32 bytes: the SHA-256 of the canonical JSON of a tool's input. Source: RFC 8785. An input that has no
 * canonical form (a name twice, a number beyond a double, half a surrogate pair, no object or array, too deep) is digested as the text that is shown.
 */
final class InputDigest {

    /** The canonicalizer is recursive. */
    private static final int DEEPEST = 200;

    private InputDigest() {}

    static byte[] of(RawJson input) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(canonical(input.text()));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    private static byte[] canonical(String json) {
        if (depth(json) <= DEEPEST) {
            try {
                String canonical = new JsonCanonicalizer(json).getEncodedString();
                if (Jsonb.clean(canonical).equals(canonical)) {
                    return canonical.getBytes(StandardCharsets.UTF_8);
                }
            } catch (IOException | RuntimeException e) {
                // No canonical form: below.
            }
        }
        return Ask.escaped(json).getBytes(StandardCharsets.UTF_8);
    }

    /** At least as deep as it is: brackets inside strings count too. */
    private static int depth(String json) {
        int depth = 0;
        int deepest = 0;
        for (int i = 0; i < json.length(); i++) {
            char c = json.charAt(i);
            if (c == '{' || c == '[') {
                deepest = Math.max(deepest, ++depth);
            } else if (c == '}' || c == ']') {
                depth--;
            }
        }
        return deepest;
    }
}
