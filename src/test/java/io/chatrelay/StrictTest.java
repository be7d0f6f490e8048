package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.ByteArrayInputStream;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.chatrelay.support.inkeep.EmulatorResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;

/**
 * A service with several upstreams and no default one, small bodies, a short history, little patience before the first event, and heads
 * only with it.
 */
@QuarkusTest
@TestProfile(StrictTest.Strict.class)
class StrictTest extends ServiceTest {

    private static final int MAX_BODY = 64 * 1024;

    public static class Strict implements QuarkusTestProfile {

        @Override
        public Map<String, String> getConfigOverrides() {
            Map<String, String> overrides = new HashMap<>();
            for (String kind : List.of("agents", "cloud")) {
                for (String name : List.of(kind, "locked-" + kind)) {
                    String upstream = "chat-relay.upstreams." + name;
                    overrides.put(upstream + ".kind", kind);
                    overrides.put(upstream + ".url",
                            "${%s}/%s".formatted(EmulatorResource.ADDRESS, kind.equals("agents") ? "run" : "v1"));
                    overrides.put(upstream + ".api-key", name.equals(kind) ? "emulator-key" : "wrong-key");
                }
            }
            overrides.put("chat-relay.upstreams.gone.kind", "agents");
            overrides.put("chat-relay.upstreams.gone.url", "http://localhost:1/run");
            overrides.put("chat-relay.upstreams.gone.retry-backoff", "10ms");
            overrides.put("chat-relay.upstreams.cloud.models", "inkeep-qa-expert,inkeep-context-expert");
            overrides.put("chat-relay.upstreams.agents.headers", "x-shop");
            overrides.put("chat-relay.upstreams.agents.ignored-parameters", "temperature,top_p");
            overrides.put("chat-relay.access.keys.other.on-disconnect", "cancel");
            overrides.put("chat-relay.access.keys.other.on-running", "cancel");
            overrides.put("chat-relay.api.max-body", "64K");
            overrides.put("chat-relay.turn.first-event-timeout", "2s");
            // Longer than any test waits.
            overrides.put("chat-relay.api.head-after", "1h");
            overrides.put("chat-relay.history.max-messages", "3");
            overrides.put("chat-relay.history.max-bytes", "2K");
            return overrides;
        }

        @Override
        public boolean disableGlobalTestResources() {
            // Whose upstreams are more than these, and have a default.
            return true;
        }

        @Override
        public List<TestResourceEntry> testResources() {
            return List.of(new TestResourceEntry(EmulatorResource.class));
        }
    }

    private static ObjectNode ask(String model, String text) {
        return Json.ask(text).put("model", model).put("stream", true);
    }

    @Nested
    class AnUpstream {

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void thatRefusesOurKeyIsOurFaultAndNotTheCallers(String path) {
            for (String model : List.of("locked-agents", "locked-cloud")) {
                Relay.Answer refused = relay().post(path, ask(model, "echo hi " + mark()));

                assertError(path, refused, 502, "upstream_unauthorized");
                assertThat(refused.json().path("detail").asText()).contains("key", "401").doesNotContain("wrong-key");
                assertThat(refused.header("www-authenticate")).isEmpty();
            }
        }

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void thatIsNotThereIsABadGateway(String path) {
            assertError(path, relay().post(path, ask("gone", "echo hi")), 502, "upstream_unavailable");
        }

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void thatSaysNothingIsAGatewayTimeout(String path) {
            for (String model : List.of("agents", "cloud")) {
                Relay.Answer silent = relay().post(path, ask(model, "hang"));

                assertError(path, silent, 504, "upstream_timeout");
                assertThat(turn(silent.header("x-turn-id"))).isEqualTo("failed upstream_timeout");
            }
        }

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void hasToBeNamedWhereThereIsNoDefault(String path) {
            List<String> before = query("select count(*) from conversation");
            String text = "echo " + mark();

            Relay.Answer unnamed = relay().post(path, Json.ask(text));
            Relay.Answer unknown = relay().post(path, ask("gpt-9", text));

            assertInvalid(path, unnamed, "model");
            assertInvalid(path, unknown, "model");
            assertThat(unknown.json().path("detail").asText()).contains("agents", "inkeep-context-expert")
                    .doesNotContain("gpt-9");
            assertThat(query("select count(*) from conversation")).isEqualTo(before);
            assertThat(emulator().asked(text)).isEmpty();
        }

        @Test
        void isFoundByTheModelsThatItServes() {
            String mark = mark();

            assertThat(relay().send(COMPLETIONS, ask("inkeep-context-expert", "echo " + mark)).toEnd().done()).isTrue();

            assertThat(emulator().asked(mark).getFirst().at("/body/model").asText()).isEqualTo("inkeep-context-expert");
            assertThat(Json.each(relay().get("/run/v1/models").json().path("data"), "/id"))
                    .containsExactly("agents", "cloud", "inkeep-qa-expert", "inkeep-context-expert", "gone", "locked-agents",
                            "locked-cloud", "inkeep-qa-expert");
        }

        @Test
        void needNotBeNamedAgainInItsConversation() {
            String id = newId();
            relay().send(CHAT, ask("cloud", "echo one").put("conversationId", id)).toEnd();

            assertThat(relay().send(CHAT, Json.ask(id, "echo two")).toEnd().answer()).isEqualTo("two");
            assertInvalid(CHAT, relay().post(CHAT, ask("gpt-9", "echo three").put("conversationId", id)), "model");
        }

        @Test
        void getsTheHeadersOfItsOwnList() {
            String mark = mark();
            relay().with("x-shop", "eu").with("x-emit-operations", "true").send(CHAT, ask("agents", "echo " + mark)).toEnd();

            JsonNode headers = emulator().asked(mark).getFirst().path("headers");
            assertThat(headers.path("x-shop").asText()).isEqualTo("eu");
            assertThat(headers.has("x-emit-operations")).isFalse();
        }
    }

    @Nested
    class AParameterThatIsIgnored {

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void isTakenAndNotPassedOnAndNoOtherIs(String path) {
            String mark = mark();

            assertThat(relay().send(path, ask("agents", "echo " + mark).put("temperature", 0.1)).toEnd().done()).isTrue();

            assertThat(emulator().asked(mark).getFirst().path("body").has("temperature")).isFalse();
            assertInvalid(path, relay().post(path, ask("agents", "echo hi").put("presence_penalty", 1)), "presence_penalty");
            assertInvalid(path, relay().post(path, ask("agents", "echo hi").put("temperature", 7)), "temperature");
        }
    }

    @Nested
    class ACallerForWhomItIsConfigured {

        private final String id = newId();

        private Sse talking() {
            return other().send(CHAT, ask("agents", "slow 300 " + mark()).put("conversationId", id)).untilText();
        }

        @Test
        void stopsItsTurnByLeaving() {
            Sse left = talking();

            left.close();

            await().until(() -> turn(left.turn()).equals("cancelled"));
        }

        @Test
        void stopsTheRunningTurnByWritingOn() {
            Sse first = talking();

            Sse second = other().send(CHAT, ask("agents", "echo next").put("conversationId", id)).toEnd();

            assertThat(second.answer()).isEqualTo("next");
            assertThat(turn(first.turn())).isEqualTo("cancelled");
        }

        @Test
        void attachesByTheSameAgainUnlessItsBodyAsksForAnother() {
            String mark = mark();
            ObjectNode message = ask("agents", "slow 250 " + mark).put("conversationId", id);
            Relay stays = other().with("x-on-disconnect", "detach");
            Sse first = stays.send(CHAT, message).untilText();

            Sse again = stays.send(CHAT, message).untilText();
            Sse another = stays.send(CHAT, message.deepCopy().put("onRunning", "cancel")).untilText();
            emulator().hurry(mark);

            assertThat(again.turn()).isEqualTo(first.turn());
            assertThat(another.toEnd().turn()).isNotEqualTo(first.turn());
            assertThat(another.done()).isTrue();
            assertThat(again.toEnd().done()).isFalse();
            assertThat(turn(first.turn())).isEqualTo("cancelled");
        }

        @Test
        void sendsHeadersThatCountMoreThanItsConfiguration() {
            Sse first = other().with("x-on-disconnect", "detach")
                    .send(CHAT, ask("agents", "slow 30 " + mark()).put("conversationId", id)).untilText();
            assertError(CHAT,
                    other().with("x-on-running", "refuse").post(CHAT, ask("agents", "echo next").put("conversationId", id)),
                    409, "turn_running");
            first.close();

            await().until(() -> turn(first.turn()).equals("completed"));
        }
    }

    @Nested
    class AReaderThatComesBack {

        @ParameterizedTest
        @ValueSource(strings = { "ai-sdk", "openai" })
        void seesThatItIsBackBeforeTheNextEvent(String wire) {
            Sse left = relay().send(CHAT, ask("agents", "silence 60000"));
            await().until(() -> left.answer().equals("Hello from the fake model. I saw"));
            left.close();
            long last = left.ids().getLast();
            String turn = CONVERSATIONS + "/" + left.conversation();

            Sse back = relay().with("last-event-id", left.lastId()).read(turn + "/stream?wire=" + wire);

            assertThat(back.status()).isEqualTo(200);
            assertThat(back.turn()).isEqualTo(left.turn());
            assertThat(query("select max(last) from turn_event where turn_id = ?::uuid", left.turn()))
                    .as("nothing has come meanwhile").containsExactly(Long.toString(last));
            relay().post(turn + "/cancel", "");
            assertThat(back.toEnd().ids()).isNotEmpty().allMatch(id -> id > last);
        }
    }

    @Nested
    class ABodyBeyondTheLimit {

        private final byte[] body = Json.ask("x".repeat(3 * MAX_BODY)).put("model", "agents").toString()
                .getBytes(StandardCharsets.UTF_8);

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void isRefusedByItsLength(String path) {
            Relay.Answer refused = relay().answer("POST", path, BodyPublishers.ofByteArray(body));

            assertError(path, refused, 413, "payload_too_large");
            assertThat(refused.json().path("detail").asText()).contains("chat-relay.api.max-body");
        }

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void isRefusedInChunksToo(String path) {
            Relay.Answer refused = relay().answer("POST", path,
                    BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body)));

            assertError(path, refused, 413, "payload_too_large");
        }

        @Test
        void isRefusedAsAPatchToo() {
            String path = CONVERSATIONS + "/" + newId();

            assertError(path, relay().patch(path, Json.of("{'title':'" + "x".repeat(2 * MAX_BODY) + "'}")), 413,
                    "payload_too_large");
        }

        @Test
        void isTakenUpToTheLimit() {
            String envelope = ask("agents", "").toString();
            String filler = "x".repeat(MAX_BODY - envelope.length() - "echo ".length());

            assertThat(relay().post(CHAT, ask("agents", "echo " + filler)).status()).isEqualTo(200);
        }
    }

    @Nested
    class AHistoryBeyondItsBudget {

        private final String id = newId();

        private void say(String text) {
            assertThat(relay().send(CHAT, Json.ask(id, text)).toEnd().done()).isTrue();
        }

        private List<String> heard(String mark) {
            return Json.each(emulator().asked(mark).getFirst().at("/body/messages"), "/content");
        }

        @Test
        void keepsTheNewestMessagesAndEveryInstruction() {
            relay().send(CHAT,
                    Json.of("{'conversationId':'%s','model':'cloud','messages':[{'role':'system','content':'be kind'},"
                            .formatted(id) + "{'role':'user','content':'echo one'}]}"))
                    .toEnd();
            say("echo two");
            String mark = mark();

            say("echo three " + mark);

            assertThat(heard("three " + mark)).containsExactly("be kind", "one", "echo two", "two", "echo three " + mark);
        }

        @Test
        void keepsTheNewestTurnHoweverLargeItIs() {
            relay().send(CHAT,
                    Json.of("{'conversationId':'%s','model':'cloud','messages':[{'role':'system','content':'be kind'},"
                            .formatted(id) + "{'role':'user','content':'echo one'}]}"))
                    .toEnd();
            String mark = mark();

            say("echo " + mark + " " + "y".repeat(5000));
            say("echo last " + mark);

            assertThat(heard(mark + " y")).containsExactly("be kind", "echo one", "one",
                    "echo " + mark + " " + "y".repeat(5000));
            assertThat(heard("last " + mark)).as("the answer before it is beyond the budget").containsExactly("be kind",
                    "echo last " + mark);
        }
    }
}
