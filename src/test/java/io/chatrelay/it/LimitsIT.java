package io.chatrelay.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.TestPostgres;
import io.chatrelay.support.it.TwoReplicas;

/** What a caller may have on all replicas together. */
@Order(8)
class LimitsIT {

    private static final int TURNS = 7;
    private static final int AT_ONCE = 200;
    /** The emulator's Cloud counts ten for an answer, and its Agents none. */
    private static final int TOKENS = 45;
    private static final String RUNNING = "select count(*) from turn where state in ('running', 'awaiting_approval')";
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private static TwoReplicas replicas;

    private final List<Sse> streams = new ArrayList<>();

    @BeforeAll
    static void start() {
        replicas = new TwoReplicas(TestPostgres.fresh(), setup -> setup
                .with("chat-relay.limits.default.running-turns", TURNS)
                .with("chat-relay.limits.default.tokens-per-day", TOKENS));
    }

    @AfterAll
    static void stop() {
        replicas.close();
    }

    @AfterEach
    void end() {
        streams.stream().filter(stream -> stream.status() == 200)
                .forEach(
                        stream -> caller(replicas.a).post(Relay.CONVERSATIONS + "/" + stream.conversation() + "/cancel", "{}"));
        streams.forEach(Sse::close);
        await().atMost(PATIENCE).until(() -> replicas.database.number(RUNNING) == 0);
    }

    private static Relay caller(RelayProcess replica) {
        return new Relay(replica.api(), RelayClient.KEY);
    }

    /** Asks again under the same key where the machine is too busy, as every caller may. */
    private static Sse ask(RelayProcess replica) {
        Relay keyed = caller(replica).with("idempotency-key", UUID.randomUUID().toString());
        AtomicReference<Sse> answer = new AtomicReference<>();
        await().atMost(PATIENCE).ignoreExceptions().until(() -> {
            answer.set(keyed.send(Relay.CHAT, Json.ask("words 3000 20").put("model", "agents")));
            return answer.get().status() != 503;
        });
        return answer.get();
    }

    /** Each of them would be within the limit where replicas counted by themselves. */
    @Test
    void manyCallersOfTwoReplicasRunNoMoreTurnsThanTheLimit() throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Callable<Sse>> tasks = new ArrayList<>();
            for (int i = 0; i < AT_ONCE; i++) {
                RelayProcess replica = i % 2 == 0 ? replicas.a : replicas.b;
                tasks.add(() -> ask(replica));
            }
            for (Future<Sse> task : threads.invokeAll(tasks)) {
                streams.add(task.get());
            }
        }

        assertThat(streams).filteredOn(answer -> answer.status() == 200).hasSize(TURNS);
        assertThat(streams).filteredOn(answer -> answer.status() == 429).hasSize(AT_ONCE - TURNS);
        assertThat(replicas.database.number(RUNNING)).isEqualTo(TURNS);
    }

    private static int answerOfTenTokens(RelayProcess replica) {
        return caller(replica).post(Relay.CHAT, Json.ask("echo hi").put("model", "cloud").put("stream", false)).status();
    }

    @Test
    void tokensThatOneReplicaCountedAreUsedUpAtTheOtherAndAfterARestart() {
        for (int i = 0; i < 5; i++) {
            assertThat(answerOfTenTokens(replicas.a)).isEqualTo(200);
            await().atMost(PATIENCE)
                    .until(() -> replicas.database.number("select coalesce(sum(tokens), 0) from caller_tokens") > 0);
        }

        await().atMost(PATIENCE).until(() -> answerOfTenTokens(replicas.a) == 429);
        await().atMost(PATIENCE).until(() -> answerOfTenTokens(replicas.b) == 429);
        replicas.a.terminate();
        replicas.a.exitCode();
        replicas.startAgain();
        assertThat(answerOfTenTokens(replicas.a)).as("from the first turn on").isEqualTo(429);
        assertThat(ask(replicas.a).status()).as("whatever the upstream").isEqualTo(429);

        replicas.database.execute("delete from caller_tokens");
        await().atMost(PATIENCE).until(() -> answerOfTenTokens(replicas.a) == 200);
    }

    private static void assertOverloaded(Relay.Answer answer, String setting) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(503);
        assertThat(answer.json().path("code").asText()).isEqualTo("replica_overloaded");
        assertThat(answer.json().path("detail").asText()).contains("chat-relay.limits.replica." + setting);
        assertThat(answer.header("retry-after")).isEqualTo("1");
    }

    private static Object whole() {
        return Json.ask("echo hi").put("model", "agents").put("stream", false);
    }

    @Test
    void aReplicaHasNoMoreTurnsAndStreamsThanItsOwnLimits() {
        try (RelayProcess replica = RelayProcess.on(TestPostgres.fresh(), replicas.inkeep)
                .with("chat-relay.limits.replica.running-turns", 2).with("chat-relay.limits.replica.open-streams", 2).start()) {
            Sse first = ask(replica);
            Sse second = ask(replica);
            String path = Relay.CONVERSATIONS + "/" + second.conversation() + "/stream";

            assertOverloaded(caller(replica).post(Relay.CHAT, whole()), "running-turns");
            assertOverloaded(caller(replica).get(path), "open-streams");
            assertThat(caller(replica).get(Relay.CONVERSATIONS + "/" + second.conversation()).status()).isEqualTo(200);

            second.close();
            await().atMost(PATIENCE).until(() -> {
                try (Sse again = caller(replica).read(path)) {
                    return again.status() == 200;
                }
            });
            caller(replica).post(Relay.CONVERSATIONS + "/" + first.conversation() + "/cancel", "{}");
            await().atMost(PATIENCE).until(() -> caller(replica).post(Relay.CHAT, whole()).status() == 200);
            assertThat(replica.metric("chat_relay_turns_refused_total", "reason=\"load\"")).isPositive();
        }
    }

    @Test
    void aTurnThatEndsAtOneReplicaMakesRoomAtTheOther() {
        for (int i = 0; i < TURNS; i++) {
            streams.add(ask(replicas.a));
        }
        assertThat(streams).allMatch(answer -> answer.status() == 200);
        Sse refused = ask(replicas.b);
        assertThat(refused.status()).isEqualTo(429);
        assertThat(refused.json().path("detail").asText()).contains("chat-relay.limits.default.running-turns");

        caller(replicas.a).post(Relay.CONVERSATIONS + "/" + streams.getFirst().conversation() + "/cancel", "{}");

        await().atMost(PATIENCE).until(() -> {
            Sse answer = ask(replicas.b);
            streams.add(answer);
            return answer.status() == 200;
        });
    }
}
