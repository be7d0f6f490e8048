package io.chatrelay.support.sse;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Reads server-sent events byte by byte, by the letter of the HTML standard ("parsing an event stream"). A line ends with CR, LF or both;
 * a blank line dispatches an event if it has data; what has not come whole is no event. One thread feeds it; others may ask for
 * {@link #lastId} and {@link #retry}.
 */
public final class SseParser {

    private static final String BYTE_ORDER_MARK = "\uFEFF";

    private final Consumer<String> comments;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();
    private boolean afterCarriageReturn;
    private boolean begun;

    /** Of the event whose lines come. */
    private String id = "";
    private String name = "";
    private final List<String> data = new ArrayList<>();
    private String idToKeep = "";

    private volatile String lastId = "";
    private volatile Duration retry;

    public SseParser() {
        this(_ -> {});
    }

    /** @param comments is told the text of each comment */
    public SseParser(Consumer<String> comments) {
        this.comments = comments;
    }

    /** The events of a body, which may break off anywhere. */
    public static List<SseEvent> events(byte[] body) {
        SseParser parser = new SseParser();
        List<SseEvent> events = new ArrayList<>();
        for (byte next : body) {
            SseEvent event = parser.take(next);
            if (event != null) {
                events.add(event);
            }
        }
        return events;
    }

    /** Reads the next event; null at the end of the stream. */
    public SseEvent next(InputStream in) throws IOException {
        for (int next = in.read(); next >= 0; next = in.read()) {
            SseEvent event = take((byte) next);
            if (event != null) {
                return event;
            }
        }
        return null;
    }

    /** Takes one byte. Returns the event that it dispatches, or null. */
    public SseEvent take(byte next) {
        boolean endsPair = next == '\n' && afterCarriageReturn;
        afterCarriageReturn = next == '\r';
        if (endsPair) {
            return null;
        }
        if (next != '\n' && next != '\r') {
            line.write(next);
            return null;
        }
        String text = line.toString(StandardCharsets.UTF_8);
        line.reset();
        if (!begun) {
            begun = true;
            text = text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text;
        }
        if (text.isEmpty()) {
            return dispatch();
        }
        field(text);
        return null;
    }

    private void field(String text) {
        int colon = text.indexOf(':');
        String field = colon < 0 ? text : text.substring(0, colon);
        String value = colon < 0 ? "" : text.substring(colon + 1);
        value = value.startsWith(" ") ? value.substring(1) : value;
        switch (field) {
            case "" -> comments.accept(value);
            case "data" -> data.add(value);
            case "event" -> name = value;
            case "id" -> id(value);
            case "retry" -> retry(value);
            default -> {
                // The standard passes over it.
            }
        }
    }

    private void id(String value) {
        if (value.indexOf('\0') < 0) {
            id = value;
            idToKeep = value;
        }
    }

    private void retry(String value) {
        if (value.matches("[0-9]+")) {
            retry = Duration.ofMillis(Long.parseLong(value));
        }
    }

    private SseEvent dispatch() {
        lastId = idToKeep;
        SseEvent event = data.isEmpty() ? null
                : new SseEvent(id, name.isEmpty() ? SseEvent.MESSAGE : name, String.join("\n", data));
        id = "";
        name = "";
        data.clear();
        return event;
    }

    /** What an {@code EventSource} comes back with: the id that stood last in a whole event; empty before the first. */
    public String lastId() {
        return lastId;
    }

    /** How long to wait before coming back, where the stream said so. */
    public Optional<Duration> retry() {
        return Optional.ofNullable(retry);
    }
}
