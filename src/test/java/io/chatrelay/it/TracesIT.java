package io.chatrelay.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.util.List;
import java.util.UUID;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.dev.InkeepEmulator;
import io.chatrelay.support.it.OtlpReceiver;
import io.chatrelay.support.it.OtlpReceiver.ExportedSpan;
import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.SseStream;
import io.chatrelay.support.it.TestPostgres;
import io.chatrelay.support.it.TwoReplicas;
import io.chatrelay.support.it.WaitingTurn;

/** What a collector is told of turns, of their readers and of their upstream, by two replicas; and what it is not told. */
@Order(8)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class TracesIT {

    private static final String CALLERS_SPAN = "00f067aa0ba902b7";
    private static OtlpReceiver collector;
    private static TwoReplicas replicas;

    /** A trace of a caller's own. */
    private record Trace(String id) {

        Trace() {
            this(UUID.randomUUID().toString().replace("-", ""));
        }

        RelayClient caller(RelayProcess relay) {
            return new RelayClient(relay).with("traceparent", "00-%s-%s-01".formatted(id, CALLERS_SPAN))
                    .with("tracestate", "congo=t61rcWkgMzE");
        }

        /** The span of the request that its caller made. */
        ExportedSpan request() {
            return collector.await("the request in " + id, span -> span.traceId().equals(id) && span.kind().equals("SERVER"));
        }

        ExportedSpan span(String name) {
            return collector.await(name + " in " + id, span -> span.traceId().equals(id) && span.name().equals(name));
        }
    }

    @BeforeAll
    static void start() {
        collector = new OtlpReceiver();
        replicas = new TwoReplicas(TestPostgres.fresh(),
                setup -> collector.exportedTo(setup).with("otel.sdk.disabled", false)
                        .with("quarkus.log.category.\"io.chatrelay\".level", "DEBUG"));
    }

    @AfterAll
    static void stop() {
        replicas.close();
        collector.close();
    }

    @BeforeEach
    void bothRun() {
        replicas.startAgain();
    }

    /** What Inkeep was asked about a turn, in order: the headers of the requests. */
    private static List<JsonNode> asked(InkeepEmulator inkeep, String query) {
        JsonNode requests = RelayClient.get(URI.create("http://127.0.0.1:%d/emulator/requests?%s".formatted(inkeep.port(),
                query)));
        return requests.findValues("headers");
    }

    private static List<JsonNode> askedInTurn(UUID turn) {
        String conversation = replicas.database.text("select conversation_id::text from turn where id = '%s'".formatted(turn));
        return asked(replicas.inkeep, "conversationId=" + conversation);
    }

    /** The lines of a replica's log that belong to a turn, its end among them. */
    private static List<JsonNode> lines(RelayProcess relay, UUID turn) {
        return Awaitility.await("the turn's lines").until(
                () -> relay.log().stream().filter(line -> turn.toString().equals(line.at("/mdc/turnId").asText())).toList(),
                lines -> lines.stream().anyMatch(line -> line.path("message").asText().contains(" ended: ")));
    }

    @Test
    void aTurnGoesOnWithItsCallersTraceAndInkeepWithTheTurns() {
        Trace trace = new Trace();

        SseStream answer = trace.caller(replicas.a).with("x-request-id", "request-1")
                .chat("cloud", "traced", "echo traced words")
                .awaitEnd();

        ExportedSpan request = trace.request();
        assertThat(request.parentId()).isEqualTo(CALLERS_SPAN);
        assertThat(request.name()).isEqualTo("POST /run/api/chat");
        ExportedSpan turn = trace.span("chat inkeep-qa-expert");
        assertThat(turn.kind()).isEqualTo("CLIENT");
        assertThat(turn.parentId()).isEqualTo(request.id());
        assertThat(request.links()).containsExactly(turn.asLink());
        assertThat(turn.status()).isEqualTo("UNSET");
        assertThat(turn.attributes()).containsEntry("gen_ai.operation.name", "chat")
                .containsEntry("gen_ai.provider.name", "inkeep").containsEntry("gen_ai.request.model", "inkeep-qa-expert")
                .containsEntry("gen_ai.request.stream", "true").containsEntry("gen_ai.conversation.id", "traced")
                .containsEntry("gen_ai.response.finish_reasons", "[stop]")
                .containsEntry("server.address", replicas.inkeep.cloudUrl().getHost())
                .containsEntry("chat_relay.turn.id", answer.turn().toString())
                .containsEntry("chat_relay.turn.outcome", "completed")
                .containsEntry("chat_relay.upstream", "cloud").containsEntry("chat_relay.caller", "it")
                .containsEntry("chat_relay.tenant", "it").doesNotContainKeys("error.type", "chat_relay.turn.taken_over");
        assertThat(Double.parseDouble(turn.attribute("gen_ai.response.time_to_first_chunk"))).isPositive();
        assertThat(Long.parseLong(turn.attribute("gen_ai.usage.input_tokens"))).isPositive();
        assertThat(Long.parseLong(turn.attribute("gen_ai.usage.output_tokens"))).isPositive();
        JsonNode sent = asked(replicas.inkeep, "text=echo%20traced%20words").getFirst();
        assertThat(sent.path("traceparent").asText()).isEqualTo("00-%s-%s-01".formatted(trace.id(), turn.id()));
        assertThat(sent.path("tracestate").asText()).isEqualTo("congo=t61rcWkgMzE");
    }

    @Test
    void eachReaderIsLinkedToTheTurnThatItReads() {
        Trace sender = new Trace();
        SseStream first = sender.caller(replicas.a).chat("agents", "read", "words 60 20", "read-key").awaitEvents(5);

        Trace repeated = new Trace();
        SseStream again = repeated.caller(replicas.b).chat("agents", "read", "words 60 20", "read-key");
        Trace resuming = new Trace();
        SseStream rest = resuming.caller(replicas.b).readOn("read", "1.3");
        Trace replaying = new Trace();
        first.awaitEnd();
        SseStream replayed = replaying.caller(replicas.a).replay("read", first.turn());
        for (SseStream read : List.of(first, again, rest, replayed)) {
            assertThat(read.awaitEnd().status()).isEqualTo(200);
            assertThat(read.end()).isEqualTo("[DONE]");
        }

        ExportedSpan turn = sender.span("invoke_agent agents");
        assertThat(turn.attributes()).containsEntry("gen_ai.agent.name", "agents");
        for (Trace reader : List.of(repeated, resuming, replaying)) {
            ExportedSpan request = reader.request();
            assertThat(request.links()).containsExactly(turn.asLink());
            assertThat(request.parentId()).isEqualTo(CALLERS_SPAN);
        }
        assertThat(collector.spans()).filteredOn(span -> span.name().startsWith("invoke_agent")
                && List.of(repeated.id(), resuming.id(), replaying.id()).contains(span.traceId())).isEmpty();
    }

    @Test
    void callsAndApprovalsAreSpansOfTheTurn() {
        Trace trace = new Trace();
        RelayClient caller = trace.caller(replicas.a);
        WaitingTurn waiting = new WaitingTurn(caller, "agents", "use both approvals").awaitAsked(caller, 2);
        waiting.approve(caller, 0).deny(caller, 1, null);

        ExportedSpan turn = trace.span("invoke_agent agents");
        ExportedSpan approved = approval(trace, "approved");
        ExportedSpan denied = approval(trace, "denied");
        ExportedSpan ran = collector.await("the call that was approved",
                span -> span.traceId().equals(trace.id()) && span.name().startsWith("execute_tool "));
        for (ExportedSpan part : List.of(approved, denied, ran)) {
            assertThat(part.parentId()).isEqualTo(turn.id());
            assertThat(part.kind()).isEqualTo("INTERNAL");
            assertThat(part.startNanos()).isLessThanOrEqualTo(part.endNanos());
            assertThat(part.status()).isEqualTo("UNSET");
        }
        assertThat(approved.name()).isEqualTo("approval " + approved.attribute("gen_ai.tool.name"));
        assertThat(approved.attributes()).containsEntry("gen_ai.tool.call.id", waiting.call(0))
                .containsKey("chat_relay.approval.id");
        assertThat(denied.attributes()).containsEntry("gen_ai.tool.call.id", waiting.call(1));
        assertThat(ran.attributes()).containsEntry("gen_ai.operation.name", "execute_tool")
                .containsEntry("gen_ai.tool.name", approved.attribute("gen_ai.tool.name"))
                .containsEntry("gen_ai.tool.call.id", waiting.call(0));
        for (int call = 0; call < 2; call++) {
            assertThat(asked(replicas.inkeep, "toolCallId=" + waiting.call(call))).as("its decision").isNotEmpty()
                    .allSatisfy(sent -> assertThat(sent.path("traceparent").asText())
                            .isEqualTo("00-%s-%s-01".formatted(trace.id(), turn.id())));
        }
    }

    private static ExportedSpan approval(Trace trace, String state) {
        return collector.await("the approval that is " + state, span -> span.traceId().equals(trace.id())
                && state.equals(span.attribute("chat_relay.approval.state")));
    }

    @Test
    void aFailureIsTheSpansError() {
        Trace trace = new Trace();

        trace.caller(replicas.a).chat("agents", "failing", "error").awaitEnd();

        ExportedSpan turn = trace.span("invoke_agent agents");
        assertThat(turn.status()).isEqualTo("ERROR");
        assertThat(turn.attributes()).containsEntry("error.type", "upstream_error")
                .containsEntry("chat_relay.turn.outcome", "failed");
    }

    /** Lines of its request, of its connection to Inkeep, of its decisions, of the journal and of its readers, on as many threads. */
    @ParameterizedTest
    @ValueSource(strings = { "lost", "error", "malformed", "use tool delete_file", "words 200 20" })
    void everyLineOfATurnHasItsTraceAndItsSpan(String text) {
        Trace trace = new Trace();
        RelayClient caller = trace.caller(replicas.a);
        String conversation = "lines-" + trace.id();
        SseStream answer = caller.chat("agents", conversation, text).awaitEvents(1);
        String sent = askedInTurn(answer.turn()).getFirst().path("traceparent").asText();
        new Trace().caller(replicas.a).readOn(conversation, "1.0").awaitEvents(1);
        caller.cancel(conversation);
        answer.awaitEnd();

        assertThat(lines(replicas.a, answer.turn())).allSatisfy(line -> assertThat("00-%s-%s-01"
                .formatted(line.at("/mdc/traceId").asText(), line.at("/mdc/spanId").asText())).as(line.toString())
                .isEqualTo(sent));
        assertThat(sent).contains(trace.id());
    }

    @Test
    void anInvalidTraceOfACallerIsIgnored() {
        RelayClient caller = new RelayClient(replicas.a)
                .with("traceparent", "00-00000000000000000000000000000000-00f067aa0ba902b7-01").with("tracestate", "=,;");

        SseStream answer = caller.chat("agents", "invalid", "echo hi").awaitEnd();

        assertThat(answer.end()).isEqualTo("[DONE]");
        ExportedSpan turn = collector.await("the turn",
                span -> answer.turn().toString().equals(span.attribute("chat_relay.turn.id")));
        assertThat(turn.traceId()).isNotEqualTo("00000000000000000000000000000000");
    }

    /** What ends a process comes last, for it has to be started again. */
    @Test
    @Order(Integer.MAX_VALUE)
    void aTurnThatAnotherReplicaTakesOverIsOneTrace() {
        Trace killed = new Trace();
        SseStream seen = killed.caller(replicas.a).chat("agents", "taken-over", "words 1000 20").awaitEvents(40);
        String first = askedInTurn(seen.turn()).getFirst().path("traceparent").asText();

        replicas.a.kill9();

        ExportedSpan turn = killed.span("invoke_agent agents");
        assertThat(first).startsWith("00-%s-".formatted(killed.id()));
        assertThat(turn.parentId()).as("the span of the replica that is gone").isEqualTo(first.split("-")[2]);
        assertThat(turn.attributes()).containsEntry("chat_relay.turn.taken_over", "true")
                .containsEntry("chat_relay.turn.outcome", "completed")
                .containsEntry("chat_relay.turn.id", seen.turn().toString());
        assertThat(askedInTurn(seen.turn()).getLast().path("traceparent").asText())
                .isEqualTo("00-%s-%s-01".formatted(killed.id(), turn.id()));
        assertThat(lines(replicas.b, seen.turn())).filteredOn(line -> line.at("/mdc").has("conversationId")).isNotEmpty()
                .allSatisfy(line -> assertThat(line.at("/mdc/traceId").asText()).as(line.toString()).isEqualTo(killed.id()));
        Trace reader = new Trace();
        assertThat(reader.caller(replicas.b).readOn("taken-over", seen.lastId()).awaitEnd().end()).isEqualTo("[DONE]");
        assertThat(reader.request().links()).containsExactly(killed.id() + "/" + first.split("-")[2]);
    }

    @Test
    @Order(Integer.MAX_VALUE - 1)
    void aTurnThatIsHandedOverHasASpanOfEachReplica() {
        Trace trace = new Trace();
        SseStream seen = trace.caller(replicas.a).chat("agents", "handed-over", "words 1000 20").awaitEvents(40);

        replicas.a.terminate();

        ExportedSpan left = collector.await("the first replica",
                span -> span.traceId().equals(trace.id()) && "left".equals(span.attribute("chat_relay.turn.outcome")));
        ExportedSpan further = collector.await("the second replica",
                span -> span.traceId().equals(trace.id()) && "completed".equals(span.attribute("chat_relay.turn.outcome")));
        assertThat(further.parentId()).isEqualTo(left.id());
        assertThat(seen.turn().toString()).isEqualTo(left.attribute("chat_relay.turn.id"))
                .isEqualTo(further.attribute("chat_relay.turn.id"));
    }

    @Test
    void noSpanHoldsAKeyOrWhatWasSaid() {
        Trace trace = new Trace();
        RelayClient caller = trace.caller(replicas.a);
        WaitingTurn waiting = new WaitingTurn(caller, "agents", "use tool delete_file").awaitAsked(caller, 1);
        waiting.deny(caller, 0, "planted-reason");
        trace.span("approval delete_file");
        caller.chat("cloud", "planted", "echo planted-text").awaitEnd();
        new RelayClient(replicas.a).ask("/run/v1/conversations/planted/stream?turn=planted-turn&token=planted-token");

        ExportedSpan request = collector.await("the reader",
                span -> "/run/v1/conversations/planted/stream".equals(span.attribute("url.path")));
        assertThat(request.attribute("url.query")).isEqualTo("REDACTED");
        assertThat(collector.raw()).contains("planted").doesNotContain("planted-reason", "planted-text", "planted-token",
                "planted-turn",
                RelayClient.KEY, "emulator-key", "/q/health", "docs/report");
    }

    @Test
    void nothingIsTracedUnlessItIsSwitchedOn() {
        try (InkeepEmulator inkeep = new InkeepEmulator(RelayClient.VERTX).listen(0)) {
            RelayProcess relay = collector.exportedTo(RelayProcess.on(TestPostgres.fresh(), inkeep))
                    .with("quarkus.otel.service.name", "off").start();
            Trace trace = new Trace();
            try (relay) {
                trace.caller(relay).chat("agents", "off", "echo off").awaitEnd();
                WaitingTurn waiting = new WaitingTurn(trace.caller(relay), "agents", "use tool delete_file")
                        .awaitAsked(trace.caller(relay), 1).approve(trace.caller(relay), 0);
                assertThat(waiting.turn()).isNotNull();
                trace.caller(relay).readOn("off", "1.0").awaitEnd();
                new RelayClient(relay).chat("agents", "off", "echo untraced").awaitEnd();
            }

            assertThat(asked(inkeep, "text=echo%20untraced")).singleElement()
                    .satisfies(sent -> assertThat(sent.has("traceparent") || sent.has("tracestate")).isFalse());
            assertThat(asked(inkeep, "text=echo%20off")).as("a header that is passed on, as it came").singleElement()
                    .satisfies(sent -> assertThat(sent.path("traceparent").asText())
                            .isEqualTo("00-%s-%s-01".formatted(trace.id(), CALLERS_SPAN)));
            assertThat(collector.spans()).as("after its end, which exports what is left")
                    .noneMatch(span -> span.service().equals("off") || span.traceId().equals(trace.id()));
        }
    }
}
