package io.chatrelay.support.sse;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * The kinds of readers of server-sent events that clients are made of. All of them see the same events in a stream that is right for
 * every client; a stream that is right by the letter may still stop one of them. They read for themselves on purpose, and not by
 * {@link SseParser}: each differs from the standard as its clients do, and the one that does not is a second reading of what tests see.
 */
public enum SseReader {

    /** By the HTML standard: a blank line dispatches an event if it has data, and the last {@code id} is kept for what follows. */
    SPEC {
        @Override
        public List<Event> read(String body) {
            return readKeepingIds(body, fields -> !fields.data.isEmpty());
        }
    },

    /**
     * As OpenAI's SDK for Python and the early ones for Java: a blank line is an event, with data or without, as soon as there was an
     * {@code id} anywhere before it, or a {@code retry}.
     */
    STICKY {
        @Override
        public List<Event> read(String body) {
            return readKeepingIds(body, fields -> !fields.data.isEmpty() || !fields.id.isEmpty() || fields.other);
        }
    },

    /** As many a script: each line that begins with {@code data: } is an event, and nothing else is read. Its events have no id. */
    LINES {
        @Override
        public List<Event> read(String body) {
            return lines(body).stream().filter(line -> line.startsWith("data: "))
                    .map(line -> new Event("", line.substring("data: ".length()))).toList();
        }
    },

    /** As `@microsoft/fetch-event-source`: every blank line is an event, and each has the id that stands in it. */
    BLANK_LINES {
        @Override
        public List<Event> read(String body) {
            Fields fields = new Fields();
            List<Event> events = new ArrayList<>();
            for (String line : lines(body)) {
                if (line.isEmpty()) {
                    events.add(fields.event());
                    fields = new Fields();
                } else {
                    fields.take(line);
                }
            }
            return events;
        }
    };

    /** @param id of the event, or the last one before it, as the reader keeps it; empty where there is none */
    public record Event(String id, String data) {}

    /** The events of a body, which may break off anywhere. */
    public List<Event> read(byte[] body) {
        return read(new String(body, UTF_8));
    }

    abstract List<Event> read(String body);

    /** Keeps the id from event to event. @param dispatches whether a blank line is an event */
    private static List<Event> readKeepingIds(String body, Predicate<Fields> dispatches) {
        Fields fields = new Fields();
        List<Event> events = new ArrayList<>();
        for (String line : lines(body)) {
            if (!line.isEmpty()) {
                fields.take(line);
                continue;
            }
            if (dispatches.test(fields)) {
                events.add(fields.event());
            }
            fields.clear();
        }
        return events;
    }

    /** Those that have their line end. */
    private static List<String> lines(String body) {
        List<String> lines = new ArrayList<>(List.of(body.split("\r\n|\r|\n", -1)));
        lines.removeLast();
        return lines;
    }

    private static final class Fields {
        private String id = "";
        private final List<String> data = new ArrayList<>();
        /** Whether there was a field that is neither. */
        private boolean other;

        void take(String line) {
            int colon = line.indexOf(':');
            if (colon == 0) {
                return;
            }
            String name = colon < 0 ? line : line.substring(0, colon);
            String value = colon < 0 ? "" : line.substring(colon + 1);
            value = value.startsWith(" ") ? value.substring(1) : value;
            switch (name) {
                case "id" -> id = value;
                case "data" -> data.add(value);
                case "event", "retry" -> other = true;
                default -> {
                    // The standard passes over it.
                }
            }
        }

        Event event() {
            return new Event(id, String.join("\n", data));
        }

        void clear() {
            data.clear();
            other = false;
        }
    }
}
