package io.chatrelay.event;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Optional;

import org.erdtman.jcs.JsonCanonicalizer;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

/**
 * Identifies the input that was shown, in 32 bytes: the SHA-256 of the canonical JSON of a tool's input. Source: RFC 8785. For an input
 * without a canonical form (a duplicate name, a number outside the precision of a double, an unpaired surrogate, neither object nor array,
 * too deep), the digest is that of the text that is shown.
 */
public final class InputDigest {

    /** The canonicalizer is recursive. */
    private static final int DEEPEST = 200;

    private InputDigest() {}

    public static byte[] of(RawJson input) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(canonical(input.text()));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /**
     * Whether two inputs certainly differ. If one has no canonical form, this cannot be decided: a client that parses and writes it may
     * change its text.
     */
    public static boolean differ(RawJson one, RawJson other) {
        Optional<String> first = canonicalForm(one.text());
        Optional<String> second = canonicalForm(other.text());
        return first.isPresent() && second.isPresent() && !first.equals(second);
    }

    private static byte[] canonical(String json) {
        return canonicalForm(json).orElseGet(() -> SurrogatePairs.escapeLone(json)).getBytes(StandardCharsets.UTF_8);
    }

    private static Optional<String> canonicalForm(String json) {
        if (depth(json) <= DEEPEST) {
            try {
                String canonical = new JsonCanonicalizer(json).getEncodedString();
                if (Jsonb.clean(canonical).equals(canonical) && numbersSurvive(json)) {
                    return Optional.of(canonical);
                }
            } catch (IOException | RuntimeException e) {
                // It has no canonical form.
            }
        }
        return Optional.empty();
    }

    /** A canonical number is a double: two inputs that differ only beyond its precision would have the same digest. */
    private static boolean numbersSurvive(String json) throws IOException {
        try (JsonParser parser = UnlimitedJson.FACTORY.createParser(json)) {
            for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
                if (token.isNumeric()) {
                    String number = parser.getText();
                    String read = Double.toString(Double.parseDouble(number));
                    if (new BigDecimal(read).compareTo(new BigDecimal(number)) != 0) {
                        return false;
                    }
                }
            }
        }
        return true;
    }

    /** The approximate depth: brackets inside strings count too. */
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
