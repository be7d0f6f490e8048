package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.quarkus.test.junit.QuarkusTest;

/**
 * While a new version is rolled out, its replicas write what this one does not know: kinds of events, members, words and columns. Whoever
 * reads, takes over or lists that here sees all that this version understands.
 */
@QuarkusTest
@TestInstance(Lifecycle.PER_CLASS)
class NextVersionTest extends ServiceTest {

    private static final List<String> TABLES = List.of("conversation", "turn", "message", "tool_approval", "replica",
            "turn_event", "stream_token", "queued_message");
    private static final List<String> CHECKS = List.of("turn turn_state_check", "message message_role_check",
            "tool_approval tool_approval_state_check", "tool_approval tool_approval_outcome_check");

    private UUID turn;
    private UUID replica;
    private String conversation;

    /** What the next version's migration does: new columns with defaults, and words that are not checked any more. */
    @BeforeEach
    void migrate() {
        TABLES.forEach(
                table -> execute("alter table %s add column if not exists next integer not null default 7".formatted(table)));
        CHECKS.forEach(check -> execute("alter table %s drop constraint if exists %s".formatted((Object[]) check.split(" "))));
        turn = UUID.randomUUID();
        replica = UUID.randomUUID();
        conversation = relay().send(CHAT, Json.ask("echo hello").put("model", "cloud")).toEnd().conversation();
        execute("insert into replica (incarnation, renewed_at, lease_end) "
                + "select ?, clock_timestamp() + interval '1 hour', clock_timestamp() + interval '1 hour'", replica);
        execute("update conversation set next_position = 6, turns = 2 where external_id = ?", conversation);
        execute("""
                insert into turn (id, tenant, conversation_id, ordinal, state, owner, upstream, model, message_id, message_position,
                                  caller, started_at)
                select ?, tenant, id, 2, 'running', ?, upstream, upstream, gen_random_uuid(), 4, 'dev', clock_timestamp()
                from conversation where external_id = ?""",
                turn, replica, conversation);
        events(1, "{\"t\":\"start\",\"id\":\"theirs\",\"plan\":{\"t\":\"end\"}}", "{\"t\":\"source\",\"url\":[\"https://x\"]}",
                "{\"t\":\"step-start\",\"model\":\"next\"}", "{\"t\":\"text-start\",\"id\":\"t\"}");
        events(5, "{\"t\":\"text\",\"lang\":{\"d\":\"no\"},\"id\":\"t\",\"d\":\"Half an\"}",
                "{\"t\":\"citation\",\"d\":\"[1]\"}",
                "{\"t\":\"text\",\"id\":\"t\",\"d\":\" answer\"}");
    }

    @AfterEach
    void forget() {
        execute("delete from conversation where external_id = ?", conversation);
    }

    @AfterAll
    void migrateBack() {
        TABLES.forEach(table -> execute("alter table %s drop column next".formatted(table)));
        execute("alter table turn add constraint turn_state_check check (state in ('running', 'awaiting_approval', 'completed',"
                + " 'failed', 'cancelled', 'interrupted'))");
        execute("alter table message add constraint message_role_check check (role in ('system', 'user', 'assistant', 'tool'))");
        execute("alter table tool_approval add constraint tool_approval_state_check check (state in ('pending', 'approved',"
                + " 'denied', 'expired', 'superseded'))");
        execute("alter table tool_approval add constraint tool_approval_outcome_check check (outcome in ('executed', 'failed',"
                + " 'denied'))");
    }

    private void events(long first, String... lines) {
        execute("insert into turn_event (turn_id, first, last, events) values (?, ?, ?, ?)", turn, first,
                first + lines.length - 1, String.join("\n", lines).getBytes(StandardCharsets.UTF_8));
    }

    private void ends(String state, String code, String end) {
        events(8, "{\"t\":\"text-end\",\"id\":\"t\"}", "{\"t\":\"step-finish\"}", "{\"t\":\"bill\",\"cents\":1}", end);
        execute("update turn set state = ?, error_code = ?, last_event = 11, ended_at = clock_timestamp() where id = ?", state,
                code, turn);
    }

    private String stream(String query) {
        return CONVERSATIONS + "/" + conversation + "/stream?turn=" + turn + query;
    }

    @ParameterizedTest
    @ValueSource(strings = { "", "&wire=openai" })
    void aReaderSeesTheTextAndThatItDidNotEndWell(String wire) {
        Sse live = relay().read(stream(wire)).until(3);
        ends("handed_off", "upstream_asleep",
                "{\"t\":\"end\",\"outcome\":\"handed_off\",\"code\":\"upstream_asleep\",\"d\":\"It sleeps.\",\"until\":{}}");

        assertThat(live.toEnd().answer()).isEqualTo("Half an answer");
        assertThat(live.status()).isEqualTo(200);
        assertThat(live.ids()).as("numbers stay what they are").doesNotContain(2L, 6L, 10L).contains(1L, 5L, 7L, 11L);
        assertThat(live.error()).isEqualTo("It sleeps.");
        assertThat(live.done()).isFalse();
        assertThat(relay().read(stream(wire)).toEnd().text()).isEqualTo(live.text());
        for (long after : List.of(1L, 5L, 6L, 10L)) {
            assertThat(relay().read(stream(wire + "&after=" + after)).toEnd().ids()).as("after %d", after)
                    .isEqualTo(live.ids().stream().filter(id -> id > after).toList());
        }
        if (!wire.isEmpty()) {
            assertThat(live.last().json().at("/error/code").asText()).isEqualTo("upstream_asleep");
        }
    }

    @Test
    void aTurnThatCompletedForANewReasonCompleted() {
        ends("completed", null, "{\"t\":\"end\",\"outcome\":\"completed\",\"reason\":\"satisfied\"}");

        assertThat(relay().read(stream("")).toEnd().done()).isTrue();
        assertThat(relay().read(stream("&wire=openai")).toEnd().done()).isTrue();
        Sse goesOn = relay().send(CHAT, Json.ask(conversation, "echo on").put("model", "cloud")).toEnd();
        assertThat(goesOn.done()).as(goesOn.text()).isTrue();
    }

    @Test
    void aTurnIsTakenOverAndItsTextIsKept() {
        Sse reader = relay().read(stream("")).until(5);

        execute("update replica set alive = false where incarnation = ?", replica);

        assertThat(reader.toEnd().answer()).isEqualTo("Half an answer");
        assertThat(reader.types()).endsWith("text-end", "finish-step", "error");
        assertThat(reader.ids()).containsExactly(1L, 3L, 4L, 5L, 7L, 8L, 9L, 10L);
        assertThat(turn(turn.toString())).isEqualTo("interrupted replica_lost");
        assertThat(Json.text(messages(conversation).getLast())).isEqualTo("Half an answer");
        assertThat(
                query("select convert_from(events, 'utf8') from turn_event where turn_id = ? and first <= 5", turn).toString())
                .as("what is not known is kept").contains("{\"t\":\"source\",\"url\":[\"https://x\"]}", "{\"t\":\"citation\"");
        assertThat(relay().send(CHAT, Json.ask(conversation, "echo on").put("model", "cloud")).toEnd().done()).isTrue();
    }

    @Test
    void listsTellWhatTheyDoNotKnowUnderItsOwnName() {
        ends("handed_off", "upstream_asleep", "{\"t\":\"end\",\"outcome\":\"handed_off\"}");
        execute("""
                insert into message (id, conversation_id, turn_id, position, external_id, role, parts, finish_reason, created_at)
                select gen_random_uuid(), conversation_id, id, 4, 'theirs', 'critic',
                       '[{"type":"sketch","svg":[1]},{"type":"text","text":"Well."},{"kind":"none"}]', 'satisfied', clock_timestamp()
                from turn where id = ?""",
                turn);
        execute("""
                insert into tool_approval (id, tenant, conversation_id, turn_id, call_id, approval_id, tool_name, input, input_digest,
                                           state, asked_at, expires_at, send_before, decided_at, decided_by, outcome, outcome_at)
                select gen_random_uuid(), tenant, conversation_id, id, 'c1', 'a1', 'delete', '{}', '\\x00', 'delegated', now(), now(),
                       now(), now(), 'ann', 'postponed', now()
                from turn where id = ?""",
                turn);

        JsonNode said = messages(conversation).getLast();
        assertThat(said.path("role").asText()).isEqualTo("critic");
        assertThat(said.at("/metadata/finishReason").asText()).isEqualTo("satisfied");
        assertThat(relay().get(CONVERSATIONS).status()).isEqualTo(200);
        assertThat(relay().get(CONVERSATIONS + "/" + conversation).status()).isEqualTo(200);
        Relay.Answer inbox = relay().get("/run/v1/tool-approvals?conversationId=" + conversation);
        JsonNode approval = inbox.json().at("/data/0");
        assertThat(approval.path("state").asText()).as(inbox.body()).isEqualTo("delegated");
        assertThat(relay().get("/run/v1/tool-approvals/" + approval.path("id").asText()).json().path("outcome").asText())
                .isEqualTo("postponed");
        Relay.Answer late = relay().post("/run/api/tool-approvals",
                Json.of("{}").put("conversationId", conversation).put("toolCallId", "c1").put("approved", true));
        assertThat(late.status()).as(late.body()).isEqualTo(409);
        assertThat(late.json().path("code").asText()).isEqualTo("approval_decided");
        assertThat(late.json().at("/approval/state").asText()).isEqualTo("delegated");
        Sse goesOn = relay().send(CHAT, Json.ask(conversation, "echo on").put("model", "cloud")).toEnd();
        assertThat(goesOn.done()).as("a history with a role that is not known: " + goesOn.text()).isTrue();
    }
}
