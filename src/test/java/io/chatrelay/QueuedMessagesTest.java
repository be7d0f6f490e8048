package io.chatrelay;

import static io.chatrelay.support.Json.ask;
import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.quarkus.test.junit.QuarkusTest;

/** Messages that wait for the turns before them: each is acknowledged, listed, and answered in its order, or withdrawn. */
@QuarkusTest
class QueuedMessagesTest extends ServiceTest {

    private static final String LONG = "words 3000 20";

    private final String id = newId();

    private String queue() {
        return CONVERSATIONS + "/" + id + "/queue";
    }

    private JsonNode enqueue(String text) {
        Relay.Answer answer = relay().post(CHAT, ask(id, text).put("onRunning", "enqueue"));
        assertThat(answer.status()).as(answer.body()).isEqualTo(202);
        return answer.json();
    }

    private Sse running() {
        return relay().send(CHAT, ask(id, LONG)).untilText();
    }

    private void cancel() {
        assertThat(relay().post(CONVERSATIONS + "/" + id + "/cancel", Json.object()).status()).isEqualTo(202);
    }

    private List<String> waiting() {
        return Json.each(relay().get(queue()).json().path("data"), "/messages/0/parts/0/text");
    }

    private void awaitCompleted(JsonNode queued) {
        await("the turn of " + queued.path("id").asText()).until(() -> query("select state from turn where id = ?",
                UUID.fromString(queued.path("id").asText())).equals(List.of("completed")));
    }

    private List<String> told() {
        List<String> told = new ArrayList<>();
        messages(id).forEach(message -> told.add(message.path("role").asText() + ": " + Json.text(message)));
        return told;
    }

    @ParameterizedTest
    @ValueSource(strings = { CHAT, COMPLETIONS })
    void areAcknowledgedListedAndAnsweredInTheirOrder(String path) {
        Sse first = running();

        List<JsonNode> queued = new ArrayList<>();
        for (String text : List.of("echo two", "echo three", "echo three")) {
            Relay.Answer answer = relay().with("x-on-running", "enqueue").post(path, ask(id, text).put("user", "ann"));
            assertThat(answer.status()).as(answer.body()).isEqualTo(202);
            assertThat(answer.header("x-conversation-id")).isEqualTo(id);
            queued.add(answer.json());
        }

        assertThat(queued).extracting(one -> one.path("state").asText()).containsOnly("queued");
        assertThat(queued).extracting(one -> one.path("ahead").asInt()).containsExactly(0, 1, 2);
        assertThat(queued).extracting(one -> one.path("id").asText()).doesNotHaveDuplicates();
        JsonNode page = relay().get(queue() + "?limit=2").json();
        assertThat(Json.each(page.path("data"), "/messages/0/parts/0/text")).containsExactly("echo two", "echo three");
        assertThat(page.at("/data/0/user").asText()).isEqualTo("ann");
        JsonNode rest = relay().get(queue() + "?cursor=" + page.path("nextCursor").asText()).json();
        assertThat(Json.each(rest.path("data"), "/id")).containsExactly(queued.getLast().path("id").asText());
        assertThat(rest.at("/data/0/ahead").asInt()).isEqualTo(2);

        cancel();
        first.toEnd();
        queued.forEach(this::awaitCompleted);
        assertThat(waiting()).isEmpty();
        assertThat(told()).filteredOn(message -> !message.contains("word0")).containsExactly("user: " + LONG,
                "user: echo two", "assistant: two", "user: echo three", "assistant: three", "user: echo three",
                "assistant: three");
        assertThat(
                query("""
                        select b.started_at > a.ended_at from turn a join turn b on b.conversation_id = a.conversation_id
                            and b.ordinal = a.ordinal + 1 where a.conversation_id = (select id from conversation where external_id = ?)""",
                        id))
                .containsExactly("t", "t", "t");
        Sse replayed = relay().read(CONVERSATIONS + "/%s/stream?turn=%s".formatted(id, queued.getFirst().path("id").asText()))
                .toEnd();
        assertThat(replayed.answer()).isEqualTo("two");
    }

    @Test
    void doNotWaitWhereNothingRuns() {
        assertThat(relay().send(CHAT, ask(id, "echo one").put("onRunning", "enqueue")).toEnd().answer()).isEqualTo("one");
        assertThat(relay().send(CHAT, ask(id, "echo two").put("onRunning", "enqueue")).toEnd().answer()).isEqualTo("two");
        assertThat(waiting()).isEmpty();
    }

    @Test
    void waitForAnApprovalToo() {
        Sse asks = relay().send(CHAT, ask(id, "use tool delete_file")).untilAsked(1);
        JsonNode queued = enqueue("echo later");

        JsonNode open = relay().get(CONVERSATIONS + "/" + id + "/pending-approvals").json().path("approval");
        assertThat(waiting()).containsExactly("echo later");
        relay().post("/run/api/tool-approvals", Json.object().put("conversationId", id)
                .put("toolCallId", open.path("toolCallId").asText()).put("approved", true));

        assertThat(asks.toEnd().done()).isTrue();
        awaitCompleted(queued);
        assertThat(told()).contains("assistant: later");
    }

    @Test
    void canBeWithdrawnUntilTheirTurnBegins() {
        Sse first = running();
        JsonNode gone = enqueue("echo gone");
        JsonNode stays = enqueue("echo stays");

        String path = queue() + "/" + gone.path("id").asText();
        assertError(path, other().delete(path), 404, "not_found");
        assertThat(relay().delete(path).status()).isEqualTo(204);
        assertError(path, relay().delete(path), 404, "not_found");
        assertThat(waiting()).containsExactly("echo stays");
        assertError(queue(), relay().delete(queue() + "/no-id"), 404, "not_found");

        cancel();
        first.toEnd();
        awaitCompleted(stays);
        assertThat(told()).contains("assistant: stays").doesNotContain("user: echo gone");
        Relay.Answer late = relay().delete(queue() + "/" + stays.path("id").asText());
        assertError(queue(), late, 409, "message_begun");
        assertThat(late.json().at("/turn/id")).isEqualTo(stays.path("id"));
    }

    @Test
    void areFoundAgainByTheirKeyWhileTheyWaitAndAfterwards() {
        Sse first = running();
        Relay keyed = relay().with("idempotency-key", "key-" + mark());
        JsonNode queued = keyed.post(CHAT, ask(id, "echo once").put("onRunning", "enqueue")).json();

        Relay.Answer again = keyed.post(CHAT, ask(id, "echo once").put("onRunning", "enqueue"));
        assertThat(again.status()).isEqualTo(202);
        assertThat(again.json().path("id")).isEqualTo(queued.path("id"));
        Relay.Answer refusing = keyed.post(CHAT, ask(id, "echo once"));
        assertThat(refusing.status()).as("whatever it says of running turns").isEqualTo(202);
        assertError(CHAT, keyed.post(CHAT, ask(id, "echo another").put("onRunning", "enqueue")), 422, "unprocessable_entity");
        assertThat(waiting()).containsExactly("echo once");

        cancel();
        first.toEnd();
        awaitCompleted(queued);
        Sse answer = keyed.send(CHAT, ask(id, "echo once").put("onRunning", "enqueue")).toEnd();
        assertThat(answer.turn()).isEqualTo(queued.path("id").asText());
        assertThat(answer.answer()).isEqualTo("once");
    }

    @Test
    void haveNothingToReadYet() {
        Sse first = running();
        JsonNode queued = enqueue("echo soon");

        Relay.Answer early = relay().get(CONVERSATIONS + "/%s/stream?turn=%s".formatted(id, queued.path("id").asText()));

        assertError(CONVERSATIONS, early, 409, "message_queued");
        assertThat(early.header("retry-after")).isEqualTo("1");
        cancel();
        first.toEnd();
        awaitCompleted(queued);
    }

    @Test
    void areBounded() {
        Sse first = running();
        List<JsonNode> queued = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            queued.add(enqueue("echo " + i));
        }

        Relay.Answer full = relay().post(CHAT, ask(id, "echo 10").put("onRunning", "enqueue"));

        assertError(CHAT, full, 409, "queue_full");
        assertThat(full.json().path("detail").asText()).contains("chat-relay.queue.max-messages");
        assertThat(waiting()).hasSize(10);
        queued.forEach(one -> relay().delete(queue() + "/" + one.path("id").asText()));
        cancel();
        first.toEnd();
    }

    @Test
    void thatCanNoLongerBeSentSayWhyAndTheNextGoOn() {
        Sse first = running();
        Relay keyed = relay().with("idempotency-key", "key-" + mark());
        JsonNode lost = keyed.post(CHAT, ask(id, "echo lost").put("onRunning", "enqueue")).json();
        JsonNode next = enqueue("echo next");
        // As if its upstream were configured no more.
        execute("update queued_message set roles = '{tool}', model = 'gone' where id = ?",
                UUID.fromString(lost.path("id").asText()));
        execute("update conversation set upstream = 'gone' where external_id = ?", id);

        cancel();
        first.toEnd();

        await().until(() -> relay().get(queue()).json().at("/data/1/state").asText().equals("refused"));
        JsonNode refused = relay().get(queue()).json().at("/data/0");
        assertThat(refused.path("error").asText()).contains("gone", "no longer configured");
        assertThat(refused.at("/messages/0/parts/0/text").asText()).isEqualTo("echo lost");
        String stream = CONVERSATIONS + "/%s/stream?turn=%s".formatted(id, lost.path("id").asText());
        assertError(CONVERSATIONS, relay().get(stream), 409, "message_refused");
        execute("update conversation set upstream = 'agents' where external_id = ?", id);
        assertThat(relay().delete(queue() + "/" + next.path("id").asText()).status()).isEqualTo(204);
        assertThat(keyed.send(CHAT, ask(id, "echo lost").put("onRunning", "enqueue")).toEnd().answer())
                .as("its key is free").isEqualTo("lost");
        assertThat(waiting()).isEmpty();
    }

    @Test
    void goWithTheirConversation() {
        Sse first = running();
        JsonNode queued = enqueue("echo lost");
        execute("update conversation set upstream = 'gone' where external_id = ?", id);
        cancel();
        first.toEnd();
        await().until(() -> relay().get(queue()).json().at("/data/0/state").asText().equals("refused"));

        assertThat(relay().delete(CONVERSATIONS + "/" + id).status()).isEqualTo(204);

        assertThat(query("select count(*) from queued_message where id = ?",
                UUID.fromString(queued.path("id").asText()))).containsExactly("0");
    }

    @Test
    void countThoughTheirTurnFailsBeforeItsFirstEvent() {
        Sse first = running();
        Relay keyed = relay().with("idempotency-key", "key-" + mark());
        ObjectNode failing = ask(id, "400").put("onRunning", "enqueue");
        JsonNode queued = keyed.post(CHAT, failing).json();
        JsonNode next = enqueue("echo next");

        cancel();
        first.toEnd();
        awaitCompleted(next);

        assertThat(turn(queued.path("id").asText())).startsWith("failed ");
        assertThat(told()).containsSubsequence("user: 400", "user: echo next", "assistant: next");
        Relay.Answer again = keyed.post(CHAT, failing);
        assertThat(again.status()).isEqualTo(400);
        assertThat(again.header("x-turn-id")).isEqualTo(queued.path("id").asText());
        assertThat(again.header("x-should-retry")).isEqualTo("false");
    }

    @Test
    void areSentUpAsTheyCame() {
        Sse first = running();
        String text = "echo " + mark();
        ObjectNode body = ask(id, text).put("user", "ann");
        ((ObjectNode) body.at("/messages/0")).remove("content");
        ((ObjectNode) body.at("/messages/0")).set("parts", Json.read("""
                [{"type":"text","text":"%s"},{"type":"data-place","data":{"city":"Porto"}}]""".formatted(text)));
        body.set("headers", Json.object().put("x-forwarded-user", "ann"));
        relay().send(CHAT, body.deepCopy().put("conversationId", newId())).toEnd();
        Relay.Answer answer = relay().post(CHAT, body.put("onRunning", "enqueue"));
        assertThat(answer.status()).as(answer.body()).isEqualTo(202);

        cancel();
        first.toEnd();
        awaitCompleted(answer.json());

        List<JsonNode> asked = emulator().asked(text);
        assertThat(asked).hasSize(2);
        for (String member : List.of("/body/messages/0/parts", "/body/headers")) {
            assertThat(asked.getLast().at(member)).as(member).isEqualTo(asked.getFirst().at(member)).isNotEmpty();
        }
    }

    @Test
    void keepTheirKeyFromOtherConversations() {
        Sse first = running();
        Relay keyed = relay().with("idempotency-key", "key-" + mark());
        JsonNode queued = keyed.post(CHAT, ask(id, "echo mine").put("onRunning", "enqueue")).json();

        assertError(CHAT, keyed.post(CHAT, ask(newId(), "echo other")), 422, "unprocessable_entity");

        cancel();
        first.toEnd();
        awaitCompleted(queued);
    }

    @Test
    void letAMessageThatReplacesTheRunningTurnGoFirst() {
        Sse first = running();
        List<JsonNode> queued = List.of(enqueue("echo later"), enqueue("echo last"));

        Sse instead = relay().send(CHAT, ask(id, "echo instead").put("onRunning", "cancel")).toEnd();

        assertThat(instead.answer()).isEqualTo("instead");
        first.toEnd();
        queued.forEach(this::awaitCompleted);
        assertThat(told()).containsSubsequence("assistant: instead", "assistant: later", "assistant: last");
        assertThat(query("select state from turn t where conversation_id = (select id from conversation where external_id = ?)"
                + " order by ordinal", id)).containsExactly("cancelled", "completed", "completed", "completed");
    }

    @Test
    void areNoEditsAndCannotBeCancelledBeforeTheirTurn() {
        relay().send(CHAT, withId("m-1", "echo one")).toEnd();
        Sse first = running();

        assertError(CHAT, relay().post(CHAT, withId("m-1", "echo edited").put("onRunning", "enqueue")), 409, "turn_running");
        JsonNode queued = relay().post(CHAT, withId("m-2", "echo two").put("onRunning", "enqueue")).json();
        assertThat(relay().post(CHAT, withId("m-2", "echo two").put("onRunning", "enqueue")).json().path("id"))
                .as("the sender's id says that it is the same").isEqualTo(queued.path("id"));
        assertInvalid(CHAT, relay().post(CHAT, withId("m-2", "echo other").put("onRunning", "enqueue")), "messages");
        assertError(CONVERSATIONS, relay().post(CONVERSATIONS + "/" + id + "/cancel",
                Json.object().put("turnId", queued.path("id").asText())), 409, "message_queued");

        cancel();
        first.toEnd();
        awaitCompleted(queued);
    }

    private ObjectNode withId(String message, String text) {
        ObjectNode body = ask(id, text);
        ((ObjectNode) body.at("/messages/0")).put("id", message);
        return body;
    }

    @Test
    void ofAnotherTenantAreNotThere() {
        Sse first = running();
        enqueue("echo mine");

        assertError(queue(), other().get(queue()), 404, "not_found");
        assertError(CHAT, relay().post(CHAT, ask(id, "echo x").put("onRunning", "wait")), 400, "bad_request");

        relay().get(queue()).json().path("data")
                .forEach(one -> relay().delete(queue() + "/" + one.path("id").asText()));
        cancel();
        first.toEnd();
    }
}
