package io.chatrelay.inkeep;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import io.chatrelay.dev.Recording;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Failure;
import io.chatrelay.event.Transcript;
import io.chatrelay.inkeep.AgentsDecoder.Mode;

/** Recorded answers to chat calls as the service reads them: bytes into frames into events, and the end as a turn writes it. */
public final class RecordedAnswer {

    static final Instant NOW = Instant.parse("2026-11-22T16:00:00Z");

    private static final Pattern CHAT_CALL = Pattern.compile("://[^/]+(?:/run/api/chat|/api/chat|/v1/chat/completions) ");
    private static final int LIMIT = 1 << 20;
    private static final Ended NOBODY_CAME = Ended
            .failed(Failure.of(Failure.Code.UPSTREAM_TIMEOUT, "Inkeep was silent for too long."));

    private RecordedAnswer() {}

    /** The recordings that answer a chat call; the others answer approvals at their own route, readers and inboxes. */
    public static List<String> names() {
        return Stream.of("agents", "legacy", "cloud").flatMap(folder -> Recording.names(folder).stream())
                .filter(RecordedAnswer::answersChatCall).toList();
    }

    private static boolean answersChatCall(String name) {
        try (InputStream request = RecordedAnswer.class.getResourceAsStream("/emulator/" + name + ".request.txt")) {
            return CHAT_CALL.matcher(new String(request.readAllBytes(), StandardCharsets.UTF_8)).find();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The events of an Agents body, as far as it goes. */
    static List<ChatEvent> events(String body) {
        List<ChatEvent> events = new ArrayList<>();
        read(body, 4096, agents(null), events);
        return events;
    }

    static boolean isStream(Recording recording) {
        return recording.status() == 200 && recording.header("content-type").orElse("").startsWith("text/event-stream");
    }

    static AnswerDecoder decoder(Recording recording) {
        return recording.name().startsWith("cloud/") ? new CloudDecoder()
                : agents(recording.header("x-workflow-run-id").orElse(null));
    }

    /** @param runId of a durable run, or null */
    static AgentsDecoder agents(String runId) {
        return agents(new PartBoundaries(runId), runId);
    }

    static AgentsDecoder agents(PartBoundaries brackets, String runId) {
        return new AgentsDecoder(brackets, runId == null ? Mode.CLASSIC : Mode.DURABLE, true);
    }

    /** What the decoder makes of the answer when it comes in chunks of that many bytes. */
    static List<ChatEvent> decoded(String name, int chunk) {
        Recording recording = Recording.load(name);
        List<ChatEvent> events = new ArrayList<>();
        if (recording.status() != 200) {
            Long retryAfter = ErrorResponses.retryAfter(recording.header("retry-after").orElse(null), NOW);
            events.add(Ended.failed(ErrorResponses.of(recording.status(), recording.body(), retryAfter)));
        } else if (!isStream(recording)) {
            WholeAnswer.decode(recording.body(), events);
        } else {
            AnswerDecoder decoder = decoder(recording);
            read(recording.body(), chunk, decoder, events);
            decoder.ended(events);
        }
        return events;
    }

    static void read(String body, int chunk, AnswerDecoder decoder, List<ChatEvent> events) {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        SseDecoder frames = new SseDecoder(LIMIT);
        try {
            for (int i = 0; i < bytes.length; i += chunk) {
                frames.decode(Arrays.copyOfRange(bytes, i, Math.min(bytes.length, i + chunk)),
                        (event, data) -> decoder.decode(event, data, events));
            }
        } catch (SseDecoder.TooLarge e) {
            throw new AssertionError(e);
        }
    }

    /** What Inkeep said, without the end. */
    public static List<ChatEvent> said(String name) {
        List<ChatEvent> events = decoded(name, Integer.MAX_VALUE / 2);
        return events.getLast() instanceof Ended ? events.subList(0, events.size() - 1) : events;
    }

    /** The answer's events as they are journalled; where it waits for an approval, as if nobody gave it. */
    public static List<ChatEvent> journalled(String name) {
        return journalled(said(name), decoded(name, Integer.MAX_VALUE / 2).getLast() instanceof Ended end ? end : NOBODY_CAME);
    }

    /** Events and an end as they are journalled: what is open is closed first. */
    public static List<ChatEvent> journalled(List<ChatEvent> events, Ended end) {
        Transcript transcript = new Transcript();
        events.forEach(transcript::apply);
        List<ChatEvent> journalled = new ArrayList<>(events);
        journalled.addAll(transcript.closing(end));
        return journalled;
    }
}
