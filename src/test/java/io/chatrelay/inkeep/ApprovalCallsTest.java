package io.chatrelay.inkeep;

import static io.chatrelay.inkeep.ScriptedInkeep.SOON;
import static io.chatrelay.inkeep.ScriptedInkeep.all;
import static io.chatrelay.inkeep.ScriptedInkeep.cut;
import static io.chatrelay.inkeep.ScriptedInkeep.hang;
import static io.chatrelay.inkeep.ScriptedInkeep.json;
import static io.chatrelay.inkeep.ScriptedInkeep.question;
import static io.chatrelay.inkeep.ScriptedInkeep.recorded;
import static io.chatrelay.inkeep.ScriptedInkeep.status;
import static io.chatrelay.inkeep.ScriptedInkeep.stream;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.dev.Recording;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Started;
import io.chatrelay.event.Turn;
import io.chatrelay.inkeep.ScriptedInkeep.Answer;
import io.chatrelay.support.CallEvents;
import io.chatrelay.support.Json;
import io.chatrelay.upstream.Decision;
import io.chatrelay.upstream.DeliveryResult;
import io.chatrelay.upstream.DeliveryResult.Acknowledged;
import io.chatrelay.upstream.DeliveryResult.Continued;
import io.chatrelay.upstream.DeliveryResult.Refused;
import io.chatrelay.upstream.DeliveryResult.Unknown;
import io.chatrelay.upstream.UpstreamRun;
import io.quarkus.test.junit.QuarkusTest;
import io.smallrye.mutiny.helpers.test.AssertSubscriber;

/** What Inkeep is told of decisions, byte for byte as recorded, and what its answers mean. */
@QuarkusTest
class ApprovalCallsTest {

    private static final String CHAT = "POST /run/api/chat";
    private static final String LEGACY = "POST /run/api/tool-approvals";
    private static final String TAKEN = "{\"success\":true}";
    private static final Decision YES = new Decision(0, "call_fake_43_0", "aitxt-call_fake_43_0", "delete_file", true, null);
    private static final Decision NO = new Decision(0, "call_fake_45_0", "aitxt-call_fake_45_0", "delete_file", false,
            "I do not want that");

    private final Turn turn = ScriptedInkeep.turn();
    @AutoClose
    private final ScriptedInkeep inkeep = new ScriptedInkeep();

    private UpstreamRun run(String... settings) {
        return inkeep.upstream(settings).run(question(turn, "hi"));
    }

    private static DeliveryResult deliver(UpstreamRun run, Decision decision) {
        return run.deliver(decision, () -> true).await().atMost(SOON);
    }

    /** The recorded request, in our conversation. */
    private JsonNode asRecorded(String name) {
        return ((ObjectNode) Json.read(Recording.load(name).requestBody().orElseThrow())).put("conversationId",
                turn.conversation().toString());
    }

    private String sent(String route) {
        return inkeep.asked(route).getLast().body();
    }

    @Test
    void aDecisionIsAPartAsRecorded() {
        inkeep.on(CHAT, recorded("agents/30-chat-approve-function-tool-2-approval-post"));
        UpstreamRun run = run("approvals", "parts");

        assertThat(deliver(run, YES)).isEqualTo(new Acknowledged());
        assertThat(sent(CHAT)).isEqualTo(asRecorded("agents/30-chat-approve-function-tool-2-approval-post").toString());

        assertThat(deliver(run, NO)).isEqualTo(new Acknowledged());
        assertThat(sent(CHAT)).isEqualTo(asRecorded("agents/31-chat-deny-function-tool-2-approval-post").toString());
    }

    @Test
    void aLegacyServerIsToldAtItsOwnRoute() {
        inkeep.on("POST /legacy/api/tool-approvals", recorded("legacy/30-chat-approve-mcp-tool-2-tool-approvals-post"));
        UpstreamRun run = inkeep.upstream(inkeep.url("/legacy"), "approvals", "legacy").run(question(turn, "hi"));

        assertThat(deliver(run, new Decision(0, "call_fake_159_0", "aitxt-call_fake_159_0", "get_weather", true, null)))
                .isEqualTo(new Acknowledged());
        assertThat(sent("POST /legacy/api/tool-approvals"))
                .isEqualTo(asRecorded("legacy/30-chat-approve-mcp-tool-2-tool-approvals-post").toString());

        deliver(run, NO);
        assertThat(Json.read(sent("POST /legacy/api/tool-approvals"))).isEqualTo(Json.of("""
                {'conversationId':'%s','toolCallId':'call_fake_45_0','approved':false,'reason':'I do not want that'}"""
                .formatted(turn.conversation())));
    }

    @Test
    void theHeadersOfTheQuestionGoUpWithTheDecision() {
        inkeep.on(CHAT, json(200, TAKEN));
        UpstreamRun run = inkeep.upstream("approvals", "parts", "headers", "x-needed").run(question(turn, "hi",
                Map.of("x-needed", "7", "x-other", "8")));

        deliver(run, YES);

        assertThat(inkeep.asked(CHAT).getLast().headers()).containsEntry("x-needed", "7").doesNotContainKey("x-other")
                .containsEntry("authorization", "Bearer test-key");
    }

    static List<Answer> nobodyKnows() {
        return List.of(hang(), cut(), status(429), status(500), status(502), status(503),
                stream("data: not the answer to a decision\n\n", false), json(200, "<html>"), json(200, "[]"));
    }

    @ParameterizedTest
    @MethodSource
    void nobodyKnows(Answer answer) {
        inkeep.on(CHAT, answer);

        assertThat(deliver(run("approvals", "parts", "approval-timeout", "2s"), YES)).isInstanceOf(Unknown.class);
        assertThat(inkeep.asked(CHAT)).hasSize(1);
    }

    @Test
    void aServerThatIsNotThereIsUnknown() {
        UpstreamRun run = inkeep.upstream(URI.create("http://localhost:1/run"), "approvals", "parts").run(question(turn, "hi"));

        assertThat(deliver(run, YES)).isInstanceOf(Unknown.class);
    }

    @ParameterizedTest
    @ValueSource(ints = { 400, 401, 403, 404, 409, 422 })
    void aRefusalIsFinal(int status) {
        inkeep.on(CHAT, json(status, "{\"error\":\"because\"}"));

        assertThat(deliver(run("approvals", "parts"), YES)).isEqualTo(
                new Refused("Inkeep answered %d: because".formatted(status)));
    }

    @Test
    void aSuccessThatIsNoneIsARefusal() {
        inkeep.on(CHAT, json(200, "{\"success\":false,\"error\":\"no\"}"));

        assertThat(deliver(run("approvals", "parts"), YES)).isEqualTo(new Refused("Inkeep answered 200: no"));
    }

    @Test
    void aLegacyCallThatWasProcessedIsARefusal() {
        inkeep.on(LEGACY, recorded("legacy/37a-tool-approvals-unknown-toolcallid"));

        assertThat(deliver(run("approvals", "legacy"), YES))
                .isEqualTo(new Refused("Inkeep answered 404: Tool call not found or already processed"));
    }

    @Test
    void aLegacyServerThatWasReplacedIsForgottenAndFoundOutAgain() {
        inkeep.on(LEGACY, recorded("legacy/37c-tool-approvals-missing-fields"),
                recorded("agents/38-tool-approvals-endpoint-head"))
                .on(CHAT, recorded("legacy/01-chat-plain-stream"), json(200, TAKEN));
        UpstreamRun run = run();
        all(run.answer());

        assertThat(deliver(run, YES)).isInstanceOf(Unknown.class);
        assertThat(deliver(run, YES)).isEqualTo(new Acknowledged());
        assertThat(inkeep.asked(CHAT)).hasSize(2);
    }

    @Test
    void aRunThatToldItsIdIsACurrentServers() {
        inkeep.on(LEGACY, status(503)).on(CHAT, recorded("agents/01-chat-plain-stream"), json(200, TAKEN));
        UpstreamRun run = run();
        all(run.answer());

        assertThat(deliver(run, YES)).isEqualTo(new Acknowledged());
        assertThat(inkeep.asked(LEGACY)).hasSize(1);
    }

    @Test
    void aDurableRunWaitsAndGoesOnInTheAnswerToTheDecision() {
        inkeep.on(CHAT, recorded("agents/71a-chat-durable-approval-stream"), recorded("agents/71c-durable-approve-via-chat"));
        UpstreamRun run = run("execution-mode", "durable");
        Decision yes = new Decision(0, "call_fake_143_0", "aitxt-call_fake_143_0", "delete_file", true, null);

        List<ChatEvent> before = all(run.answer());
        DeliveryResult delivery = deliver(run, yes);
        List<ChatEvent> after = all(((Continued) delivery).rest());

        assertThat(before.getFirst()).isEqualTo(new Started("wrun_01M82028GDYQSPHRC5DMPY5KDR"));
        assertThat(before.getLast()).isEqualTo(CallEvents.asked("aitxt-call_fake_143_0", "call_fake_143_0"));
        assertThat(sent(CHAT)).isEqualTo(asRecorded("agents/71c-durable-approve-via-chat").toString());
        List<ChatEvent> expected = new ArrayList<>();
        PartBoundaries brackets = new PartBoundaries("wrun_01M82028GDYQSPHRC5DMPY5KDR");
        for (String name : List.of("agents/71a-chat-durable-approval-stream", "agents/71c-durable-approve-via-chat")) {
            AnswerDecoder decoder = RecordedAnswer.agents(brackets, "wrun");
            RecordedAnswer.read(Recording.load(name).body(), 4096, decoder, expected);
            decoder.ended(expected);
        }
        assertThat(concat(before, after)).isEqualTo(expected);
    }

    @Test
    void aDurableAnswerThatIsNoStreamIsOnlyAcknowledged() {
        inkeep.on(CHAT, recorded("agents/30-chat-approve-function-tool-3-second-approval-post"));

        assertThat(deliver(run("execution-mode", "durable"), YES)).isEqualTo(new Acknowledged());
    }

    @Test
    void theRestIsReadNoFasterThanItIsWanted() {
        inkeep.on(CHAT, recorded("agents/71a-chat-durable-approval-stream"), recorded("agents/71c-durable-approve-via-chat"));
        UpstreamRun run = run("execution-mode", "durable");
        all(run.answer());
        Continued continued = (Continued) deliver(run,
                new Decision(0, "call_fake_143_0", "aitxt-call_fake_143_0", "delete_file", true, null));

        AssertSubscriber<ChatEvent> reader = continued.rest().subscribe().withSubscriber(AssertSubscriber.create(2));

        reader.awaitItems(2, SOON).assertNotTerminated();
        reader.request(Long.MAX_VALUE);
        assertThat(reader.awaitCompletion(SOON).getLastItem()).isInstanceOf(ChatEvent.Ended.class);
    }

    @Test
    void aRunIsToldByItsExecutionAndReadAgain() {
        String id = "wrun_01M82028GDYQSPHRC5DMPY5KDR";
        String before = Recording.load("agents/71a-chat-durable-approval-stream").body();
        String after = Recording.load("agents/71c-durable-approve-via-chat").body();
        String route = "POST /run/api/executions/" + id + "/approvals/call_fake_143_0";
        inkeep.on(CHAT, recorded("agents/71a-chat-durable-approval-stream")).on(route, status(503), json(200, TAKEN))
                .on("GET /run/api/executions/" + id + "/stream", stream(before, true),
                        stream(before + after, true));
        UpstreamRun run = run("execution-mode", "durable", "approvals", "executions");
        List<ChatEvent> told = new ArrayList<>(all(run.answer()));
        Decision no = new Decision(0, "call_fake_143_0", "aitxt-call_fake_143_0", "delete_file", false, "no");

        assertThat(deliver(run, no)).isInstanceOf(Unknown.class);
        told.addAll(all(((Continued) deliver(run, no)).rest()));

        assertThat(sent(route)).isEqualTo("{\"approved\":false,\"reason\":\"no\"}");
        List<ChatEvent> expected = new ArrayList<>();
        AnswerDecoder decoder = RecordedAnswer.agents(id);
        RecordedAnswer.read(before + after, 4096, decoder, expected);
        decoder.ended(expected);
        assertThat(told).isEqualTo(expected);
    }

    private static List<ChatEvent> concat(List<ChatEvent> one, List<ChatEvent> other) {
        List<ChatEvent> both = new ArrayList<>(one);
        both.addAll(other);
        return both;
    }
}
