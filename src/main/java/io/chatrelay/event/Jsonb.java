package io.chatrelay.event;

import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.regex.Pattern;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

/**
 * Makes text valid for {@code jsonb}, which rejects three things that JSON allows: the zero character, an unpaired surrogate, and
 * numbers outside the range of {@code numeric}. They are replaced in the stored message only; the journal keeps the original.
 */
public final class Jsonb {

    private static final Pattern SUSPECT = Pattern.compile("\\\\u(?:0000|[dD][89a-fA-F])|[0-9][eE]|[0-9]{300}");

    private Jsonb() {}

    /** A string's value without the characters that jsonb rejects. */
    public static String clean(String text) {
        return SurrogatePairs.replaceLone(text).replace('\0', SurrogatePairs.REPLACEMENT);
    }

    /** A JSON value without what jsonb rejects. Most values contain nothing of that kind and are not parsed. */
    public static RawJson clean(RawJson json) {
        if (!SUSPECT.matcher(json.text()).find() && clean(json.text()).equals(json.text())) {
            return json;
        }
        StringWriter out = new StringWriter(json.text().length());
        try (JsonParser parser = UnlimitedJson.FACTORY.createParser(json.text());
                JsonGenerator generator = UnlimitedJson.FACTORY.createGenerator(out)) {
            for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
                switch (token) {
                    case FIELD_NAME -> generator.writeFieldName(clean(parser.currentName()));
                    case VALUE_STRING -> generator.writeString(clean(parser.getText()));
                    case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> number(generator, parser.getText());
                    default -> generator.copyCurrentEvent(parser);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("a value that was JSON at the door no longer is", e);
        }
        return new RawJson(out.toString());
    }

    private static void number(JsonGenerator generator, String number) throws IOException {
        // Every double is in jsonb's range by far. A number outside a double's range, too large or too small, is kept as its text.
        double about = number.length() < 300 ? Double.parseDouble(number) : Double.NaN;
        if (Double.isFinite(about) && (about != 0 || number.indexOf('e') < 0 && number.indexOf('E') < 0)) {
            generator.writeNumber(number);
        } else {
            generator.writeString(number);
        }
    }
}
