package io.chatrelay.support;

import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BooleanSupplier;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * A reader of server-sent events. It reads by itself until the stream ends or breaks; {@link #close} leaves in mid-stream. What
 * is no event stream is there as {@link #text}.
 */
public final class Sse implements AutoCloseable {

    /** One event; its id is empty where it has none. */
    public record Event(String id, String data) {

        /** Its place in its turn, which is the end of its id. */
        public long number() {
            return Long.parseLong(id.substring(id.indexOf('.') + 1));
        }

        public JsonNode json() {
            return Json.read(data);
        }

        /** The AI SDK's word for it, or an empty text. */
        public String type() {
            return data.startsWith("{") ? json().path("type").asText("") : "";
        }
    }

    private static final Duration PATIENCE = Duration.ofSeconds(90);

    private final int status;
    private final HttpHeaders headers;
    private final InputStream body;
    private final List<Event> events = new CopyOnWriteArrayList<>();
    private final List<String> comments = new CopyOnWriteArrayList<>();
    private final StringBuffer text = new StringBuffer();
    private volatile boolean over;
    private volatile boolean broken;

    Sse(int status, HttpHeaders headers, InputStream body) {
        this.status = status;
        this.headers = headers;
        this.body = body;
        Thread.ofVirtual().start(this::read);
    }

    private void read() {
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(body, StandardCharsets.UTF_8))) {
            String id = "";
            String data = null;
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                text.append(line).append('\n');
                if (line.isEmpty() && data != null) {
                    events.add(new Event(id, data));
                    id = "";
                    data = null;
                } else if (line.startsWith(":")) {
                    comments.add(line.substring(1).strip());
                } else if (line.startsWith("id: ")) {
                    id = line.substring("id: ".length());
                } else if (line.startsWith("data: ")) {
                    data = (data == null ? "" : data + "\n") + line.substring("data: ".length());
                }
            }
        } catch (IOException e) {
            broken = true;
        } finally {
            over = true;
        }
    }

    public int status() {
        return status;
    }

    /** A header's value, or an empty text. */
    public String header(String name) {
        return headers.firstValue(name).orElse("");
    }

    public String conversation() {
        return header("x-conversation-id");
    }

    public String turn() {
        return header("x-turn-id");
    }

    /** Waits for so many events. */
    public Sse until(int count) {
        awaits("%d events".formatted(count), () -> events.size() >= count);
        return this;
    }

    /** Waits for some text of the answer. */
    public Sse untilText() {
        awaits("text", () -> !answer().isEmpty());
        return this;
    }

    /** Waits until so many calls ask for approval, and fails at once where the stream is over before. */
    public Sse untilAsked(int calls) {
        awaits("%d requests for approval".formatted(calls), () -> asking() >= calls);
        if (asking() < calls) {
            throw new AssertionError("over before %d calls asked for approval: %d %s".formatted(calls, status, text));
        }
        return this;
    }

    private long asking() {
        return types().stream().filter("tool-approval-request"::equals).count();
    }

    /** Waits for the stream's end. */
    public Sse toEnd() {
        awaits("the end of the stream", () -> false);
        return this;
    }

    private void awaits(String what, BooleanSupplier there) {
        await(what).atMost(PATIENCE).pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(10))
                .until(() -> over || there.getAsBoolean());
    }

    public boolean over() {
        return over;
    }

    /** Whether the connection broke, which is not an end. */
    public boolean broken() {
        return broken;
    }

    public List<Event> events() {
        return events;
    }

    /** The numbered ones. */
    public List<Event> numbered() {
        return events.stream().filter(event -> !event.id().isEmpty()).toList();
    }

    /** The numbers of the numbered ones. */
    public List<Long> ids() {
        return numbered().stream().map(Event::number).toList();
    }

    /** What a reader comes back with: the last id, or an empty text. */
    public String lastId() {
        return numbered().isEmpty() ? "" : numbered().getLast().id();
    }

    public List<String> types() {
        return events.stream().map(Event::type).filter(type -> !type.isEmpty()).toList();
    }

    public Event last() {
        return events.getLast();
    }

    /** Whether it ended as only a completed turn may. */
    public boolean done() {
        return !events.isEmpty() && events.getLast().data().equals("[DONE]");
    }

    public List<String> comments() {
        return comments;
    }

    /** Everything that came, as lines. */
    public String text() {
        return text.toString();
    }

    public JsonNode json() {
        return Json.read(toEnd().text());
    }

    /** As an answer in one piece, which it is where it is no event stream. */
    public Relay.Answer whole() {
        return new Relay.Answer(status, headers, toEnd().text());
    }

    /** The answer's text, on either wire. */
    public String answer() {
        StringBuilder answer = new StringBuilder();
        for (Event event : events) {
            if (event.data().startsWith("{")) {
                answer.append(event.json().path("delta").asText(""))
                        .append(event.json().at("/choices/0/delta/content").asText(""));
            }
        }
        return answer.toString();
    }

    /** What an error in mid-stream says, on either wire; an empty text where there is none. */
    public String error() {
        for (Event event : events) {
            if (event.type().equals("error")) {
                return event.json().path("errorText").asText();
            }
            if (event.data().startsWith("{\"error\"")) {
                return event.json().at("/error/message").asText();
            }
        }
        return "";
    }

    @Override
    public void close() {
        try {
            body.close();
        } catch (IOException e) {
            broken = true;
        }
    }
}
