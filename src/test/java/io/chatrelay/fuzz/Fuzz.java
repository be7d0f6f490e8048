package io.chatrelay.fuzz;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.dev.InkeepEmulator;
import io.chatrelay.fuzz.Exchange.Answer;
import io.chatrelay.support.ApiDocument;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.TestPostgres;
import io.vertx.core.Vertx;

/**
 * Sends the packaged service, in its production profile, requests that are made of its own OpenAPI document and of a seed. Exit status 1 where
 * an answer was a 5xx, was not documented, broke off or did not end, where the service wrote what a user said into its log, or where it
 * did not live through it.
 */
public final class Fuzz {

    private static final int CALLERS = 16;
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    /** Of each kind of violation so many are told. */
    private static final int TOLD = 5;
    private static final int LONGEST_QUOTE = 500;

    private final Map<String, List<String>> violations = new ConcurrentSkipListMap<>();
    private final Map<Integer, AtomicInteger> statuses = new ConcurrentSkipListMap<>();
    private final int requests;
    private final long seed;

    private Fuzz(int requests, long seed) {
        this.requests = requests;
        this.seed = seed;
    }

    /** @param args {@code --requests N --seed S} */
    public static void main(String... args) throws IOException, InterruptedException {
        Map<String, String> options = new TreeMap<>(Map.of("--requests", "20000", "--seed",
                Long.toString(System.currentTimeMillis() % 1_000_000)));
        for (int i = 0; i + 1 < args.length; i += 2) {
            if (options.replace(args[i], args[i + 1]) == null) {
                throw new IllegalArgumentException(args[i] + " is not known: --requests and --seed are");
            }
        }
        System.exit(run(Integer.parseInt(options.get("--requests")), Long.parseLong(options.get("--seed"))).isEmpty() ? 0 : 1);
    }

    /** What was violated. */
    static List<String> run(int requests, long seed) throws IOException, InterruptedException {
        return new Fuzz(requests, seed).run();
    }

    private List<String> run() throws IOException, InterruptedException {
        long begun = System.nanoTime();
        System.out.printf("bench/fuzz --requests %d --seed %d%n", requests, seed);
        Vertx vertx = Vertx.vertx();
        try (InkeepEmulator inkeep = new InkeepEmulator(vertx).listen(0);
                RelayProcess relay = RelayProcess.on(TestPostgres.fresh(), inkeep).jvm("-Xmx768m")
                        // What asks for approval ends soon, and so do its readers.
                        .with("chat-relay.approvals.expiry", "2s").start()) {
            ApiDocument document = new ApiDocument(
                    new ObjectMapper().readTree(get(relay.management().resolve("/q/openapi?format=JSON"))));
            send(relay.api(), document);
            afterwards(relay);
        } finally {
            vertx.close();
        }
        System.out.printf("%d requests in %d s: %s%n", requests, (System.nanoTime() - begun) / 1_000_000_000, statuses);
        violations.forEach((kind, examples) -> System.out.printf("%d x %s%n  %s%n", examples.size(), kind,
                String.join("\n  ", examples.subList(0, Math.min(TOLD, examples.size())))));
        System.out.printf("violations: %d%n", violations.values().stream().mapToInt(List::size).sum());
        return List.copyOf(violations.keySet());
    }

    private static String get(URI uri) throws IOException, InterruptedException {
        try (HttpClient http = HttpClient.newHttpClient()) {
            return http.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString()).body();
        }
    }

    private void send(URI api, ApiDocument document) throws InterruptedException {
        Requests made = new Requests(document, seed);
        Judge judge = new Judge(document);
        AtomicInteger next = new AtomicInteger();
        List<Thread> callers = new ArrayList<>();
        for (int i = 0; i < CALLERS; i++) {
            callers.add(Thread.ofPlatform().start(() -> {
                for (int number = next.getAndIncrement(); number < requests; number = next.getAndIncrement()) {
                    Request request = made.number(number);
                    Answer answer = Exchange.of(api, request, PATIENCE);
                    statuses.computeIfAbsent(answer.status(), _ -> new AtomicInteger()).incrementAndGet();
                    for (String violation : judge.violations(request, answer)) {
                        violated(violation, "%d: %s -> %d %s".formatted(number, request, answer.status(),
                                answer.text().substring(0,
                                        Math.min(500, answer.body().length == 0 ? 0 : answer.text().length()))));
                    }
                }
            }));
        }
        for (Thread caller : callers) {
            caller.join();
        }
    }

    private void judge(URI api, Request request, Judge judge, int number) {
        Answer answer = Exchange.of(api, request, PATIENCE);
        statuses.computeIfAbsent(answer.status(), _ -> new AtomicInteger()).incrementAndGet();
        String text = answer.text().substring(0, Math.min(LONGEST_QUOTE, answer.text().length()));
        for (String violation : judge.violations(request, answer)) {
            violated(violation, "%d: %s -> %d %s".formatted(number, request, answer.status(), text));
        }
    }

    private void afterwards(RelayProcess relay) {
        if (!relay.isAlive()) {
            violated("the process ended", relay.toString());
        }
        relay.log().forEach(line -> {
            if (line.path("level").asText().equals("ERROR")) {
                violated("an error is in the log", line.toString());
            }
            // The id of a conversation is a caller's to choose, and names its turns in the log.
            ((ObjectNode) line).withObjectProperty("mdc").remove("conversationId");
            String rest = line.toString().replaceAll(" conversation=\\S+", "");
            if (rest.contains(Values.MARK)) {
                violated("what a user wrote is in the log", rest);
            }
        });
    }

    private void violated(String kind, String example) {
        violations.computeIfAbsent(kind, _ -> Collections.synchronizedList(new ArrayList<>())).add(example);
    }
}
