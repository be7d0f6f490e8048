package io.chatrelay.dev;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.vertx.core.Vertx;

/** Answers that few models give, as the README beside the recordings promises them. */
class UnusualAnswersTest {

    private static final Vertx VERTX = Vertx.vertx();
    private static final InkeepEmulator INKEEP = new InkeepEmulator(VERTX);
    private static final HttpClient HTTP = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private final String conversation = UUID.randomUUID().toString();

    @BeforeAll
    static void listen() {
        INKEEP.listen(0);
    }

    @AfterAll
    static void close() {
        INKEEP.close();
        VERTX.close();
    }

    private CompletableFuture<String> ask(String upstream, String text) {
        boolean cloud = upstream.equals("cloud");
        return post(cloud ? INKEEP.cloudUrl() + "/chat/completions" : INKEEP.agentsUrl() + "/api/chat",
                "{\"conversationId\":\"%s\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}"
                        .formatted(conversation, text));
    }

    private static CompletableFuture<String> post(String url, String body) {
        return HTTP.sendAsync(HttpRequest.newBuilder(URI.create(url)).header("authorization", "Bearer x")
                .POST(HttpRequest.BodyPublishers.ofString(body)).build(), HttpResponse.BodyHandlers.ofString())
                .thenApply(HttpResponse::body);
    }

    private static List<String> all(String pattern, String body) {
        return Pattern.compile(pattern).matcher(body).results().map(result -> result.group(1)).toList();
    }

    @ParameterizedTest
    @CsvSource({ "agents, delta", "cloud, reasoning_content" })
    void thoughtsStandBetweenWords(String upstream, String member) {
        String body = ask(upstream, "think 4 1").join();

        assertThat(String.join("", all("\"%s\":\"(thought[^\"]*| thought[^\"]*)\"".formatted(member), body)))
                .isEqualTo("thought0 thought1 thought2 thought3");
        assertThat(body.indexOf("word0")).isBetween(body.indexOf("thought1"), body.indexOf("thought2"));
    }

    @ParameterizedTest
    @ValueSource(strings = { "agents", "cloud" })
    void charactersComeInHalvesAndTheLastOneAlone(String upstream) {
        String body = ask(upstream, "halves 2 1").join();

        assertThat(all("(\\\\ud83e|\\\\udd8a)", body)).hasSize(10);
        assertThat(all("(\\\\ud83e\\\\udd8a)", body)).isEmpty();
        assertThat(body).contains("word1\\ud83e").contains("thought1\\ud83e").contains("[DONE]");
    }

    @Test
    void oneIdIsThatOfEveryCallInEveryTurn() {
        List<String> first = calls(ask("agents", "use two at once one-id").join());
        List<String> next = calls(ask("agents", "use two at once one-id").join());

        assertThat(first).hasSize(2).containsOnly("call_" + conversation);
        assertThat(next).isEqualTo(first);
    }

    @Test
    void theNextStepUsesTheIdsOfTheLastOneAgain() {
        CompletableFuture<String> answer = ask("agents", "use both twice ids-by-step");
        for (int step = 1; step <= 2; step++) {
            awaitWaiting(2 * step);
            decide("_0", true);
            decide("_1", false);
        }

        String body = answer.orTimeout(60, TimeUnit.SECONDS).join();
        String id = "call_" + conversation;
        assertThat(calls(body)).containsExactly(id + "_0", id + "_1", id + "_0", id + "_1");
        assertThat(all("tool-output-available\",\"toolCallId\":\"[^\"]*\",\"output\":\\{\"(content|deleted)", body))
                .containsExactly("content", "deleted");
    }

    private static List<String> calls(String body) {
        return all("tool-input-available\",\"toolCallId\":\"([^\"]*)\"", body);
    }

    /** The replay is the run's stream as far as it has come. */
    private void awaitWaiting(int asked) {
        await().atMost(Duration.ofSeconds(60)).until(() -> {
            HttpRequest.Builder replay = HttpRequest.newBuilder(
                    URI.create(INKEEP.agentsUrl() + "/v1/conversations/" + conversation + "/stream"));
            try (var lines = HTTP.send(replay.header("authorization", "Bearer x").build(), HttpResponse.BodyHandlers.ofLines())
                    .body()) {
                return lines.filter(line -> line.contains("tool-approval-request")).limit(asked).count() == asked;
            }
        });
    }

    private void decide(String call, boolean approved) {
        String said = post(INKEEP.agentsUrl() + "/api/chat",
                "{\"conversationId\":\"%s\",\"messages\":[{\"role\":\"assistant\",\"parts\":[{\"type\":\"tool-x\",\"toolCallId\":\"call_%s%s\",\"state\":\"approval-responded\",\"approval\":{\"id\":\"x\",\"approved\":%s}}]}]}"
                        .formatted(conversation, conversation, call, approved))
                .join();
        assertThat(said).contains("\"deferred\":false");
    }
}
