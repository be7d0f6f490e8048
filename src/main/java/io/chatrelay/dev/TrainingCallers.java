package io.chatrelay.dev;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What the callers of a training run do: turns on both upstreams and in every protocol, streamed and whole, approvals, resumption, the calls about
 * conversations, refusals, health and metrics. An answer that is not as expected ends the training, for a cache that was trained by errors helps
 * with errors only.
 */
final class TrainingCallers {

    private static final int CALLERS = 8;
    /** After some hundred turns the profiles of the hot methods change no more. */
    private static final int ROUNDS = 12;
    private static final String WORDS = "words 20 1";
    private static final String APPROVAL = "use tool delete_file";
    private static final String KEY = "dev-key";
    private static final long READY_SECONDS = 180;
    private static final Pattern ASKED = Pattern.compile("tool-approval-request.*\"toolCallId\":\"([^\"]+)\"");
    private static final Pattern TOKEN = Pattern.compile("\"token\":\"([^\"]+)\"");

    private final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final AtomicInteger turns = new AtomicInteger();
    private final URI api;
    private final URI management;

    TrainingCallers(int port, int managementPort) {
        api = URI.create("http://127.0.0.1:" + port);
        management = URI.create("http://127.0.0.1:" + managementPort);
    }

    /** Waits until the service is ready, and returns how many turns it has done. */
    int run(BooleanSupplier alive) throws InterruptedException {
        awaitReady(alive);
        try (ExecutorService callers = Executors.newFixedThreadPool(CALLERS)) {
            List<Callable<Void>> all = Stream.iterate(0, caller -> caller + 1).limit(CALLERS).<Callable<Void>>map(
                    caller -> () -> {
                        for (int round = 0; round < ROUNDS; round++) {
                            round("%d-%d".formatted(caller, round));
                        }
                        return null;
                    }).toList();
            for (Future<Void> each : callers.invokeAll(all)) {
                each.get();
            }
        } catch (ExecutionException e) {
            throw new IllegalStateException("The training failed", e);
        }
        return turns.get();
    }

    private void awaitReady(BooleanSupplier alive) throws InterruptedException {
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(READY_SECONDS);
        while (!isReady()) {
            if (!alive.getAsBoolean() || System.nanoTime() > until) {
                throw new IllegalStateException("The service did not become ready");
            }
            TimeUnit.MILLISECONDS.sleep(200);
        }
    }

    private boolean isReady() {
        try {
            return send(HttpRequest.newBuilder(management.resolve("/q/health/ready"))).statusCode() == 200;
        } catch (UncheckedIOException e) {
            return false;
        }
    }

    private void round(String name) {
        for (String upstream : List.of("agents", "cloud")) {
            String chat = "chat-%s-%s".formatted(upstream, name);
            List<String> told = turn("/run/api/chat", chat(upstream, chat, WORDS, true));
            resume(chat, told);
            turn("/run/api/chat", chat(upstream, chat, WORDS, false));
            String completions = "completions-%s-%s".formatted(upstream, name);
            turn("/run/v1/chat/completions", completion(upstream, completions, WORDS, true));
            turn("/run/v1/chat/completions", completion(upstream, completions, WORDS, false));
            lines(200, get("/run/v1/conversations/%s/stream?wire=openai&after=2&turn=%s".formatted(completions,
                    turnOf(completions))));
            manage(chat);
            cancel("cancel-%s-%s".formatted(upstream, name), upstream);
        }
        decide("yes-" + name, true);
        decide("no-" + name, false);
        refusals(name);
        Stream.of("/q/health", "/q/health/live", "/q/health/started", "/q/metrics", "/q/info")
                .forEach(path -> lines(200, HttpRequest.newBuilder(management.resolve(path))));
    }

    /** Goes on in the middle of a turn, as a reader whose connection broke. */
    private void resume(String conversation, List<String> told) {
        List<String> ids = told.stream().filter(line -> line.startsWith("id:")).map(line -> line.substring(3).strip()).toList();
        lines(200, get("/run/v1/conversations/%s/stream".formatted(conversation)).header("last-event-id",
                ids.get(ids.size() / 2)));
    }

    private String turnOf(String conversation) {
        Matcher turn = Pattern.compile("\"turnId\":\"([^\"]+)\"")
                .matcher(String.join("", lines(200, get("/run/v1/conversations/%s/messages".formatted(conversation)))));
        return found(turn, "a turn of " + conversation);
    }

    private void manage(String conversation) {
        String path = "/run/v1/conversations/" + conversation;
        lines(200, get("/run/v1/conversations?limit=20"));
        lines(200, get(path + "?include=messages"));
        lines(200, get(path + "/messages?order=asc"));
        lines(200, patch(path, "{\"title\":\"trained\",\"properties\":{\"of\":\"training\"}}"));
        lines(200, get("/run/v1/models"));
        String token = found(TOKEN.matcher(String.join("", lines(201, post(path + "/stream-tokens", "{}")))), "a token");
        lines(204, HttpRequest.newBuilder(api.resolve(path + "/stream?token=" + token)));
    }

    private void cancel(String conversation, String upstream) {
        turns.incrementAndGet();
        AtomicBoolean cancelled = new AtomicBoolean();
        try (Stream<String> stream = send(post("/run/api/chat", chat(upstream, conversation, "words 2000 5", true))).body()) {
            stream.filter(line -> line.contains("text-delta") && cancelled.compareAndSet(false, true))
                    .forEach(_ -> lines(202, post("/run/v1/conversations/%s/cancel".formatted(conversation), "{}")));
        }
        lines(204, delete("/run/v1/conversations/" + conversation));
    }

    private void decide(String conversation, boolean approved) {
        turns.incrementAndGet();
        try (Stream<String> stream = send(post("/run/api/chat", chat("agents", conversation, APPROVAL, true))).body()) {
            stream.forEach(line -> {
                Matcher asked = ASKED.matcher(line);
                if (asked.find()) {
                    lines(200, get("/run/v1/tool-approvals?state=pending&conversationId=" + conversation));
                    lines(200, post("/run/api/tool-approvals",
                            "{\"conversationId\":\"%s\",\"toolCallId\":\"%s\",\"approved\":%s,\"reason\":\"training\"}"
                                    .formatted(conversation, asked.group(1), approved)));
                }
            });
        }
        lines(200, get("/run/v1/conversations/%s/pending-approvals".formatted(conversation)));
    }

    private void refusals(String name) {
        lines(401, HttpRequest.newBuilder(api.resolve("/run/v1/models")));
        lines(404, get("/run/v1/conversations/none-" + name));
        lines(400, post("/run/api/chat", "{\"messages\":[]}"));
        lines(400, post("/run/v1/chat/completions", "{\"messages\":[]}"));
    }

    /** Both in the AI SDK's shape. */
    private static String chat(String upstream, String conversation, String text, boolean stream) {
        return "{\"model\":\"%s\",\"conversationId\":\"%s\",\"stream\":%s,\"messages\":[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"text\":\"%s\"}]}]}"
                .formatted(upstream, conversation, stream, text);
    }

    private static String completion(String upstream, String conversation, String text, boolean stream) {
        return "{\"model\":\"%s\",\"conversationId\":\"%s\",\"stream\":%s,\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}"
                .formatted(upstream, conversation, stream, text);
    }

    private List<String> turn(String path, String body) {
        turns.incrementAndGet();
        return lines(200, post(path, body));
    }

    private HttpRequest.Builder get(String path) {
        return authorised(path);
    }

    private HttpRequest.Builder post(String path, String body) {
        return authorised(path).POST(HttpRequest.BodyPublishers.ofString(body));
    }

    private HttpRequest.Builder patch(String path, String body) {
        return authorised(path).method("PATCH", HttpRequest.BodyPublishers.ofString(body));
    }

    private HttpRequest.Builder delete(String path) {
        return authorised(path).DELETE();
    }

    private HttpRequest.Builder authorised(String path) {
        return HttpRequest.newBuilder(api.resolve(path)).header("authorization", "Bearer " + KEY).header("content-type",
                "application/json");
    }

    private List<String> lines(int expected, HttpRequest.Builder request) {
        HttpResponse<Stream<String>> answer = send(request);
        List<String> lines = new ArrayList<>();
        try (Stream<String> body = answer.body()) {
            body.forEach(lines::add);
        }
        if (answer.statusCode() != expected) {
            throw new IllegalStateException("%s %s answers %d instead of %d: %s".formatted(answer.request().method(),
                    answer.uri(), answer.statusCode(), expected, lines));
        }
        return lines;
    }

    private HttpResponse<Stream<String>> send(HttpRequest.Builder request) {
        try {
            return http.send(request.build(), HttpResponse.BodyHandlers.ofLines());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static String found(Matcher matcher, String what) {
        if (!matcher.find()) {
            throw new IllegalStateException("No answer names " + what);
        }
        return matcher.group(1);
    }
}
