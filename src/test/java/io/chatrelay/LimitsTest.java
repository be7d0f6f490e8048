package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntFunction;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Relay.Answer;
import io.chatrelay.support.Sse;
import io.quarkus.test.junit.QuarkusTest;

/** What a caller may have: {@code paced} six requests and two more a second, {@code busy} three running turns, {@code watcher} two open streams, {@code metered} 25 tokens a day. */
@QuarkusTest
class LimitsTest extends ServiceTest {

    private static final String LONG = "words 3000 20";
    private static final int TURNS = 3;
    private static final int AT_ONCE = 200;
    private static final Duration PATIENCE = Duration.ofSeconds(90);
    private static final int CALLERS = 20;
    private static final String RUNNING = "select count(*) from turn where caller = 'busy' and state in ('running', 'awaiting_approval')";

    private final List<Sse> streams = new ArrayList<>();
    private final List<String> conversations = new ArrayList<>();

    private Relay caller(String name) {
        return new Relay(base, name + "-key");
    }

    private Sse keep(Sse stream) {
        streams.add(stream);
        return stream;
    }

    private String conversation() {
        String conversation = newId();
        conversations.add(conversation);
        return conversation;
    }

    @AfterEach
    void end() {
        streams.forEach(Sse::close);
        conversations.forEach(each -> relay().post(CONVERSATIONS + "/" + each + "/cancel", "{}"));
        await("no turn of the caller").atMost(PATIENCE).until(() -> {
            query("select c.external_id from conversation c join turn t on t.conversation_id = c.id"
                    + " where t.caller = 'busy' and t.state = 'running'")
                    .forEach(each -> relay().post(CONVERSATIONS + "/" + each + "/cancel", "{}"));
            return query(RUNNING).equals(List.of("0"));
        });
    }

    /** Asks again under the same key where the machine is too busy, as every caller may. */
    private static Sse answered(Relay caller, ObjectNode body) {
        Relay keyed = caller.with("idempotency-key", newId());
        AtomicReference<Sse> answer = new AtomicReference<>();
        await().atMost(PATIENCE).ignoreExceptions().until(() -> {
            answer.set(keyed.send(CHAT, body));
            return answer.get().status() != 503;
        });
        return answer.get();
    }

    private static void assertLimited(String path, Answer answer, String limit) {
        assertError(path, answer, 429, "rate_limited");
        assertThat(answer.json().path("type").asText())
                .isEqualTo("https://iana.org/assignments/http-problem-types#quota-exceeded");
        assertThat(answer.json().path("violated-policies").toString()).isEqualTo("[\"" + limit + "\"]");
        assertThat(answer.json().path("detail").asText()).contains("chat-relay.limits.callers.\"")
                .contains("." + limit);
        assertThat(answer.header("retry-after")).matches("[1-9]\\d*");
    }

    private double hit(String limit, String caller) {
        return relay().get("/q/metrics").body().lines().filter(line -> line.startsWith("chat_relay_limits_hit_total{"))
                .filter(line -> line.contains("limit=\"%s\"".formatted(limit))
                        && line.contains("caller=\"%s\"".formatted(caller)))
                .mapToDouble(line -> Double.parseDouble(line.replaceAll(".* ", ""))).sum();
    }

    private static <T> List<T> atOnce(int count, IntFunction<T> task) throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Callable<T>> tasks = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                int number = i;
                tasks.add(() -> task.apply(number));
            }
            List<T> results = new ArrayList<>();
            for (Future<T> result : threads.invokeAll(tasks)) {
                results.add(result.get());
            }
            return results;
        }
    }

    @ParameterizedTest
    @ValueSource(strings = { CONVERSATIONS, "/run/v1/models", "/run/v1/no-such-call" })
    void requestsAreRefusedUntilTheBucketHasMore(String path) throws Exception {
        double before = hit("requests-per-second", "paced");
        List<Answer> answers = atOnce(60, _ -> caller("paced").get(path));

        List<Answer> refused = answers.stream().filter(answer -> answer.status() == 429).toList();
        assertThat(refused).isNotEmpty().allSatisfy(answer -> {
            assertLimited(path, answer, "requests-per-second");
            assertThat(answer.header("retry-after")).isEqualTo("1");
            assertThat(answer.header("ratelimit-policy")).isEqualTo("\"requests-per-second\";q=6;w=3");
            assertThat(answer.header("ratelimit")).isEqualTo("\"requests-per-second\";r=0;t=1");
        });
        assertThat(hit("requests-per-second", "paced") - before).isEqualTo(refused.size());
        assertThat(relay().get(path).status()).as("another caller").isNotEqualTo(429);
        assertThat(relay().get(path).header("ratelimit-policy")).as("a caller without a limit").isEmpty();

        await().pollInterval(Duration.ofMillis(500)).until(() -> caller("paced").get(path).status() != 429);
        Answer again = caller("paced").get(path);
        assertThat(again.header("ratelimit-policy")).isEqualTo("\"requests-per-second\";q=6;w=3");
        assertThat(again.header("ratelimit")).matches("\"requests-per-second\";r=[0-5];t=1");
    }

    @ParameterizedTest
    @ValueSource(strings = { CHAT, COMPLETIONS })
    void aRequestThatIsOneTooManyIsNotRead(String path) throws Exception {
        atOnce(60, _ -> caller("paced").get("/run/v1/models"));
        Relay keyed = caller("paced").with("idempotency-key", newId());
        String conversation = newId();
        ObjectNode body = Json.ask(conversation, "echo " + mark()).put("stream", false);

        List<Answer> refused = atOnce(30, _ -> keyed.post(path, "{ this is not even JSON")).stream()
                .filter(answer -> answer.status() == 429).toList();

        assertThat(refused).isNotEmpty().allSatisfy(answer -> assertLimited(path, answer, "requests-per-second"));
        await().pollInterval(Duration.ofSeconds(1)).until(() -> keyed.post(path, body).status() == 200);
        assertThat(query("select count(*) from turn t join conversation c on c.id = t.conversation_id where c.external_id = ?",
                conversation)).containsExactly("1");
    }

    /** A reader that lost its stream: an error status would end an {@code EventSource} for good. */
    @Test
    void aReaderThatReconnectsIsCutOffInstead() throws Exception {
        Relay reader = caller("paced").with("accept", "text/event-stream").with("last-event-id", "1.1");
        List<String> results = atOnce(60, _ -> {
            try {
                return Integer.toString(reader.get(CONVERSATIONS + "/" + newId() + "/stream").status());
            } catch (IllegalStateException e) {
                return "cut";
            }
        });

        assertThat(results).contains("cut").doesNotContain("429");
    }

    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void manyCallersAtOnceRunNoMoreTurnsThanTheLimit(boolean inConversations) throws Exception {
        double before = hit("running-turns", "busy");
        List<Sse> answers = atOnce(AT_ONCE,
                _ -> answered(caller("busy"), inConversations ? Json.ask(newId(), LONG) : Json.ask(LONG)));
        answers.forEach(this::keep);

        assertThat(answers).filteredOn(answer -> answer.status() == 200).hasSize(TURNS);
        assertThat(query(RUNNING)).containsExactly(Integer.toString(TURNS));
        List<Sse> refused = answers.stream().filter(answer -> answer.status() != 200).toList();
        assertThat(refused).hasSize(AT_ONCE - TURNS).allSatisfy(answer -> {
            assertLimited(CHAT, answer.whole(), "running-turns");
            assertThat(answer.header("ratelimit-policy"))
                    .isEqualTo("\"running-turns\";q=3;qu=\"concurrent-requests\"");
            assertThat(answer.header("ratelimit")).isEqualTo("\"running-turns\";r=0");
        });
        assertThat(hit("running-turns", "busy") - before).isGreaterThanOrEqualTo(refused.size());
        assertThat(relay().send(CHAT, Json.ask("echo another caller")).toEnd().done()).isTrue();
    }

    @Test
    void noMoreRunWhileTurnsEndAndBegin() throws Exception {
        AtomicInteger most = new AtomicInteger();
        AtomicInteger completed = new AtomicInteger();
        Thread counter = Thread.ofVirtual().start(() -> {
            while (!Thread.currentThread().isInterrupted()) {
                most.accumulateAndGet(Integer.parseInt(query(RUNNING).getFirst()), Math::max);
            }
        });
        atOnce(CALLERS, _ -> {
            Relay keyed = caller("busy").with("idempotency-key", newId());
            ObjectNode body = Json.ask("words 20 10").put("stream", false);
            await().atMost(PATIENCE).pollInterval(Duration.ofMillis(200)).ignoreExceptions()
                    .until(() -> keyed.post(CHAT, body).status() == 200);
            return completed.incrementAndGet();
        });
        counter.interrupt();
        counter.join();

        assertThat(completed).hasValue(CALLERS);
        assertThat(most.get()).isBetween(1, TURNS);
    }

    @ParameterizedTest
    @ValueSource(strings = { CHAT, COMPLETIONS })
    void aRefusedTurnIsNotStoredAndItsKeyCanBeUsed(String path) {
        for (int i = 0; i < TURNS; i++) {
            Sse turn = keep(caller("busy").send(path, Json.ask(conversation(), LONG).put("stream", true)));
            assertThat(turn.status()).isEqualTo(200);
            assertThat(turn.header("ratelimit")).isEqualTo("\"running-turns\";r=" + (TURNS - 1 - i));
        }
        Relay keyed = caller("busy").with("idempotency-key", newId());
        String conversation = conversation();
        String mark = mark();
        ObjectNode body = Json.ask(conversation, "echo " + mark).put("stream", false);

        assertLimited(path, keyed.post(path, body), "running-turns");

        assertThat(query("select id from conversation where external_id = ?", conversation)).isEmpty();
        assertThat(emulator().asked(mark)).isEmpty();
        relay().post(CONVERSATIONS + "/" + conversations.getFirst() + "/cancel", "{}");
        await().atMost(Duration.ofSeconds(30)).until(() -> keyed.post(path, body).status() == 200);
        assertThat(emulator().asked(mark)).hasSize(1);
    }

    @Test
    void aRepeatOfARunningTurnIsNoNewOne() {
        Relay keyed = caller("busy").with("idempotency-key", newId());
        ObjectNode body = Json.ask(conversation(), LONG);
        Sse first = keep(keyed.send(CHAT, body));
        for (int i = 1; i < TURNS; i++) {
            keep(caller("busy").send(CHAT, Json.ask(conversation(), LONG)));
        }
        assertLimited(CHAT, caller("busy").post(CHAT, Json.ask(conversation(), LONG)), "running-turns");

        Sse again = keep(keyed.send(CHAT, body));
        Sse reader = keep(caller("busy").with("last-event-id", "1.1")
                .read(CONVERSATIONS + "/" + first.conversation() + "/stream"));

        assertThat(again.status()).isEqualTo(200);
        assertThat(again.turn()).isEqualTo(first.turn());
        assertThat(reader.status()).isEqualTo(200);
        assertThat(reader.turn()).isEqualTo(first.turn());
    }

    @Test
    void aMessageThatReplacesARunningTurnTakesItsPlace() {
        for (int i = 0; i < TURNS; i++) {
            keep(caller("busy").send(CHAT, Json.ask(conversation(), LONG)));
        }

        Answer answer = caller("busy").post(CHAT,
                Json.ask(conversations.getFirst(), "echo instead").put("stream", false).put("onRunning", "cancel"));

        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(strings = { CHAT, COMPLETIONS })
    void aStreamIsRefusedUntilAnotherIsClosed(String path) {
        String conversation = conversation();
        Sse first = keep(caller("watcher").send(path, Json.ask(conversation, LONG).put("stream", true)));
        assertThat(first.header("ratelimit-policy")).isEqualTo("\"open-streams\";q=2;qu=\"concurrent-requests\"");
        assertThat(first.header("ratelimit")).isEqualTo("\"open-streams\";r=1");
        String stream = CONVERSATIONS + "/" + conversation + "/stream";
        Sse second = keep(caller("watcher").read(stream));
        assertThat(second.status()).isEqualTo(200);
        assertThat(second.header("ratelimit")).isEqualTo("\"open-streams\";r=0");

        Relay keyed = caller("watcher").with("idempotency-key", newId());
        String refused = conversation();
        ObjectNode body = Json.ask(refused, "echo " + mark()).put("stream", true);
        Answer answer = keyed.post(path, body);
        assertLimited(path, answer, "open-streams");
        assertThat(answer.header("ratelimit")).isEqualTo("\"open-streams\";r=0");
        assertThat(query("select id from conversation where external_id = ?", refused)).isEmpty();
        assertLimited(stream, caller("watcher").get(stream), "open-streams");
        assertThatThrownBy(() -> caller("watcher").with("accept", "text/event-stream").with("last-event-id", "1.1").get(stream))
                .hasRootCauseInstanceOf(IOException.class);
        assertThat(caller("watcher").get(CONVERSATIONS).status()).as("what is no stream").isEqualTo(200);
        assertThat(keep(relay().read(stream)).status()).as("another caller").isEqualTo(200);

        second.close();
        await().atMost(Duration.ofSeconds(30)).until(() -> keep(keyed.send(path, body)).status() == 200);
    }

    /** The emulator's Cloud counts ten tokens for an answer. */
    @Test
    void tokensAreCountedAndRefusedWhenTheyAreUsedUp() {
        execute("delete from caller_tokens where caller = 'metered'");
        Relay metered = caller("metered");
        await().atMost(Duration.ofSeconds(30)).until(() -> {
            Answer first = metered.post(CHAT, Json.ask("400").put("model", "cloud").put("stream", false));
            return first.header("ratelimit").startsWith("\"tokens-per-day\";r=25;t=");
        });
        ObjectNode body = Json.ask("echo " + mark()).put("model", "cloud").put("stream", false);

        List<Answer> answers = new ArrayList<>();
        await().atMost(Duration.ofSeconds(60)).until(() -> {
            answers.add(metered.post(CHAT, body));
            return answers.getLast().status() == 429;
        });

        assertThat(answers.size() - 1).as("turns of ten tokens until 25 are used").isBetween(3, 5);
        assertThat(answers.getFirst().header("ratelimit-policy")).isEqualTo("\"tokens-per-day\";q=25;qu=\"tokens\";w=86400");
        String conversation = newId();
        Relay keyed = metered.with("idempotency-key", newId());
        ObjectNode next = Json.ask(conversation, "echo " + mark()).put("model", "cloud").put("stream", false);
        for (String path : List.of(CHAT, COMPLETIONS)) {
            Answer refused = keyed.post(path, next);
            assertLimited(path, refused, "tokens-per-day");
            assertThat(refused.header("x-should-retry")).isEqualTo("false");
            assertThat(Integer.parseInt(refused.header("retry-after"))).isBetween(1, 86_400);
            assertThat(refused.header("ratelimit")).isEqualTo("\"tokens-per-day\";r=0;t=" + refused.header("retry-after"));
        }
        assertThat(query("select id from conversation where external_id = ?", conversation)).isEmpty();
        assertThat(relay().post(CHAT, body).status()).as("another caller").isEqualTo(200);
        await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> assertThat(
                query("select tokens from caller_tokens where tenant = 'dev' and caller = 'metered'"))
                .containsExactly(Integer.toString(10 * (answers.size() - 1))));

        // As the next day does.
        execute("delete from caller_tokens where caller = 'metered'");
        await().atMost(Duration.ofSeconds(30)).until(() -> keyed.post(CHAT, next).status() == 200);
    }

    /** Whatever ends them: an end, a refusal, a caller that leaves. */
    @Test
    void streamsGiveTheirPlaceBack() {
        for (int i = 0; i < 5; i++) {
            assertThat(caller("watcher").send(CHAT, Json.ask("echo it ends")).toEnd().done()).isTrue();
            assertThat(caller("watcher").send(CHAT, Json.ask("400")).toEnd().status()).isEqualTo(400);
            assertThat(caller("watcher").send(CHAT, Json.ask("echo").put("temperature", 2)).status()).isEqualTo(400);
            caller("watcher").send(CHAT, Json.ask(conversation(), LONG)).untilText().close();
        }

        await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> {
            Sse answer = keep(caller("watcher").send(CHAT, Json.ask("echo there is room"))).toEnd();
            assertThat(answer.header("ratelimit")).isEqualTo("\"open-streams\";r=1");
        });
    }
}
