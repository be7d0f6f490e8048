package io.chatrelay.api.protocol;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Failure;
import io.chatrelay.event.JsonWriter;
import io.chatrelay.event.Outcome;
import io.chatrelay.event.Turn;
import io.chatrelay.inkeep.RecordedAnswer;

/**
 * A frame as it stands in an emitted stream.
 *
 * @param number its id, or null for what the protocol adds of its own
 * @param data   what it says
 */
public record Frame(Long number, String data) {

    public static final Turn TURN = new Turn(UUID.fromString("01920000-0000-7000-8000-000000000001"), "acme", "app",
            UUID.fromString("01920000-0000-7000-8000-000000000002"), "chat \"1\"", 3, "agents", "agents",
            UUID.fromString("01920000-0000-7000-8000-000000000003"), Instant.parse("2026-11-22T16:00:00Z"));

    public static final String DONE = "[DONE]";

    private static final Ended CANCELLED = new Ended(Outcome.CANCELLED, null, null, null);
    private static final Ended INTERRUPTED = new Ended(Outcome.INTERRUPTED, null, null,
            Failure.of(Failure.Code.REPLICA_LOST, "The process is gone.\nAsk \"again\"."));

    private static final Pattern FRAME = Pattern.compile("(?:id: 3\\.([1-9][0-9]*)\n)?data: ([^\r\n]+)\n\n");
    private static final JsonMapper JSON = JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION).build();

    /** An answer's events and what they are, for a test's name. */
    public record Answer(String name, List<ChatEvent> events) {

        public Ended end() {
            return (Ended) events.getLast();
        }

        @Override
        public String toString() {
            return name;
        }
    }

    /** Every recorded answer, and some stopped at each of their events by a cancel and by the loss of their replica. */
    public static List<Answer> answers() {
        return Stream.concat(
                RecordedAnswer.names().stream().map(name -> new Answer(name, RecordedAnswer.journalled(name))),
                Stream.of("agents/21a-chat-function-tool-throws", "agents/80a-chat-two-approvals",
                        "cloud/02-links-and-annotations").flatMap(name -> stopped(name, RecordedAnswer.said(name))))
                .toList();
    }

    private static Stream<Answer> stopped(String name, List<ChatEvent> events) {
        return IntStream.rangeClosed(0, events.size()).boxed().flatMap(i -> Stream.of(CANCELLED, INTERRUPTED)
                .map(end -> new Answer("%s %s after %d".formatted(name, end.outcome().wireName(), i),
                        RecordedAnswer.journalled(events.subList(0, i), end))));
    }

    public static byte[] render(FrameWriter frames, List<ChatEvent> events) {
        JsonWriter out = new JsonWriter(16);
        long number = 0;
        for (ChatEvent event : events) {
            frames.write(++number, event, out);
        }
        return out.toBytes();
    }

    /** The frames of a stream, of which every byte belongs to one. */
    public static List<Frame> of(byte[] stream) {
        Matcher frame = FRAME.matcher(new String(stream, UTF_8));
        List<Frame> frames = new ArrayList<>();
        int at = 0;
        while (frame.find()) {
            assertThat(frame.start()).as("the end of one frame is the start of the next").isEqualTo(at);
            at = frame.end();
            frames.add(new Frame(frame.group(1) == null ? null : Long.valueOf(frame.group(1)), frame.group(2)));
        }
        assertThat(at).as("all is read").isEqualTo(new String(stream, UTF_8).length());
        return frames;
    }

    public boolean isDone() {
        return data.equals(DONE);
    }

    public JsonNode json() {
        try {
            return JSON.readTree(data);
        } catch (JsonProcessingException e) {
            throw new AssertionError("not JSON: " + data, e);
        }
    }
}
