package io.chatrelay.api;

import java.io.IOException;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonStreamContext;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;

import io.chatrelay.event.UntrustedJsonFactory;

/**
 * Reads a body without building a tree: counts its values, and checks that each number has a size that can be calculated with. Two bytes
 * of JSON can need a hundred bytes in a tree, and ten characters with an exponent can need a gigabyte of digits.
 */
final class BodyScan {

    private static final int DEEPEST = 200;
    private static final int LONGEST_NUMBER = 100;
    /** Outside the range of a double, but short when written out. */
    private static final int GREATEST_EXPONENT = 999;
    private static final int LONGEST_PATH = 200;
    static final String NUMBER = "is a number of more than %d characters, or with an exponent beyond %d"
            .formatted(LONGEST_NUMBER, GREATEST_EXPONENT);

    static final StreamReadConstraints CONSTRAINTS = StreamReadConstraints.builder().maxStringLength(Integer.MAX_VALUE)
            .maxNumberLength(Integer.MAX_VALUE).maxNestingDepth(DEEPEST).build();
    static final JsonFactory FACTORY = UntrustedJsonFactory.builder(CONSTRAINTS).build();

    private BodyScan() {}

    /**
     * Counts values, names and brackets.
     *
     * @throws JsonProcessingException if the body is not JSON
     */
    static int values(byte[] json, int most) throws IOException {
        int values = 0;
        try (JsonParser parser = FACTORY.createParser(json)) {
            for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
                values++;
                if (values > most) {
                    throw Problems.invalid("body",
                            "holds more than %d JSON values, names and brackets, which is configured as chat-relay.requests.max-values"
                                    .formatted(most));
                }
                if (token.isNumeric() && !isOrdinary(parser)) {
                    throw Problems.invalid(path(parser.getParsingContext()), NUMBER);
                }
            }
        }
        return values;
    }

    private static boolean isOrdinary(JsonParser parser) throws IOException {
        return parser.getTextLength() <= LONGEST_NUMBER && exponent(parser.getText()) <= GREATEST_EXPONENT;
    }

    /** The exponent without its sign; the greatest int if it is not an int. */
    private static int exponent(String number) {
        int e = Math.max(number.indexOf('e'), number.indexOf('E'));
        if (e < 0) {
            return 0;
        }
        try {
            return Math.abs(Integer.parseInt(number.substring(e + 1)));
        } catch (NumberFormatException beyond) {
            return Integer.MAX_VALUE;
        }
    }

    /** The path in the form that {@link JsonBody} uses. */
    private static String path(JsonStreamContext place) {
        StringBuilder path = new StringBuilder();
        for (JsonStreamContext at = place; at != null && !at.inRoot(); at = at.getParent()) {
            path.insert(0, at.inArray() ? "[" + at.getCurrentIndex() + "]" : "." + at.getCurrentName());
        }
        if (path.isEmpty()) {
            return "body";
        }
        return path.substring(path.charAt(0) == '.' ? 1 : 0, Math.min(path.length(), LONGEST_PATH));
    }
}
