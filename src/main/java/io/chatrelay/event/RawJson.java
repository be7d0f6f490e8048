package io.chatrelay.event;

import java.io.IOException;
import java.util.Objects;

import com.fasterxml.jackson.core.JsonParser;

/**
 * A JSON value as its text, passed on unchanged: parsing would lose details of what a tool or an upstream sent.
 * It contains no line breaks, so it fits into one line of a stream.
 */
public record RawJson(String text) {

    public static final RawJson NULL = new RawJson("null");
    public static final RawJson EMPTY_OBJECT = new RawJson("{}");

    /** The text if it is JSON, else a JSON string of it: the caller sees the model's mistake. */
    public static RawJson of(String text) {
        try (JsonParser parser = UnlimitedJson.FACTORY.createParser(text)) {
            if (parser.nextToken() != null) {
                parser.skipChildren();
                if (parser.nextToken() == null) {
                    return new RawJson(text.strip());
                }
            }
        } catch (IOException e) {
            // Not JSON: see below.
        }
        return string(text);
    }

    /** A text as a JSON string. */
    public static RawJson string(String text) {
        return new RawJson(new JsonWriter(text.length() + 2).string(text).toString());
    }

    /** The string's value if it is a JSON string, else the JSON text. */
    public String asText() {
        return text.startsWith("\"") ? Objects.requireNonNull(UnlimitedJson.string(text)) : text;
    }

    public RawJson {
        // Between tokens a line break is white space; JSON does not allow one inside a string.
        if (text.indexOf('\n') >= 0 || text.indexOf('\r') >= 0) {
            text = text.replace('\n', ' ').replace('\r', ' ');
        }
    }
}
