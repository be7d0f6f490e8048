package io.chatrelay.benchmark;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.sse.SseEvent;
import io.chatrelay.support.sse.SseParser;

/**
 * From a caller's decision to Inkeep's door: each of many turns asks for an approval, which is given by
 * {@code POST /run/api/tool-approvals}; the emulator notes when it heard of it. In between lie two commits: of the decision, and
 * of the note that it is about to be sent.
 */
final class Decisions {

    private static final int LONGEST_MICROS = 60_000_000;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final URI relay;
    private final URI inkeep;
    private final Map<String, Long> decided = new ConcurrentHashMap<>();
    private final Histogram answered = new ConcurrentHistogram(LONGEST_MICROS, 3);
    private final AtomicInteger failed = new AtomicInteger();

    Decisions(RelayProcess relay, URI inkeep) {
        this.relay = relay.api();
        this.inkeep = inkeep;
    }

    /** Prints one row: so many turns, so many of them waiting for their answer at the same time. */
    void measure(int turns, int atOnce) throws IOException, InterruptedException {
        http.send(request(inkeep.resolve("/emulator/requests")).DELETE().build(), HttpResponse.BodyHandlers.discarding());
        CountDownLatch done = new CountDownLatch(turns);
        try (ExecutorService callers = Executors.newFixedThreadPool(atOnce)) {
            for (int i = 0; i < turns; i++) {
                String conversation = "decision-%d-%d".formatted(atOnce, i);
                callers.execute(() -> {
                    try {
                        turn(conversation);
                    } catch (IOException | RuntimeException e) {
                        failed.incrementAndGet();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    } finally {
                        done.countDown();
                    }
                });
            }
            done.await(5, TimeUnit.MINUTES);
        }
        Histogram heard = heard();
        System.out.printf(Locale.ROOT, "| %d | %d | %.1f | %.1f | %.1f | %.1f |%n", turns, atOnce,
                heard.getValueAtPercentile(50) / 1000.0, heard.getValueAtPercentile(99) / 1000.0,
                answered.getValueAtPercentile(50) / 1000.0, answered.getValueAtPercentile(99) / 1000.0);
        System.err.printf(Locale.ROOT, "%d decisions: %d turns failed, heard %d, max %.1f ms%n", turns, failed.get(),
                heard.getTotalCount(), heard.getMaxValue() / 1000.0);
    }

    private void turn(String conversation) throws IOException, InterruptedException {
        HttpResponse<InputStream> stream = http.send(request(relay.resolve("/run/api/chat"))
                .POST(HttpRequest.BodyPublishers.ofString(RelayClient.body("agents", conversation, "use tool delete_file")))
                .build(), HttpResponse.BodyHandlers.ofInputStream());
        try (InputStream body = new BufferedInputStream(stream.body())) {
            SseParser events = new SseParser();
            for (SseEvent event = events.next(body); event != null; event = events.next(body)) {
                if (event.data().contains("\"tool-approval-request\"")) {
                    decide(conversation, event.json().path("toolCallId").asText());
                }
            }
        }
    }

    private void decide(String conversation, String callId) throws IOException, InterruptedException {
        String body = JSON.createObjectNode().put("conversationId", conversation).put("toolCallId", callId)
                .put("approved", true)
                .toString();
        long start = micros();
        decided.put(callId, start);
        HttpResponse<Void> answer = http.send(request(relay.resolve("/run/api/tool-approvals"))
                .POST(HttpRequest.BodyPublishers.ofString(body)).build(), HttpResponse.BodyHandlers.discarding());
        if (answer.statusCode() == 200) {
            answered.recordValue(Math.max(1, micros() - start));
        } else {
            failed.incrementAndGet();
        }
    }

    private Histogram heard() throws IOException, InterruptedException {
        Histogram heard = new Histogram(LONGEST_MICROS, 3);
        JsonNode requests = JSON.readTree(http.send(request(inkeep.resolve("/emulator/requests")).GET().build(),
                HttpResponse.BodyHandlers.ofString()).body());
        for (JsonNode request : requests) {
            for (JsonNode message : request.path("body").path("messages")) {
                for (JsonNode part : message.path("parts")) {
                    Long start = decided.get(part.path("toolCallId").asText());
                    if (start != null) {
                        heard.recordValue(Math.clamp(request.path("at").asLong() - start, 1, LONGEST_MICROS));
                    }
                }
            }
        }
        return heard;
    }

    private static long micros() {
        return ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now());
    }

    private static HttpRequest.Builder request(URI uri) {
        return HttpRequest.newBuilder(uri).header("authorization", "Bearer " + RelayClient.KEY).header("content-type",
                "application/json");
    }
}
