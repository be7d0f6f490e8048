package io.chatrelay.chat;

/**
 * A JSON value as its text, passed on as it came: nothing of what a tool or an upstream said is lost by reading it.
 * It holds no line breaks, so it fits into one line of a stream.
 */
public record RawJson(String text) {

    public static final RawJson NULL = new RawJson("null");
    public static final RawJson EMPTY_OBJECT = new RawJson("{}");

    public RawJson {
        // Between tokens a line break is white space; inside a string JSON does not allow one.
        if (text.indexOf('\n') >= 0 || text.indexOf('\r') >= 0) {
            text = text.replace('\n', ' ').replace('\r', ' ');
        }
    }
}
