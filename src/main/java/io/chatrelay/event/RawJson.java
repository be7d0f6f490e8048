package io.chatrelay.event;

import java.io.IOException;

import com.fasterxml.jackson.core.JsonParser;

/**
 * A JSON value as its text, passed on as it came: nothing of what a tool or an upstream said is lost by reading it.
 * It holds no line breaks, so it fits into one line of a stream.
 */
public record RawJson(String text) {

    public static final RawJson NULL = new RawJson("null");
    public static final RawJson EMPTY_OBJECT = new RawJson("{}");

    /** Text that should be JSON, and where it is not, the JSON string of it: a model's slip is the caller's to see. */
    public static RawJson of(String text) {
        try (JsonParser parser = StoredJson.FACTORY.createParser(text)) {
            if (parser.nextToken() != null) {
                parser.skipChildren();
                if (parser.nextToken() == null) {
                    return new RawJson(text.strip());
                }
            }
        } catch (IOException e) {
            // Not JSON: below.
        }
        return string(text);
    }

    /** The JSON string of a text. */
    public static RawJson string(String text) {
        return new RawJson(new JsonWriter(text.length() + 2).string(text).toString());
    }

    /** What it says where it is a string, else its own text. */
    public String asText() {
        return text.startsWith("\"") ? StoredJson.string(text) : text;
    }

    public RawJson {
        // Between tokens a line break is white space; inside a string JSON does not allow one.
        if (text.indexOf('\n') >= 0 || text.indexOf('\r') >= 0) {
            text = text.replace('\n', ' ').replace('\r', ' ');
        }
    }
}
