package io.chatrelay;

import static io.chatrelay.Relay.CHAT;
import static io.chatrelay.Relay.COMPLETIONS;
import static io.chatrelay.Relay.CONVERSATIONS;
import static java.util.stream.Collectors.counting;
import static java.util.stream.Collectors.groupingBy;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import jakarta.inject.Inject;

import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.Fault.Expected.Answered;
import io.chatrelay.Fault.Expected.BrokenOff;
import io.chatrelay.Fault.Expected.Refused;
import io.chatrelay.Fault.Expected.Unanswered;
import io.chatrelay.devmode.EmulatorResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;

/**
 * P3 for everything that can go wrong at an Inkeep: what is told, what is stored and what is counted say the same, and nothing looks like
 * success that is not. Each fault meets each upstream, on both wires, as a stream and in one piece; all at the same time, for
 * some take a minute.
 */
@QuarkusTest
@TestProfile(UpstreamFaultsTest.Faults.class)
@TestInstance(Lifecycle.PER_CLASS)
class UpstreamFaultsTest extends ServiceTest {

    /** Every time and size as it is by default, and two upstreams behind a gate. */
    public static class Faults implements QuarkusTestProfile {

        static final String GATE = "chatrelay-test.gate";

        @Override
        public Map<String, String> getConfigOverrides() {
            Map<String, String> overrides = new HashMap<>(ImpatientTest.Impatient.upstreams());
            try {
                overrides.put(GATE, Integer.toString(Gate.freePort()));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            for (String kind : List.of("agents", "cloud")) {
                String flapping = "chat-relay.upstreams.flapping-" + kind;
                overrides.put(flapping + ".kind", kind);
                overrides.put(flapping + ".url", "http://127.0.0.1:${%s}/%s".formatted(GATE,
                        kind.equals("agents") ? "run" : "v1"));
                overrides.put(flapping + ".api-key", "a-key");
            }
            return overrides;
        }

        @Override
        public List<TestResourceEntry> testResources() {
            return List.of(new TestResourceEntry(EmulatorResource.class));
        }
    }

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
    private static final int ROUNDS = 5;
    private static final Pattern SAMPLE = Pattern.compile("chat_relay_turns_total\\{(.*)} (\\S+)");
    private static final Pattern LABEL = Pattern.compile("(\\w+)=\"([^\"]*)\"");

    @Inject
    @ConfigProperty(name = Faults.GATE)
    int gatePort;

    private final Map<Fault, List<Asked>> asked = new HashMap<>();
    private final List<FlappingCaller> flapping = new ArrayList<>();
    private Map<String, Long> counted;

    @BeforeAll
    void askEverythingAtOnce() throws IOException {
        try (Gate gate = new Gate(gatePort, emulator().address())) {
            // Closed when everybody has the last answer.
            try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
                Fault.all().forEach(fault -> asked.put(fault, List.of(ask(callers, fault, CHAT, true),
                        ask(callers, fault, CHAT, false), ask(callers, fault, COMPLETIONS, true),
                        ask(callers, fault, COMPLETIONS, false))));
                for (String upstream : List.of("flapping-agents", "flapping-cloud")) {
                    for (String path : List.of(CHAT, COMPLETIONS)) {
                        flapping.add(new FlappingCaller(relay(), upstream, path, true));
                        flapping.add(new FlappingCaller(relay(), upstream, path, false));
                    }
                }
                flapping.forEach(caller -> callers.execute(caller::sendOneAfterAnother));
                try {
                    flap(gate);
                } finally {
                    flapping.forEach(FlappingCaller::finish);
                }
            }
            flapping.forEach(FlappingCaller::sendOnceMore);
        }
        long turns = asked.values().stream().mapToLong(List::size).sum()
                + flapping.stream().mapToLong(caller -> caller.answers().size()).sum();
        // The end is counted when it is stored, a moment beside the reader who is told.
        await("the metric of %d turns".formatted(turns)).until(() -> {
            counted = counted();
            return counted.values().stream().mapToLong(Long::longValue).sum() == turns;
        });
    }

    private Asked ask(ExecutorService callers, Fault fault, String path, boolean stream) {
        String text = fault.keyword() + " " + mark();
        String key = "key-" + newId();
        ObjectNode body = Json.ask(newId(), text).put("model", fault.upstream()).put("stream", stream);
        return new Asked(fault, path, stream, text, key,
                callers.submit(() -> relay().with("idempotency-key", key).send(path, body).toEnd()));
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

    /** Turns by upstream, outcome and code. */
    private Map<String, Long> counted() {
        Map<String, Long> counts = new TreeMap<>();
        relay().get("/q/metrics").body().lines().map(SAMPLE::matcher).filter(Matcher::matches).forEach(sample -> {
            Map<String, String> labels = new HashMap<>();
            LABEL.matcher(sample.group(1)).results().forEach(label -> labels.put(label.group(1), label.group(2)));
            counts.merge("%s %s %s".formatted(labels.get("upstream"), labels.get("outcome"), labels.get("code")),
                    (long) Double.parseDouble(sample.group(2)), Long::sum);
        });
        return counts;
    }

    // --- what the caller is told

    @ParameterizedTest
    @MethodSource("io.chatrelay.Fault#all")
    void isToldForWhatItIs(Fault fault) {
        for (Asked one : asked.get(fault)) {
            Sse answer = one.answer();
            switch (fault.expected()) {
                case Refused(int status, var code, var retryAfter, int tries) -> {
                    assertError(one.path(), answer.whole(), status, code);
                    assertThat(answer.json().path("turnId").asText()).isEqualTo(answer.turn()).isNotEmpty();
                    assertThat(answer.header("retry-after")).as(one.toString()).isEqualTo(retryAfter);
                    assertTries(one, tries);
                }
                case Unanswered(int status, var code) -> {
                    if (one.stream()) {
                        assertFailsIn(answer, one, code);
                        assertThat(answer.ids()).as(one.toString()).containsExactly(1L);
                    } else {
                        assertError(one.path(), answer.whole(), status, code);
                    }
                    assertTries(one, 1);
                }
                case BrokenOff(int status, var code, var beginning) -> {
                    if (one.stream()) {
                        assertFailsIn(answer, one, code);
                        assertThat(answer.answer()).as(one.toString()).startsWith(beginning);
                    } else {
                        assertError(one.path(), answer.whole(), status, code);
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
        assertThat(answer.broken()).as(one.toString()).isFalse();
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
            assertThat(completion.at("/usage/total_tokens").asInt(-1)).as("the member that clients require").isZero();
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
    private void assertTries(Asked one, int tries) {
        List<JsonNode> requests = emulator().asked(one.text());
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
        for (Asked one : asked.get(fault)) {
            String conversation = one.answer().conversation();
            String replay = CONVERSATIONS + "/" + conversation + "/stream?turn=" + one.answer().turn();
            Map<String, Sse> replays = Map.of(CHAT, relay().read(replay).toEnd(), COMPLETIONS,
                    relay().read(replay + "&wire=openai").toEnd());

            assertThat(relay().get(CONVERSATIONS + "/" + conversation).json().has("runningTurn")).as(one.toString()).isFalse();
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
                    assertThat(messages(conversation).getLast().at("/metadata/usage").isMissingNode()).as("a usage made up")
                            .isTrue();
                }
            }
            if (one.stream() && !(fault.expected() instanceof Refused || fault.expected() instanceof Unanswered)) {
                assertThat(replays.get(one.path()).events()).as(one.toString()).isEqualTo(one.answer().events());
            }
        }
    }

    /** The question neither, for its caller will send it again. */
    private void assertNothingIsKept(String conversation, Map<String, Sse> replays, int status, String code) {
        assertThat(messages(conversation)).isEmpty();
        replays.values().forEach(again -> assertError(CONVERSATIONS, again.whole(), status, code));
    }

    /** What the assistant said, by the conversation's messages. */
    private String kept(String conversation) {
        return messages(conversation).stream().filter(message -> message.path("role").asText().equals("assistant"))
                .map(Json::text).reduce("", String::concat);
    }

    @ParameterizedTest
    @MethodSource("io.chatrelay.Fault#all")
    void givesTheKeyBackWhereNothingWasTold(Fault fault) {
        boolean given = fault.expected() instanceof Refused || fault.expected() instanceof Unanswered;
        for (Asked one : asked.get(fault)) {
            Sse another = relay().with("idempotency-key", one.key()).send(CHAT,
                    Json.ask("long 1").put("model", fault.upstream())).toEnd();

            assertThat(another.status()).as(one.toString()).isEqualTo(given ? 200 : 422);
            assertThat(another.done()).as(one.toString()).isEqualTo(given);
        }
    }

    // --- what is counted

    @Test
    void eachTurnIsCountedOnceUnderItsEnd() {
        Map<String, Long> expected = new TreeMap<>(asked.values().stream().flatMap(List::stream).map(Asked::fault)
                .collect(groupingBy(fault -> counter(fault.upstream(), fault.end()), counting())));
        flapping.forEach(caller -> caller.answers()
                .forEach(answer -> expected.merge(counter(caller.upstream(), turn(answer.turn())), 1L, Long::sum)));

        assertThat(counted).isEqualTo(expected);
    }

    private static String counter(String upstream, String end) {
        return upstream + " " + (end.contains(" ") ? end : end + " none");
    }

    // --- an Inkeep that comes and goes

    @Test
    void whileInkeepComesAndGoesAnAnswerIsWholeOrFailsClearly() {
        flapping.forEach(caller -> caller.answers().forEach(answer -> {
            String stored = turn(answer.turn());
            if (answer.status() != 200) {
                assertThat(stored).isIn("failed upstream_unavailable", "failed upstream_cut");
                assertError(caller.path(), answer.whole(), 502, stored.substring("failed ".length()));
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
    void whileInkeepComesAndGoesEveryCallerMeetsBoth() {
        assertThat(flapping).allSatisfy(caller -> {
            assertThat(caller.answers()).anyMatch(caller::completed).anyMatch(answer -> !caller.completed(answer));
            assertThat(caller.answers()).anyMatch(answer -> answer.status() == 502);
        });
    }

    @Test
    void anInkeepThatIsBackIsAskedAtOnce() {
        assertThat(flapping).allSatisfy(caller -> assertThat(caller.completed(caller.answers().getLast())).isTrue());
    }
}
