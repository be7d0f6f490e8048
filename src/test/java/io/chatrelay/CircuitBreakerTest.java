package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static io.chatrelay.support.inkeep.TestUpstreams.FRAGILE;
import static io.chatrelay.support.inkeep.TestUpstreams.OPEN;
import static io.chatrelay.support.inkeep.TestUpstreams.SLUGGISH;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Relay.Answer;
import io.quarkus.test.junit.QuarkusTest;

/** An upstream whose turns fail, or wait too long, before their first event is not asked for some seconds. */
@QuarkusTest
class CircuitBreakerTest extends ApprovalsTest {

    private static final String OPEN_CODE = "upstream_breaker_open";

    private static ObjectNode ask(String text) {
        return Json.ask(text).put("model", FRAGILE).put("stream", false);
    }

    private static ObjectNode askSluggish(String text) {
        return ask(text).put("model", SLUGGISH);
    }

    private Answer readiness() {
        return relay().get("/q/health/ready");
    }

    private String state(String upstream) {
        for (JsonNode check : readiness().json().path("checks")) {
            if (check.path("name").asText().equals("upstreams")) {
                return check.path("data").path(upstream).asText();
            }
        }
        throw new AssertionError(readiness().body());
    }

    private List<String> metric(String name) {
        return relay().get("/q/metrics").body().lines().filter(line -> line.startsWith(name + "{")).toList();
    }

    private double refused() {
        return metric("chat_relay_turns_refused_total").stream().filter(line -> line.contains("reason=\"breaker\""))
                .mapToDouble(line -> Double.parseDouble(line.replaceAll(".* ", ""))).sum();
    }

    @BeforeEach
    void closes() {
        await("a good trial").atMost(Duration.ofSeconds(60)).pollInterval(Duration.ofMillis(300)).until(() -> {
            if (!state(FRAGILE).equals("closed")) {
                relay().post(CHAT, ask("echo is it well again"));
            }
            return state(FRAGILE).equals("closed");
        });
    }

    /** However many good turns came before. */
    private void opens() {
        for (int i = 0; i < 50 && state(FRAGILE).equals("closed"); i++) {
            assertError(CHAT, relay().post(CHAT, ask("500 9 " + mark())), 502, "upstream_unavailable");
        }
        assertThat(state(FRAGILE)).isEqualTo("open");
    }

    @Test
    void refusesAtOnceOnBothWiresAndStoresNothing() {
        double before = refused();
        opens();

        for (String path : List.of(CHAT, COMPLETIONS)) {
            for (boolean stream : List.of(true, false)) {
                String conversation = newId();
                String mark = mark();
                Answer answer = relay().with("idempotency-key", newId()).post(path,
                        Json.ask(conversation, "echo " + mark).put("model", FRAGILE).put("stream", stream));

                assertError(path, answer, 503, OPEN_CODE);
                assertThat(Integer.parseInt(answer.header("retry-after"))).isBetween(1, (int) OPEN.toSeconds());
                assertThat(answer.json().path("detail").asText()).contains("'fragile'");
                assertThat(emulator().asked(mark)).isEmpty();
                assertThat(query("select id from conversation where external_id = ?", conversation)).isEmpty();
            }
        }
        assertError(CHAT, relay().post(CHAT, ask("echo without a key")), 503, OPEN_CODE);
        assertThat(refused() - before).isEqualTo(5);
        assertThat(readiness().status()).isEqualTo(200);
        assertThat(readiness().json().path("status").asText()).isEqualTo("UP");
        assertThat(metric("chat_relay_upstream_breaker"))
                .contains("chat_relay_upstream_breaker{state=\"open\",upstream=\"fragile\"} 1.0",
                        "chat_relay_upstream_breaker{state=\"closed\",upstream=\"fragile\"} 0.0",
                        "chat_relay_upstream_breaker{state=\"closed\",upstream=\"agents\"} 1.0");
        assertThat(state("agents")).isEqualTo("closed");
        assertThat(relay().send(CHAT, Json.ask("echo another upstream")).toEnd().done()).isTrue();
    }

    @Test
    void closesAfterAGoodTrialWhichMayHaveTheKeyThatWasRefused() {
        Relay keyed = relay().with("idempotency-key", newId());
        ObjectNode body = ask("echo once " + mark());
        opens();
        assertError(CHAT, keyed.post(CHAT, body), 503, OPEN_CODE);

        await().atMost(Duration.ofSeconds(30)).pollInterval(Duration.ofMillis(300))
                .until(() -> keyed.post(CHAT, body).status() == 200);

        assertThat(state(FRAGILE)).isEqualTo("closed");
        assertThat(relay().send(CHAT, ask("echo and the next").put("stream", true)).toEnd().done()).isTrue();
    }

    @Test
    void refusesNoRepeatOfATurnThatIsThere() {
        Relay keyed = relay().with("idempotency-key", newId());
        ObjectNode body = ask("echo said before " + mark());
        String first = keyed.post(CHAT, body).header("x-turn-id");
        opens();

        Answer again = keyed.post(CHAT, body);

        assertThat(again.status()).isEqualTo(200);
        assertThat(again.header("x-turn-id")).isEqualTo(first);
    }

    @Test
    void refusesNoDecision() {
        String conversation = newId();
        relay().post(CHAT, Json.ask(conversation, ONE).put("model", FRAGILE).put("stream", false));
        await().until(() -> waitingIn(conversation).approvals().size() == 1);
        Waiting waiting = waitingIn(conversation);
        opens();

        assertThat(relay().post(DECIDE, waiting.decision(0, true)).status()).isEqualTo(200);

        awaitEnd(conversation);
        assertThat(turn(waiting.approvals().getFirst().path("turnId").asText())).isEqualTo("completed");
    }

    @ParameterizedTest
    @CsvSource({ "400, 400, upstream_refused", "context, 400, upstream_refused", "malformed, 502, upstream_protocol" })
    void isNotOpenedByACallersFaultOrByAnythingAfterTheFirstEvent(String keyword, int status, String code) {
        for (int i = 0; i < 8; i++) {
            assertError(CHAT, relay().post(CHAT, ask(keyword)), status, code);
        }

        assertThat(state(FRAGILE)).isEqualTo("closed");
    }

    @Test
    void opensOnSlownessThoughEveryTurnIsAnswered() throws Exception {
        List<Callable<Answer>> late = Collections.nCopies(4, () -> relay().post(CHAT, askSluggish("late 1500 " + mark())));
        assertThat(state(SLUGGISH)).isEqualTo("closed");

        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (Future<Answer> answer : threads.invokeAll(late)) {
                assertThat(answer.get().status()).isEqualTo(200);
            }
        }

        assertThat(state(SLUGGISH)).isEqualTo("open");
        assertThat(metric("chat_relay_upstream_breaker"))
                .contains("chat_relay_upstream_breaker{state=\"open\",upstream=\"sluggish\"} 1.0");
        String mark = mark();
        assertError(CHAT, relay().post(CHAT, askSluggish("echo " + mark)), 503, OPEN_CODE);
        assertThat(emulator().asked(mark)).isEmpty();
    }
}
