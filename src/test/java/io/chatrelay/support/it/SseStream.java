package io.chatrelay.support.it;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;

import org.awaitility.Awaitility;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.parsetools.RecordParser;

/** A stream of server-sent events as one reader sees it: kept as it comes, until it ends or is cut. */
public final class SseStream {

    /** @param id as the stream tells it; null for what the wire adds of its own */
    public record Frame(String id, String data) {

        /** Its place in its turn, which is the end of its id. */
        public long number() {
            return Long.parseLong(id.substring(id.indexOf('.') + 1));
        }

        public JsonNode json() {
            try {
                return JSON.readTree(data);
            } catch (JsonProcessingException e) {
                throw new IllegalStateException(data, e);
            }
        }

        /** The AI SDK's name of the part. */
        String type() {
            return data.startsWith("{") ? json().path("type").asText() : data;
        }
    }

    /** How far it came. */
    public enum State {
        WAITING,
        OPEN,
        ENDED,
        CUT
    }

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration PATIENCE = Duration.ofSeconds(90);

    private final List<Frame> frames = new ArrayList<>();
    private final Consumer<Frame> seen;
    private final Runnable opened;
    private State state = State.WAITING;
    private int status;
    private MultiMap headers;
    private HttpClientRequest request;
    private Duration retry;
    /** Of the frame whose lines come. */
    private String id;
    private String data;
    private Runnable whenOver = () -> {};

    SseStream() {
        this(() -> {}, _ -> {});
    }

    /**
     * @param opened is told on an event loop that a stream is the answer
     * @param seen   is told there of each frame as it comes
     */
    SseStream(Runnable opened, Consumer<Frame> seen) {
        this.opened = opened;
        this.seen = seen;
    }

    synchronized void asked(HttpClientRequest asked) {
        request = asked;
    }

    void answered(HttpClientResponse response) {
        synchronized (this) {
            status = response.statusCode();
            headers = response.headers();
            state = State.OPEN;
        }
        if (response.statusCode() == 200) {
            opened.run();
        }
        RecordParser parser = RecordParser.newDelimited("\n", this::line);
        response.handler(parser).endHandler(_ -> over(State.ENDED)).exceptionHandler(_ -> over(State.CUT));
    }

    void failed() {
        over(State.CUT);
    }

    private void over(State how) {
        Runnable then;
        synchronized (this) {
            if (isOver()) {
                return;
            }
            state = how;
            then = whenOver;
        }
        then.run();
    }

    /** Runs this once nothing more comes: at once, if that is so already. */
    void whenOver(Runnable then) {
        synchronized (this) {
            if (!isOver()) {
                whenOver = then;
                return;
            }
        }
        then.run();
    }

    /** Whether nothing more comes. */
    synchronized boolean isOver() {
        return state == State.ENDED || state == State.CUT;
    }

    /** Lines come one after the other, on one event loop. */
    private void line(Buffer bytes) {
        String line = bytes.toString();
        if (line.startsWith("id: ")) {
            id = line.substring(4);
        } else if (line.startsWith("data: ")) {
            data = line.substring(6);
        } else if (line.startsWith("retry: ")) {
            retryAfter(Duration.ofMillis(Long.parseLong(line.substring(7))));
        } else if (line.isEmpty() && data != null) {
            Frame frame = new Frame(id, data);
            id = null;
            data = null;
            add(frame);
            seen.accept(frame);
        }
    }

    private synchronized void add(Frame frame) {
        frames.add(frame);
    }

    private synchronized void retryAfter(Duration pause) {
        retry = pause;
    }

    /** How long to wait before coming back, where the stream said so. */
    synchronized Optional<Duration> retry() {
        return Optional.ofNullable(retry);
    }

    public synchronized State state() {
        return state;
    }

    public synchronized int status() {
        return status;
    }

    synchronized String header(String name) {
        return headers.get(name);
    }

    public UUID turn() {
        return UUID.fromString(header("x-turn-id"));
    }

    public synchronized List<Frame> frames() {
        return List.copyOf(frames);
    }

    /** Those that carry an id: what is in the journal. */
    public List<Frame> events() {
        return frames().stream().filter(frame -> frame.id() != null).toList();
    }

    public List<Long> ids() {
        return events().stream().map(Frame::number).toList();
    }

    public long lastNumber() {
        return ids().getLast();
    }

    /** What a reader comes back with. */
    public String lastId() {
        return events().getLast().id();
    }

    /** The answer's text, as far as it came. */
    public String text() {
        return text(frames());
    }

    public static String text(List<Frame> frames) {
        StringBuilder text = new StringBuilder();
        frames.stream().filter(frame -> frame.type().equals("text-delta"))
                .forEach(frame -> text.append(frame.json().path("delta").asText()));
        return text.toString();
    }

    /** How many parts of the type came. */
    long count(String type) {
        return frames().stream().filter(frame -> frame.type().equals(type)).count();
    }

    /** The last part's type: {@code [DONE]}, {@code error}, {@code abort}. */
    public String end() {
        return frames().getLast().type();
    }

    SseStream awaitOpen() {
        Awaitility.await("an answer").atMost(PATIENCE).until(() -> state() != State.WAITING);
        return this;
    }

    public SseStream awaitEvents(int count) {
        Awaitility.await(count + " events").atMost(PATIENCE).pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(20))
                .until(() -> state() == State.CUT || frames().size() >= count);
        return this;
    }

    public SseStream awaitEnd() {
        Awaitility.await("the end of a stream").atMost(PATIENCE).pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(20))
                .until(this::isOver);
        return this;
    }

    /** Leaves; what it read stays readable. */
    synchronized void leave() {
        if (request != null) {
            request.reset();
        }
    }
}
