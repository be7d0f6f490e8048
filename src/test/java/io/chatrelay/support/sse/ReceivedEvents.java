package io.chatrelay.support.sse;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The server-sent events that a reader has received up to now. It reads on while others look. */
public abstract class ReceivedEvents {

    private final SseParser parser = new SseParser(this::comment);
    private final List<SseEvent> events = new ArrayList<>();
    private final List<String> comments = new ArrayList<>();

    /** Takes the next bytes of the stream. */
    protected final void receive(byte[] bytes, int length) {
        for (int i = 0; i < length; i++) {
            SseEvent event = parser.take(bytes[i]);
            if (event != null) {
                synchronized (this) {
                    events.add(event);
                }
                received(event);
            }
        }
    }

    /** Is told of each event, on the thread that reads. */
    protected void received(SseEvent event) {}

    private synchronized void comment(String text) {
        comments.add(text);
    }

    public final synchronized List<SseEvent> events() {
        return List.copyOf(events);
    }

    public final synchronized List<String> comments() {
        return List.copyOf(comments);
    }

    /** Those that carry an id: what is in the journal. */
    public final List<SseEvent> numbered() {
        return events().stream().filter(event -> !event.id().isEmpty()).toList();
    }

    /** The numbers of the numbered ones. */
    public final List<Long> ids() {
        return numbered().stream().map(SseEvent::number).toList();
    }

    public final long lastNumber() {
        return ids().getLast();
    }

    /** What a reader comes back with: the last id, or an empty text. */
    public final String lastId() {
        return parser.lastId();
    }

    /** How long to wait before coming back, where the stream said so. */
    public final Optional<Duration> retry() {
        return parser.retry();
    }

    /** The AI SDK's names of the parts. */
    public final List<String> types() {
        return events().stream().map(SseEvent::type).filter(type -> !type.isEmpty()).toList();
    }

    /** How many parts have the type. */
    public final int count(String type) {
        return (int) types().stream().filter(type::equals).count();
    }

    public final SseEvent last() {
        return events().getLast();
    }

    /** How it ended: {@code [DONE]}, or the type of the last part, which is {@code error} or {@code abort}. */
    public final String end() {
        return last().type().isEmpty() ? last().data() : last().type();
    }

    /** Whether it ended as only a completed turn may. */
    public final boolean done() {
        List<SseEvent> all = events();
        return !all.isEmpty() && all.getLast().data().equals("[DONE]");
    }

    /** The answer's text as far as it came, on either wire. */
    public final String answer() {
        return text(events());
    }

    public static String text(List<SseEvent> events) {
        StringBuilder text = new StringBuilder();
        events.forEach(event -> text.append(event.text()));
        return text.toString();
    }

    /** What an error in mid-stream says, on either wire; an empty text where there is none. */
    public final String error() {
        for (SseEvent event : events()) {
            if (event.type().equals("error")) {
                return event.json().path("errorText").asText();
            }
            if (event.data().startsWith("{\"error\"")) {
                return event.json().at("/error/message").asText();
            }
        }
        return "";
    }
}
