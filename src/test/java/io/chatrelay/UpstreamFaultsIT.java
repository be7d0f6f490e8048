package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.Fault.Expected.Answered;
import io.chatrelay.Fault.Expected.BrokenOff;
import io.chatrelay.Fault.Expected.Refused;
import io.chatrelay.Fault.Expected.Unanswered;
import io.chatrelay.dev.InkeepEmulator;
import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.chatrelay.support.inkeep.Emulator;
import io.chatrelay.support.it.FreePort;
import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.TestPostgres;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;

/**
 * Everything that can go wrong at an Inkeep: what is told, what is stored and what is counted say the same, and nothing looks like
 * success that is not. Each fault meets each upstream, on both wires, as a stream and in one piece; all at the same time, for
 * some take a minute.
 */
@Order(1)
class UpstreamFaultsIT {

    /** One question of a caller of its own. */
    private record Asked(Fault fault, String path, boolean stream, String text, String key, Future<Sse> answered) {

        Sse answer() {
            return answered.resultNow();
        }

        @Override
        public String toString() {
            return "%s, %s%s".formatted(fault, path, stream ? "" : " in one piece");
        }
    }

    private static final Duration SPELL = Duration.ofSeconds(2);
    private static final int ROUNDS = 3;
    private static final String TURNS = "chat_relay_turns_total";
    private static final TestPostgres DATABASE = TestPostgres.fresh();

    private static final Map<Fault, List<Asked>> ASKED = new HashMap<>();
    private static final List<FlappingCaller> FLAPPING = new ArrayList<>();
    private static final Map<String, String> ENDS = new HashMap<>();
    private static final Map<String, Long> COUNTED = new TreeMap<>();
    private static Vertx vertx;
    private static InkeepEmulator inkeep;
    private static RelayProcess process;
    private static Relay relay;
    private static Emulator emulator;

    @BeforeAll
    static void askEverythingAtOnce() throws IOException {
        vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(2).setWorkerPoolSize(1));
        inkeep = new InkeepEmulator(vertx).listen(0);
        int port = FreePort.find();
        // Every time and size as it is by default; but so many faults at once would open each breaker.
        process = RelayProcess.on(DATABASE, inkeep)
                .agents("flapping-agents", URI.create("http://127.0.0.1:%d/run".formatted(port)))
                .with("chat-relay.upstreams.flapping-cloud.kind", "cloud")
                .with("chat-relay.upstreams.flapping-cloud.url", "http://127.0.0.1:%d/v1".formatted(port))
                .with("chat-relay.upstreams.flapping-cloud.api-key", "emulator-key")
                .with("chat-relay.upstreams.agents.breaker.enabled", false)
                .with("chat-relay.upstreams.cloud.breaker.enabled", false)
                .with("chat-relay.upstreams.flapping-agents.breaker.enabled", false)
                .with("chat-relay.upstreams.flapping-cloud.breaker.enabled", false).start();
        relay = new Relay(process.api(), RelayClient.KEY);
        URI address = URI.create("http://127.0.0.1:" + inkeep.port());
        emulator = new Emulator(address);
        try (Gate gate = new Gate(port, address)) {
            // Closed when everybody has the last answer.
            try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
                Fault.all().forEach(fault -> {
                    ASKED.put(fault, List.of(ask(callers, fault, CHAT, true), ask(callers, fault, CHAT, false),
                            ask(callers, fault, COMPLETIONS, true), ask(callers, fault, COMPLETIONS, false)));
                    awaitBegun();
                });
                for (String upstream : List.of("flapping-agents", "flapping-cloud")) {
                    for (String path : List.of(CHAT, COMPLETIONS)) {
                        FLAPPING.add(new FlappingCaller(relay, upstream, path, true));
                        FLAPPING.add(new FlappingCaller(relay, upstream, path, false));
                    }
                }
                FLAPPING.forEach(caller -> callers.execute(caller::sendOneAfterAnother));
                try {
                    flap(gate);
                } finally {
                    FLAPPING.forEach(FlappingCaller::finish);
                }
            }
            FLAPPING.forEach(FlappingCaller::sendOnceMore);
        }
        // The end is counted when it is stored, a moment beside the reader who is told.
        long turns = ASKED.values().stream().mapToLong(List::size).sum()
                + FLAPPING.stream().mapToLong(caller -> caller.answers().size()).sum();
        await("the metric of %d turns".formatted(turns)).until(() -> process.metric(TURNS) == turns);
        expected().keySet().forEach(end -> COUNTED.put(end, (long) process.metric(TURNS, end.split(" "))));
    }

    /** They run all at once; that two hundred begin in one moment on a process that has just started is another matter. */
    private static void awaitBegun() {
        long asked = ASKED.values().stream().mapToLong(List::size).sum();
        await("%d turns that have begun".formatted(asked)).atMost(Duration.ofMinutes(1))
                .until(() -> DATABASE.number("select count(*) from turn") == asked);
    }

    @AfterAll
    static void stop() {
        process.close();
        inkeep.close();
        vertx.close();
    }

    /** Turns by the labels of the metric, as they ended by what is stored. */
    private static Map<String, Long> expected() {
        Map<String, Long> turns = new TreeMap<>();
        ASKED.forEach((fault, all) -> turns.merge(labels(fault.upstream(), fault.end()), (long) all.size(), Long::sum));
        FLAPPING.forEach(caller -> caller.answers()
                .forEach(answer -> turns.merge(labels(caller.upstream(), turn(answer.turn())), 1L, Long::sum)));
        return turns;
    }

    private static String labels(String upstream, String end) {
        String[] ended = (end + " none").split(" ");
        return "upstream=\"%s\" outcome=\"%s\" code=\"%s\"".formatted(upstream, ended[0], ended[1]);
    }

    private static Asked ask(ExecutorService callers, Fault fault, String path, boolean stream) {
        String text = fault.keyword() + " " + ServiceTest.mark();
        String key = "key-" + ServiceTest.newId();
        ObjectNode body = Json.ask(ServiceTest.newId(), text).put("model", fault.upstream()).put("stream", stream);
        return new Asked(fault, path, stream, text, key,
                callers.submit(() -> relay.with("idempotency-key", key).send(path, body).toEnd()));
    }

    /** How a turn that is over stands in the table: its state, and the code of its failure. */
    private static String turn(String id) {
        return ENDS.computeIfAbsent(id, _ -> DATABASE
                .text("select concat_ws(' ', state, error_code) from turn where id = '%s'".formatted(id)));
    }

    private static List<JsonNode> messages(String conversation) {
        List<JsonNode> messages = new ArrayList<>();
        relay.get(CONVERSATIONS + "/" + conversation + "/messages?limit=100").json().path("data").forEach(messages::add);
        return messages.reversed();
    }

    private static void flap(Gate gate) throws IOException {
        for (int round = 0; round < ROUNDS; round++) {
            for (Gate.State bad : List.of(Gate.State.CLOSED, Gate.State.UNAVAILABLE, Gate.State.RESETTING)) {
                spell(gate, Gate.State.OPEN);
                spell(gate, bad);
            }
        }
        gate.become(Gate.State.OPEN);
    }

    private static void spell(Gate gate, Gate.State state) throws IOException {
        gate.become(state);
        await().pollDelay(SPELL).atMost(SPELL.multipliedBy(5)).until(() -> true);
    }

    // --- what the caller is told

    @ParameterizedTest
    @MethodSource("io.chatrelay.Fault#all")
    void isToldForWhatItIs(Fault fault) {
        for (Asked one : ASKED.get(fault)) {
            Sse answer = one.answer();
            switch (fault.expected()) {
                case Refused(int status, var code, var retryAfter, int tries) -> {
                    ServiceTest.assertError(one.path(), answer.whole(), status, code);
                    assertThat(answer.json().path("turnId").asText()).isEqualTo(answer.turn()).isNotEmpty();
                    assertThat(answer.header("retry-after")).as(one.toString()).isEqualTo(retryAfter);
                    assertTries(one, tries);
                }
                case Unanswered(int status, var code) -> {
                    if (one.stream()) {
                        assertFailsIn(answer, one, code);
                        assertThat(answer.ids()).as(one.toString()).containsExactly(1L);
                    } else {
                        ServiceTest.assertError(one.path(), answer.whole(), status, code);
                    }
                    assertTries(one, 1);
                }
                case BrokenOff(int status, var code, var beginning) -> {
                    if (one.stream()) {
                        assertFailsIn(answer, one, code);
                        assertThat(answer.answer()).as(one.toString()).startsWith(beginning);
                    } else {
                        ServiceTest.assertError(one.path(), answer.whole(), status, code);
                    }
                    assertTries(one, 1);
                }
                case Answered answered -> {
                    assertWhole(answer, one, answered);
                    assertTries(one, 1);
                }
            }
        }
    }

    private static void assertFailsIn(Sse answer, Asked one, String code) {
        assertThat(answer.status()).as(one.toString()).isEqualTo(200);
        assertThat(answer.broken()).as(one.toString()).isEqualTo(one.path().equals(COMPLETIONS));
        assertFailed(answer, one.path(), code);
    }

    /** As each wire tells a failure, which no client takes for success. */
    private static void assertFailed(Sse stream, String wire, String code) {
        assertThat(stream.done()).as("a failure never looks like success").isFalse();
        assertThat(stream.types()).doesNotContain("finish", "abort");
        assertThat(stream.text()).doesNotContain("\"finish_reason\":\"");
        assertThat(stream.error()).isNotBlank();
        if (wire.equals(COMPLETIONS)) {
            assertThat(stream.last().json().at("/error/code").asText()).isEqualTo(code);
            assertThat(stream.last().json().at("/error/type").asText()).isEqualTo("failed");
        } else {
            assertThat(stream.last().type()).isEqualTo("error");
        }
    }

    private static void assertWhole(Sse answer, Asked one, Answered expected) {
        assertThat(answer.status()).as(one.toString()).isEqualTo(200);
        String text = expected.text().formatted(one.text());
        if (one.stream()) {
            assertCompleted(answer, one.path(), text, expected.finishReason());
        } else {
            JsonNode completion = answer.json();
            assertThat(completion.at("/choices/0/message/content").asText()).as(one.toString()).isEqualTo(text);
            assertThat(completion.at("/choices/0/finish_reason").asText())
                    .isEqualTo(expected.finishReason().replace('-', '_'));
            assertThat(completion.at("/usage/total_tokens").asInt(-1)).as("the member that clients require")
                    .isEqualTo(one.fault().tokens());
        }
    }

    private static void assertCompleted(Sse stream, String wire, String text, String reason) {
        assertThat(stream.done()).isTrue();
        assertThat(stream.answer()).isEqualTo(text);
        assertThat(stream.error()).isEmpty();
        JsonNode end = stream.numbered().getLast().json();
        if (wire.equals(COMPLETIONS)) {
            assertThat(end.at("/choices/0/finish_reason").asText()).isEqualTo(reason.replace('-', '_'));
            assertThat(stream.text()).doesNotContain("total_tokens");
        } else {
            assertThat(end.path("type").asText()).isEqualTo("finish");
            assertThat(end.path("finishReason").asText()).isEqualTo(reason);
        }
    }

    /** Inkeep was asked so often, and for the same message each time. */
    private static void assertTries(Asked one, int tries) {
        List<JsonNode> requests = emulator.asked(one.text());
        assertThat(requests).as(one.toString()).hasSize(tries);
        if (one.fault().upstream().equals("agents")) {
            assertThat(Json.each(requests, "/body/messages/0/id"))
                    .containsOnly(requests.getFirst().at("/body/messages/0/id").asText())
                    .doesNotContain("");
        }
    }

    // --- what is stored

    @ParameterizedTest
    @MethodSource("io.chatrelay.Fault#all")
    void isStoredAsItIsTold(Fault fault) {
        for (Asked one : ASKED.get(fault)) {
            String conversation = one.answer().conversation();
            String replay = CONVERSATIONS + "/" + conversation + "/stream?turn=" + one.answer().turn();
            Map<String, Sse> replays = Map.of(CHAT, relay.read(replay).toEnd(), COMPLETIONS,
                    relay.read(replay + "&wire=openai").toEnd());

            assertThat(relay.get(CONVERSATIONS + "/" + conversation).json().has("runningTurn")).as(one.toString()).isFalse();
            assertThat(turn(one.answer().turn())).as(one.toString()).isEqualTo(fault.end());
            switch (fault.expected()) {
                case Refused(int status, var code, _, _) -> assertNothingIsKept(conversation, replays, status, code);
                case Unanswered(int status, var code) -> assertNothingIsKept(conversation, replays, status, code);
                case BrokenOff(_, var code, var beginning) -> {
                    replays.forEach((wire, again) -> assertFailed(again, wire, code));
                    assertThat(kept(conversation)).startsWith(beginning).isEqualTo(replays.get(CHAT).answer());
                }
                case Answered(var text, var reason) -> {
                    replays.forEach((wire, again) -> assertCompleted(again, wire, text.formatted(one.text()), reason));
                    assertThat(kept(conversation)).isEqualTo(replays.get(CHAT).answer());
                    assertThat(messages(conversation).getLast().at("/metadata/finishReason").asText()).isEqualTo(reason);
                    assertThat(messages(conversation).getLast().at("/metadata/usage").path("totalTokens").asInt(-1))
                            .as("a usage made up, or lost").isEqualTo(fault.tokens() == 0 ? -1 : fault.tokens());
                }
            }
            if (one.stream() && !(fault.expected() instanceof Refused || fault.expected() instanceof Unanswered)) {
                assertThat(replays.get(one.path()).events()).as(one.toString()).isEqualTo(one.answer().events());
            }
        }
    }

    /** The question neither, for its caller will send it again. */
    private static void assertNothingIsKept(String conversation, Map<String, Sse> replays, int status, String code) {
        assertThat(messages(conversation)).isEmpty();
        replays.values().forEach(again -> ServiceTest.assertError(CONVERSATIONS, again.whole(), status, code));
    }

    /** What the assistant said, by the conversation's messages. */
    private static String kept(String conversation) {
        return messages(conversation).stream().filter(message -> message.path("role").asText().equals("assistant"))
                .map(Json::text).reduce("", String::concat);
    }

    @ParameterizedTest
    @MethodSource("io.chatrelay.Fault#all")
    void givesTheKeyBackWhereNothingWasTold(Fault fault) {
        boolean given = fault.expected() instanceof Refused || fault.expected() instanceof Unanswered;
        for (Asked one : ASKED.get(fault)) {
            Sse another = relay.with("idempotency-key", one.key()).send(CHAT,
                    Json.ask("long 1").put("model", fault.upstream())).toEnd();

            assertThat(another.status()).as(one.toString()).isEqualTo(given ? 200 : 422);
            assertThat(another.done()).as(one.toString()).isEqualTo(given);
        }
    }

    // --- what is counted

    @Test
    void eachTurnIsCountedOnceUnderItsEnd() {
        assertThat(COUNTED).isEqualTo(expected());
    }

    // --- an Inkeep that comes and goes

    @Test
    void whileInkeepComesAndGoesAnAnswerIsWholeOrFailsClearly() {
        FLAPPING.forEach(caller -> caller.answers().forEach(answer -> {
            String stored = turn(answer.turn());
            if (answer.status() != 200) {
                assertThat(stored).isIn("failed upstream_unavailable", "failed upstream_cut");
                ServiceTest.assertError(caller.path(), answer.whole(), 502, stored.substring("failed ".length()));
            } else if (caller.completed(answer)) {
                assertThat(caller.text(answer)).isEqualTo(FlappingCaller.WHOLE);
                assertThat(stored).isEqualTo("completed");
            } else {
                assertThat(stored).isEqualTo("failed upstream_cut");
                assertFailed(answer, caller.path(), "upstream_cut");
                assertThat(FlappingCaller.WHOLE).startsWith(answer.answer());
            }
        }));
    }

    @Test
    void whileInkeepComesAndGoesCallersMeetBoth() {
        assertThat(FLAPPING).allSatisfy(caller -> assertThat(caller.answers()).anyMatch(caller::completed));
        // Whom a spell hits is chance: one caller may have had a turn under way whenever Inkeep was gone.
        assertThat(FLAPPING.stream().flatMap(caller -> caller.answers().stream())).anyMatch(answer -> answer.status() == 502);
    }

    @Test
    void anInkeepThatIsBackIsAskedAtOnce() {
        assertThat(FLAPPING).allSatisfy(caller -> assertThat(caller.completed(caller.answers().getLast())).isTrue());
    }
}
