package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.quarkus.test.junit.QuarkusTest;

/** Only a cancel stops a turn, whoever asks; what had come is kept, and nothing looks like success. */
@QuarkusTest
class CancelTest extends ServiceTest {

    private static final String LONG = "words 100000 20";
    private static final String DELETE = "use tool delete_file";

    private static String cancelOf(String conversation) {
        return CONVERSATIONS + "/" + conversation + "/cancel";
    }

    private static ObjectNode ask(String conversation, String text) {
        return Json.ask(text).put("conversationId", conversation);
    }

    private Relay.Answer cancel(String conversation) {
        return relay().post(cancelOf(conversation), Json.of("{}"));
    }

    /** A turn that has said something, and would go on for long. */
    private Sse talking(String conversation, String model) {
        return relay().send(CHAT, ask(conversation, LONG).put("model", model)).untilText();
    }

    private String stateOf(String turn) {
        return query("select state from turn where id = ?", UUID.fromString(turn)).getFirst();
    }

    private List<String> statesIn(String conversation) {
        return query("""
                select state from turn t join conversation c on c.id = t.conversation_id
                where c.external_id = ?""", conversation);
    }

    private void assertIsFree(String conversation) {
        assertThat(relay().send(CHAT, ask(conversation, "echo it goes on")).toEnd().answer()).isEqualTo("it goes on");
    }

    @Nested
    class WhoeverStopsATurn {

        @ParameterizedTest
        @ValueSource(strings = { "agents", "cloud" })
        void isToldWhatIsStopped(String model) {
            String id = newId();
            Sse stream = talking(id, model);

            Relay.Answer answer = cancel(id);

            assertThat(answer.status()).as(answer.body()).isEqualTo(202);
            assertThat(answer.json().path("id").asText()).isEqualTo(stream.turn());
            assertThat(answer.json().path("conversationId").asText()).isEqualTo(id);
            assertThat(answer.json().path("state").asText()).isIn("running", "cancelled");
            assertThat(answer.json().path("upstreamMayBeRunning").asBoolean()).isEqualTo(model.equals("agents"));
            assertThat(stream.toEnd().last().data()).isEqualTo("{\"type\":\"abort\"}");
        }

        @Test
        void needsNoBody() {
            String id = newId();
            Sse stream = talking(id, "agents");

            assertThat(relay().answer("POST", cancelOf(id), BodyPublishers.noBody()).status())
                    .isEqualTo(202);
            assertThat(stream.toEnd().done()).isFalse();
        }

        @Test
        void isAnsweredTheSameAgain() {
            String id = newId();
            Sse stream = talking(id, "agents");
            cancel(id);
            stream.toEnd();

            Relay.Answer again = cancel(id);

            assertThat(again.status()).isEqualTo(202);
            assertThat(again.json().path("state").asText()).isEqualTo("cancelled");
            assertThat(again.json().path("id").asText()).isEqualTo(stream.turn());
        }

        @Test
        void isToldThatATurnHasEndedByItself() {
            String id = newId();
            Sse stream = relay().send(CHAT, ask(id, "echo done")).toEnd();

            Relay.Answer answer = cancel(id);

            assertThat(answer.status()).isEqualTo(409);
            assertThat(answer.json().path("code").asText()).isEqualTo("no_running_turn");
            assertThat(answer.json().at("/turn/id").asText()).isEqualTo(stream.turn());
            assertThat(answer.json().at("/turn/state").asText()).isEqualTo("completed");
        }

        @Test
        void stopsTheTurnThatItNamesAndNoOther() {
            String id = newId();
            String first = relay().send(CHAT, ask(id, "echo done")).toEnd().turn();
            Sse second = talking(id, "agents");

            Relay.Answer ended = relay().post(cancelOf(id), Json.of("{}").put("turnId", first));
            Relay.Answer unknown = relay().post(cancelOf(id), Json.of("{}").put("turnId", UUID.randomUUID().toString()));

            assertThat(ended.status()).as(ended.body()).isEqualTo(409);
            assertThat(unknown.status()).isEqualTo(404);
            assertThat(unknown.json().path("field").asText()).isEqualTo("turnId");
            assertThat(stateOf(second.turn())).isEqualTo("running");
            assertThat(relay().post(cancelOf(id), Json.of("{}").put("turnId", second.turn())).status()).isEqualTo(202);
            second.toEnd();
        }

        @Test
        void isToldWhatIsWrong() {
            String id = newId();

            assertThat(cancel(id).status()).isEqualTo(404);
            assertThat(cancel("not.an.id").json().path("field").asText()).isEqualTo("id");
            Relay.Answer name = relay().post(cancelOf(id), Json.of("{}").put("turn", "x"));
            assertThat(name.status()).isEqualTo(400);
            assertThat(name.json().path("field").asText()).isEqualTo("turn");
            assertThat(relay().post(cancelOf(id), Json.of("{}").put("turnId", "x")).json().path("field").asText())
                    .isEqualTo("turnId");
        }

        @Test
        void cannotStopAnothersTurn() {
            String id = newId();
            Sse stream = talking(id, "agents");

            assertThat(other().post(cancelOf(id), Json.of("{}")).status()).isEqualTo(404);

            assertThat(stateOf(stream.turn())).isEqualTo("running");
            cancel(id);
            stream.toEnd();
        }
    }

    @Nested
    class AStoppedTurn {

        @Test
        void keepsTheUsageThatCloudHasTold() {
            String id = newId();
            Sse stream = relay().send(CHAT, ask(id, "usage first").put("model", "cloud")).untilText();
            cancel(id);
            stream.toEnd();

            assertThat(messages(id).getLast().at("/metadata/usage/totalTokens").asInt()).isEqualTo(10);
            assertThat(stateOf(stream.turn())).isEqualTo("cancelled");
        }

        @Test
        void keepsWhatItSaidAndFreesItsConversation() {
            String id = newId();
            Sse stream = talking(id, "agents");
            cancel(id);
            stream.toEnd();

            assertThat(stream.done()).isFalse();
            assertThat(stream.types()).doesNotContain("finish", "error");
            assertThat(stateOf(stream.turn())).isEqualTo("cancelled");
            JsonNode message = messages(id).getLast();
            assertThat(message.path("role").asText()).isEqualTo("assistant");
            assertThat(message.path("parts").findValuesAsText("text")).containsExactly(stream.answer());
            assertThat(relay().read(CONVERSATIONS + "/" + id + "/stream?turn=" + stream.turn()).toEnd().events())
                    .isEqualTo(stream.events());
            assertThat(query("select count(request) from turn where id = ?", UUID.fromString(stream.turn())))
                    .as("what it asked is kept only while it runs").containsExactly("0");
            assertIsFree(id);
        }

        @Test
        void isAnErrorAndNoSuccessForOpenAi() {
            String id = newId();
            Sse stream = relay().send(COMPLETIONS, ask(id, LONG).put("stream", true)).untilText();
            cancel(id);
            stream.toEnd();

            assertThat(stream.done()).isFalse();
            assertThat(stream.last().json().at("/error/code").asText()).isEqualTo("turn_cancelled");
        }

        @Test
        void closesItsConnectionToCloud() {
            String id = newId();
            String mark = mark();
            Sse stream = relay().send(CHAT, ask(id, LONG + " " + mark).put("model", "cloud")).untilText();
            long open = emulator().streamsOpen();

            cancel(id);
            stream.toEnd();

            await("the model's stop").until(() -> emulator().streamsOpen() < open);
        }

        @Test
        void settlesTheCallsThatAreOpen() {
            String id = newId();
            Sse stream = relay().send(CHAT, ask(id, DELETE)).untilAsked(1);
            cancel(id);
            stream.toEnd();

            assertThat(stream.types()).containsSubsequence("tool-approval-request", "tool-output-error", "abort");
            assertThat(query("select state from tool_approval where turn_id = ?", UUID.fromString(stream.turn())))
                    .containsExactly("superseded");
            assertThat(relay().get(CONVERSATIONS + "/" + id + "/pending-approvals").json().path("hasPending").asBoolean())
                    .isFalse();
            assertIsFree(id);
        }

        @Test
        void isNoAnswerForWhoHasHeardNothingOfIt() {
            String id = newId();
            String mark = mark();
            Relay keyed = relay().with("idempotency-key", "k-" + mark);
            CompletableFuture<Relay.Answer> waiting = CompletableFuture
                    .supplyAsync(() -> keyed.post(CHAT, ask(id, "late 300000 " + mark)));
            await("Inkeep is asked").until(() -> emulator().asked(mark).size() == 1);

            cancel(id);

            Relay.Answer answer = waiting.join();
            assertThat(answer.status()).isEqualTo(409);
            assertThat(answer.json().path("code").asText()).isEqualTo("turn_cancelled");
            Relay.Answer again = keyed.post(CHAT, ask(id, "late 300000 " + mark));
            assertThat(again.status()).as("what was stopped is not begun again by a repeat").isEqualTo(409);
            assertThat(again.json().path("turnId").asText()).isEqualTo(answer.json().path("turnId").asText());
            assertThat(emulator().asked(mark)).hasSize(1);
            assertThat(messages(id)).as("the user said it all the same").hasSize(1);
        }

        @Test
        void answersWhoWaitsForItInOnePiece() {
            String id = newId();
            CompletableFuture<Relay.Answer> waiting = CompletableFuture
                    .supplyAsync(() -> relay().post(CHAT, ask(id, LONG).put("stream", false)));
            await("the turn's first event").until(() -> query("""
                    select 1 from turn t join turn_event e on e.turn_id = t.id
                    join conversation c on c.id = t.conversation_id where c.external_id = ?""", id).size() > 0);

            cancel(id);

            assertThat(waiting.join().status()).isEqualTo(409);
            assertThat(waiting.join().json().path("code").asText()).isEqualTo("turn_cancelled");
        }
    }

    @Nested
    class ACallerThatLeaves {

        @ParameterizedTest
        @ValueSource(strings = { "detach", "cancel" })
        void stopsItsTurnOnlyIfItAskedFor(String onDisconnect) {
            String id = newId();
            String text = onDisconnect.equals("cancel") ? LONG : "words 150 20";
            Sse stream = relay().send(CHAT, ask(id, text).put("onDisconnect", onDisconnect)).untilText();
            stream.close();

            awaitEnd(id);
            assertThat(stateOf(stream.turn())).isEqualTo(onDisconnect.equals("cancel") ? "cancelled" : "completed");
        }

        @Test
        void stopsATurnThatItDoesNotStream() throws IOException {
            String id = newId();
            String body = ask(id, LONG).put("stream", false).put("onDisconnect", "cancel").toString();
            try (Socket caller = new Socket(base.getHost(), base.getPort())) {
                caller.getOutputStream().write("""
                        POST %s HTTP/1.1\r\nhost: relay\r\nauthorization: Bearer dev-key\r\ncontent-type: application/json\r\n\
                        content-length: %d\r\n\r\n%s""".formatted(COMPLETIONS, body.length(), body)
                        .getBytes(StandardCharsets.UTF_8));
                await("the turn").until(() -> statesIn(id).equals(List.of("running")));
            }

            await("the turn's end").until(() -> statesIn(id).equals(List.of("cancelled")));
        }

        @Test
        void doesNotStopItsTurnByComingToAPause() {
            String id = newId();
            Sse stream = relay().send(CHAT, ask(id, DELETE).put("onDisconnect", "cancel").put("trigger", "submit-message"))
                    .toEnd();

            assertThat(stream.last().data()).isEqualTo("[DONE]");
            assertThat(stateOf(stream.turn())).isEqualTo("awaiting_approval");
            cancel(id);
        }

        @Test
        void isToldWhatElseItCouldAskFor() {
            Relay.Answer answer = relay().post(COMPLETIONS, ask(newId(), "hi").put("onDisconnect", "stop"));

            assertThat(answer.status()).isEqualTo(400);
            assertThat(answer.json().at("/details/0/field").asText()).isEqualTo("onDisconnect");
            assertThat(answer.json().at("/error/message").asText()).contains("cancel", "detach");
        }
    }

    @Nested
    class WhoWritesOn {

        @ParameterizedTest
        @ValueSource(strings = { LONG, DELETE })
        void stopsTheRunningTurnAndBeginsItsOwn(String running) {
            String id = newId();
            Sse first = relay().send(CHAT, ask(id, running));
            await("it to be under way").until(
                    () -> first.types().contains(running.equals(DELETE) ? "tool-approval-request" : "text-delta"));

            Sse second = relay().send(CHAT, ask(id, "echo never mind").put("onRunning", "cancel")).toEnd();

            assertThat(second.answer()).isEqualTo("never mind");
            assertThat(second.done()).isTrue();
            assertThat(first.toEnd().last().data()).isEqualTo("{\"type\":\"abort\"}");
            assertThat(stateOf(first.turn())).isEqualTo("cancelled");
            assertThat(query("select state from tool_approval where turn_id = ?", UUID.fromString(first.turn())))
                    .doesNotContain("pending");
        }

        @Test
        void doesNotStopItsOwnTurnByARepeat() {
            String id = newId();
            Relay keyed = relay().with("idempotency-key", id);
            ObjectNode command = ask(id, "words 100 20").put("onRunning", "cancel");
            Sse first = keyed.send(CHAT, command).untilText();

            Sse again = keyed.send(CHAT, command).toEnd();

            assertThat(again.turn()).isEqualTo(first.toEnd().turn());
            assertThat(again.done()).isTrue();
            assertThat(first.done()).isTrue();
        }

        @Test
        void isRefusedWhereTheMessageAsksForThat() {
            String id = newId();
            Sse first = talking(id, "agents");

            assertThat(relay().post(CHAT, ask(id, "echo never mind").put("onRunning", "refuse")).status()).isEqualTo(409);

            assertThat(stateOf(first.turn())).isEqualTo("running");
            cancel(id);
            first.toEnd();
        }
    }
}
