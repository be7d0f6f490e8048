package io.chatrelay.inkeep;

import static io.chatrelay.inkeep.ScriptedInkeep.SOON;
import static io.chatrelay.inkeep.ScriptedInkeep.all;
import static io.chatrelay.inkeep.ScriptedInkeep.hang;
import static io.chatrelay.inkeep.ScriptedInkeep.json;
import static io.chatrelay.inkeep.ScriptedInkeep.question;
import static io.chatrelay.inkeep.ScriptedInkeep.recorded;
import static io.chatrelay.inkeep.ScriptedInkeep.status;
import static io.chatrelay.inkeep.ScriptedInkeep.turn;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Data;
import io.chatrelay.inkeep.ScriptedInkeep.Answer;
import io.chatrelay.support.CallEvents;
import io.quarkus.test.junit.QuarkusTest;
import io.vertx.core.http.HttpServerRequest;

/** How it is found out what server an upstream is, and what is asked of it then. */
@QuarkusTest
class ServerVersionProbeTest {

    private static final String CHAT = "POST /run/api/chat";
    private static final String PROBE = "POST /run/api/tool-approvals";

    @AutoClose
    private final ScriptedInkeep inkeep = new ScriptedInkeep().on(CHAT, recorded("agents/01-chat-plain-stream"));

    private static List<ChatEvent> ask(AgentsUpstream upstream, Map<String, String> headers) {
        return all(upstream.run(question(turn(), "hi", headers)).answer());
    }

    private List<String> operationsAskedFor() {
        return inkeep.asked(CHAT).stream().map(asked -> asked.headers().getOrDefault("x-emit-operations", "no")).toList();
    }

    @Test
    void aPlainTextNotFoundIsACurrentServerAndIsAskedOnce() {
        inkeep.on(PROBE, recorded("agents/38-tool-approvals-endpoint-head"));
        AgentsUpstream upstream = inkeep.upstream();

        ask(upstream, Map.of());
        ask(upstream, Map.of());

        assertThat(inkeep.asked(PROBE)).extracting(ScriptedInkeep.Asked::body).containsExactly("{}");
        assertThat(operationsAskedFor()).containsExactly("no", "no");
    }

    static List<Answer> legacy() {
        return List.of(recorded("legacy/37c-tool-approvals-missing-fields"), recorded("legacy/37d-tool-approvals-no-auth"),
                recorded("legacy/37a-tool-approvals-unknown-toolcallid"));
    }

    @ParameterizedTest
    @MethodSource("legacy")
    void aServerThatHasTheRouteIsALegacyOneAndIsAskedForItsOperations(Answer answer) {
        inkeep.on(PROBE, answer).on(CHAT, recorded("legacy/34-chat-approve-emit-operations-1-stream"));
        AgentsUpstream upstream = inkeep.upstream();

        List<ChatEvent> events = ask(upstream, Map.of());
        List<ChatEvent> wanted = ask(upstream, Map.of("x-emit-operations", "true"));

        assertThat(operationsAskedFor()).containsExactly("true", "true");
        assertThat(inkeep.asked(PROBE)).hasSize(1);
        assertThat(events).contains(CallEvents.asked("aitxt-call_fake_167_0", "call_fake_167_0"));
        assertThat(events).filteredOn(Data.class::isInstance).hasSize(2);
        assertThat(wanted).filteredOn(Data.class::isInstance).hasSize(5);
        wanted.removeIf(AgentsDecoder::isAskedForOperation);
        assertThat(wanted).isEqualTo(events);
    }

    static List<Answer> nothing() {
        return List.of(hang(), status(500), status(503), json(401, "{}"), status(404));
    }

    @ParameterizedTest
    @MethodSource("nothing")
    void anAnswerThatSaysNothingIsAskedForAgain(Answer answer) {
        // Such a server gives no ids either.
        inkeep.on(PROBE, answer).on(CHAT, recorded("legacy/01-chat-plain-stream"));
        AgentsUpstream upstream = inkeep.upstream();

        ask(upstream, Map.of());
        assertThat(operationsAskedFor()).containsExactly("true");

        inkeep.on(PROBE, recorded("agents/38-tool-approvals-endpoint-head"));
        ask(upstream, Map.of());
        assertThat(operationsAskedFor()).containsExactly("true", "no");
    }

    @Test
    void anAnswerThatTellsItsIdSaysItToo() {
        inkeep.on(PROBE, status(500));
        AgentsUpstream upstream = inkeep.upstream();

        ask(upstream, Map.of());
        ask(upstream, Map.of());

        assertThat(operationsAskedFor()).containsExactly("true", "no");
        assertThat(inkeep.asked(PROBE)).hasSize(1);
    }

    @Test
    void runsThatBeginTogetherShareOneProbe() {
        CompletableFuture<HttpServerRequest> held = new CompletableFuture<>();
        inkeep.on(PROBE, held::complete);
        AgentsUpstream upstream = inkeep.upstream();
        List<CompletableFuture<List<ChatEvent>>> runs = new ArrayList<>();

        IntStream.range(0, 5).forEach(_ -> runs.add(upstream.run(question(turn(), "hi")).answer().collect().asList()
                .subscribeAsCompletionStage()));
        upstream.run(question(turn(), "hi")).answer().subscribe().with(_ -> {}).cancel();
        recorded("agents/38-tool-approvals-endpoint-head")
                .accept(held.orTimeout(20, java.util.concurrent.TimeUnit.SECONDS).join());

        runs.forEach(run -> assertThat(run.orTimeout(SOON.toSeconds(), java.util.concurrent.TimeUnit.SECONDS).join())
                .isNotEmpty());
        assertThat(inkeep.asked(PROBE)).hasSize(1);
        assertThat(operationsAskedFor()).containsOnly("no").hasSize(5);
    }

    @Test
    void whatIsConfiguredIsNotFoundOut() {
        ask(inkeep.upstream("approvals", "parts"), Map.of());
        ask(inkeep.upstream("approvals", "legacy"), Map.of());
        ask(inkeep.upstream("execution-mode", "durable"), Map.of());

        assertThat(inkeep.asked(PROBE)).isEmpty();
        assertThat(operationsAskedFor()).containsExactly("no", "true", "no");
    }
}
