package io.chatrelay.dev;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import com.fasterxml.jackson.databind.JsonNode;

import io.vertx.core.Vertx;

/** What the emulator does with decisions, over HTTP, as the README beside the recordings promises it. */
class ApprovalFaultsTest {

    private static final Pattern CALL = Pattern.compile("call_fake_\\d+_\\d");
    private static final String LOST = "no answer";
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Executor READERS = task -> Thread.ofVirtual().start(task);

    private static final Vertx VERTX = Vertx.vertx();
    private static final InkeepEmulator INKEEP = new InkeepEmulator(VERTX);
    private static final HttpClient HTTP = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    /** The two releases, each through its own endpoint for decisions. */
    enum Release {
        CURRENT,
        LEGACY;

        String chat(String conversation, String text) {
            return "{\"conversationId\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}".formatted(conversation,
                    text);
        }

        URI chat() {
            return URI.create((this == LEGACY ? INKEEP.legacyUrl() : INKEEP.agentsUrl()) + "/api/chat");
        }

        String decision(String conversation, String call, boolean approved) {
            return this == LEGACY
                    ? "{\"conversationId\":\"%s\",\"toolCallId\":\"%s\",\"approved\":%s,\"reason\":\"no\"}"
                            .formatted(conversation, call, approved)
                    : """
                            {"conversationId":"%s","messages":[{"role":"assistant","content":null,"parts":[{"type":"tool-x",
                            "toolCallId":"%s","state":"approval-responded","approval":{"approved":%s,"reason":"no"}}]}]}"""
                            .formatted(conversation, call, approved);
        }

        URI decision() {
            return this == LEGACY ? URI.create(INKEEP.legacyUrl() + "/api/tool-approvals") : chat();
        }
    }

    /** A turn that waits for a decision, or several. */
    private record Waiting(Release release, String conversation, StringBuffer seen, CompletableFuture<Void> end) {

        static Waiting on(Release release, String text) {
            String conversation = "c-" + UUID.randomUUID();
            StringBuffer seen = new StringBuffer();
            CompletableFuture<Void> end = HTTP
                    .sendAsync(post(release.chat(), release.chat(conversation, text)), HttpResponse.BodyHandlers.ofLines())
                    // On a thread of its own: where the head is there already, it would be this one, which decides.
                    .thenAcceptAsync(answer -> answer.body().forEach(line -> seen.append(line).append('\n')), READERS);
            return new Waiting(release, conversation, seen, end);
        }

        /** The call that is shown as number n, from 0. */
        String call(int n) {
            return await().until(() -> CALL.matcher(seen).results().map(found -> found.group()).distinct().skip(n).findFirst()
                    .filter(_ -> asked() > n).orElse(null), call -> call != null);
        }

        private long asked() {
            return Pattern.compile("tool-approval-request|\"needsApproval\":true,\"conversationId\"").matcher(seen).results()
                    .count();
        }

        /** Status and body, or that there was no answer. */
        String decide(int n, boolean approved) {
            try {
                HttpResponse<String> answer = HTTP.send(
                        post(release.decision(), release.decision(conversation, call(n), approved)),
                        HttpResponse.BodyHandlers.ofString());
                return answer.statusCode() + " " + answer.body();
            } catch (IOException _) {
                return LOST;
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        boolean hasOutcome() {
            return Pattern.compile("tool-output-|\"type\":\"tool_result\"").matcher(seen).find();
        }

        String toEnd() {
            end.orTimeout(PATIENCE.toSeconds(), TimeUnit.SECONDS).join();
            return seen.toString();
        }
    }

    @BeforeAll
    static void listen() {
        INKEEP.listen(0);
    }

    @AfterAll
    static void close() {
        INKEEP.close();
        VERTX.close();
    }

    private static HttpRequest post(URI uri, String body) {
        return HttpRequest.newBuilder(uri).timeout(PATIENCE).header("authorization", "Bearer k")
                .header("content-type", "application/json")
                .header("x-emit-operations", "true").POST(HttpRequest.BodyPublishers.ofString(body)).build();
    }

    @ParameterizedTest
    @EnumSource
    void aLostAcknowledgementWasHeardOnce(Release release) {
        Waiting turn = Waiting.on(release, "use tool delete_file ack-lost");

        assertThat(turn.decide(0, true)).isEqualTo(LOST);

        assertThat(turn.toEnd()).contains("docs/report.txt").contains("completion");
        assertThat(turn.decide(0, true)).satisfies(again -> assertThat(again)
                .contains(release == Release.LEGACY ? "404 {\"error\":\"Tool call not found or already processed\"}"
                        : "\"deferred\":true"));
    }

    @ParameterizedTest
    @EnumSource
    void aLostRequestWasNotHeard(Release release) {
        Waiting turn = Waiting.on(release, "use tool delete_file ack-lost-unheard");

        assertThat(turn.decide(0, true)).isEqualTo(LOST);
        assertThat(turn.hasOutcome()).isFalse();

        assertThat(turn.decide(0, true)).startsWith("200 {\"success\":true");
        assertThat(turn.toEnd()).contains("completion");
    }

    @ParameterizedTest
    @EnumSource
    void refusalsAreCountedAndNotHeard(Release release) {
        Waiting turn = Waiting.on(release, "use tool delete_file refuse 503 2 ack-lost");

        assertThat(Stream.generate(() -> turn.decide(0, true).substring(0, 3)).limit(2)).containsExactly("503", "503");
        assertThat(turn.hasOutcome()).isFalse();

        assertThat(turn.decide(0, true)).isEqualTo(LOST);
        assertThat(turn.toEnd()).contains("completion");
    }

    @ParameterizedTest
    @EnumSource
    void aLieIsASuccessThatWasNotHeard(Release release) {
        Waiting turn = Waiting.on(release, "use tool delete_file lie");

        assertThat(List.of(turn.decide(0, true), turn.decide(0, true)))
                .allSatisfy(answer -> assertThat(answer).startsWith("200 {\"success\":true"));

        assertThat(turn.hasOutcome()).isFalse();
        assertThat(turn.end()).isNotDone();
    }

    @ParameterizedTest
    @EnumSource
    void threeInTurnAskOneAfterAnother(Release release) {
        Waiting turn = Waiting.on(release, "use three in turn 123456789");

        turn.decide(0, true);
        turn.decide(1, false);
        assertThat(turn.call(2)).isNotEqualTo(turn.call(0));
        turn.decide(2, true);

        assertThat(turn.toEnd()).contains(release == Release.LEGACY ? "User denied approval to run this tool: no"
                : "tool-output-denied").contains("completion");
    }

    @ParameterizedTest
    @EnumSource
    void anApprovedToolMayFail(Release release) {
        Waiting turn = Waiting.on(release, "use tool boom_approved");

        turn.decide(0, true);

        assertThat(turn.toEnd()).contains(release == Release.LEGACY ? "(failed)" : "tool-output-error").contains("completion");
    }

    @Test
    void legacyToolsAreAsRecorded() {
        Waiting turn = Waiting.on(Release.LEGACY, "use tool get_weather");
        turn.decide(0, true);

        assertThat(withoutIds(turn.toEnd()))
                .isEqualTo(withoutIds(Recording.load("legacy/34-chat-approve-emit-operations-1-stream").body()));
    }

    private static String withoutIds(String stream) {
        return stream.replaceAll("call_fake_\\d+|chatds-\\d+|c-[0-9a-f-]{36}|o34-16415", "X")
                .replaceAll("\"(timestamp|duration)\":\\d+", "\"$1\":0")
                .replaceAll("\"(relationshipId|id)\":\"[^\"]+\"", "\"$1\":\"X\"").strip();
    }

    @Test
    void aDurableRunGoesOnIntoItsReplays() throws Exception {
        String conversation = "c-" + UUID.randomUUID();
        HttpResponse<String> asked = HTTP.send(post(Release.CURRENT.chat(),
                """
                        {"conversationId":"%s","executionMode":"durable","messages":[{"role":"user","content":"use tool delete_file"}]}"""
                        .formatted(conversation)),
                HttpResponse.BodyHandlers.ofString());
        String run = asked.headers().firstValue("x-workflow-run-id").orElseThrow();
        Matcher call = CALL.matcher(asked.body());
        assertThat(call.find()).isTrue();
        URI decision = URI.create(INKEEP.agentsUrl() + "/api/executions/" + run + "/approvals/" + call.group());

        for (int i = 0; i < 2; i++) {
            assertThat(HTTP.send(post(decision, "{\"approved\":true}"), HttpResponse.BodyHandlers.ofString()).body())
                    .isEqualTo("{\"success\":true}");
        }

        // Events become readable 100 ms late.
        String replay = await().until(() -> get(INKEEP.agentsUrl() + "/v1/conversations/" + conversation + "/stream"),
                read -> read.contains("tool-output-available"));
        assertThat(replay).startsWith(asked.body())
                .isEqualTo(get(INKEEP.agentsUrl() + "/api/executions/" + run + "/stream"));
        JsonNode logged = Json.MAPPER.readTree(get("http://localhost:" + INKEEP.port()
                + "/emulator/requests?conversationId=" + conversation + "&toolCallId=" + call.group()));
        assertThat(logged.findValuesAsText("path")).containsOnly(decision.getPath()).hasSize(2);
        assertThat(logged.path(0).path("at").asLong()).isBetween(RequestLog.micros() - 60_000_000, RequestLog.micros());
    }

    private static String get(String uri) throws IOException, InterruptedException {
        return HTTP.send(HttpRequest.newBuilder(URI.create(uri)).header("authorization", "Bearer k").build(),
                HttpResponse.BodyHandlers.ofString()).body();
    }
}
