package io.chatrelay.support;

import static org.awaitility.Awaitility.await;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.sse.ReceivedEvents;
import io.chatrelay.support.sse.SseEvent;
import io.chatrelay.support.sse.StreamDocument;

/**
 * A reader of server-sent events. It reads by itself until the stream ends or breaks; {@link #close} leaves in mid-stream. What
 * is no event stream is there as {@link #text}.
 */
public final class Sse extends ReceivedEvents implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(90);

    private final int status;
    private final HttpHeaders headers;
    private final InputStream body;
    private final boolean described;
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private volatile boolean over;
    private volatile boolean broken;
    private volatile List<String> undescribed = List.of();

    /** @param described whether each event has to be as {@code /q/asyncapi} says */
    Sse(int status, HttpHeaders headers, InputStream body, boolean described) {
        this.described = described;
        this.status = status;
        this.headers = headers;
        this.body = body;
        Thread.ofVirtual().start(this::read);
    }

    private void read() {
        byte[] buffer = new byte[8192];
        try (body) {
            for (int length = body.read(buffer); length >= 0; length = body.read(buffer)) {
                bytes.write(buffer, 0, length);
                receive(buffer, length);
            }
        } catch (IOException e) {
            broken = true;
        } finally {
            over = true;
        }
    }

    /** What the service tells is what it says that it tells. */
    @Override
    protected void received(SseEvent event) {
        List<String> violations = described && undescribed.isEmpty() ? StreamDocument.violations(event) : List.of();
        if (!violations.isEmpty()) {
            undescribed = Stream.concat(Stream.of(event.toString()), violations.stream()).toList();
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
        awaits("%d events".formatted(count), () -> events().size() >= count);
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
            throw new AssertionError("over before %d calls asked for approval: %d %s".formatted(calls, status, text()));
        }
        return this;
    }

    private int asking() {
        return count("tool-approval-request");
    }

    /** Waits for the stream's end. */
    public Sse toEnd() {
        awaits("the end of the stream", () -> false);
        return this;
    }

    private void awaits(String what, BooleanSupplier there) {
        await(what).atMost(PATIENCE).pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(10))
                .until(() -> over || there.getAsBoolean());
        if (!undescribed.isEmpty()) {
            throw new AssertionError("not as /q/asyncapi describes it: " + undescribed);
        }
    }

    public boolean over() {
        return over;
    }

    /** Whether the connection broke, which is not an end. */
    public boolean broken() {
        return broken;
    }

    /** Everything that came, as it came. */
    public String text() {
        return bytes.toString(StandardCharsets.UTF_8);
    }

    public JsonNode json() {
        return Json.read(toEnd().text());
    }

    /** What came before the first event, as an answer. */
    public Relay.Answer head() {
        return new Relay.Answer(status, headers, "");
    }

    /** As an answer in one piece, which it is where it is no event stream. */
    public Relay.Answer whole() {
        return new Relay.Answer(status, headers, toEnd().text());
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
