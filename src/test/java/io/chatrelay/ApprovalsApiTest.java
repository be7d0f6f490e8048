package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.quarkus.test.junit.QuarkusTest;

/** An approval is decided once, refused with what is recorded, and seen by its tenant. */
@QuarkusTest
class ApprovalsApiTest extends ApprovalsTest {

    @Nested
    class ADecision {

        @Test
        void isRecordedAndSaysSo() {
            Waiting waiting = waiting(TWO);

            Relay.Answer yes = relay().post(DECIDE, waiting.decision(0, true));
            Relay.Answer no = relay().post(DECIDE, waiting.decision(1, false).put("reason", "not\nnow"));

            assertThat(yes.json().toString()).isEqualTo("{\"success\":true,\"message\":\"Tool execution approved\"}");
            assertThat(no.json().toString()).isEqualTo("{\"success\":true,\"message\":\"Tool execution denied\"}");
        }

        @Test
        void isAnsweredTheSameAgainAndRefusedWhenContrary() {
            Waiting waiting = waiting(ONE);
            relay().post(DECIDE, waiting.decision(0, false).put("reason", "no").put("user", "ann"));

            assertThat(relay().post(DECIDE, waiting.decision(0, false)).status()).isEqualTo(200);
            Relay.Answer contrary = relay().post(DECIDE, waiting.decision(0, true));

            assertTextError(contrary, 409, "approval_decided");
            JsonNode recorded = contrary.json().path("approval");
            assertThat(recorded.path("state").asText()).isEqualTo("denied");
            assertThat(recorded.path("reason").asText()).isEqualTo("no");
            assertThat(recorded.path("decidedBy").asText()).contains("dev").contains("ann");
            assertThat(recorded.path("toolCallId").asText()).isEqualTo(waiting.call(0));
            assertThat(contrary.header("x-should-retry")).isEqualTo("false");
        }

        @Test
        void countsOnlyForWhatWasShown() {
            Waiting waiting = waiting(ONE);
            String digest = waiting.approvals().getFirst().path("inputDigest").asText();
            String other = digest.replaceFirst("^.", digest.startsWith("a") ? "b" : "a");

            Relay.Answer changed = relay().post(DECIDE, waiting.decision(0, true).put("inputDigest", other));
            Relay.Answer shown = relay().post(DECIDE, waiting.decision(0, true).put("inputDigest", digest.toUpperCase()));

            assertTextError(changed, 409, "input_changed");
            assertThat(changed.json().at("/approval/state").asText()).isEqualTo("pending");
            assertThat(shown.status()).as(shown.body()).isEqualTo(200);
        }

        @Test
        void comesTooLateWhenTheApprovalHasExpired() {
            Waiting waiting = waiting(ONE);
            execute("update tool_approval set expires_at = asked_at where turn_id = ?::uuid",
                    waiting.approvals().getFirst().path("turnId").asText());

            Relay.Answer late = relay().post(DECIDE, waiting.decision(0, true));

            assertTextError(late, 410, "approval_expired");
            assertThat(late.json().at("/approval/toolCallId").asText()).isEqualTo(waiting.call(0));
            assertThat(late.header("x-should-retry")).isEqualTo("false");
        }

        @Test
        void comesTooLateWhenTheTurnHasEnded() {
            Waiting waiting = waiting(ONE);
            execute("update tool_approval set state = 'superseded', decided_at = now() where turn_id = ?::uuid",
                    waiting.approvals().getFirst().path("turnId").asText());

            Relay.Answer late = relay().post(DECIDE, waiting.decision(0, true));

            assertTextError(late, 409, "approval_superseded");
            assertThat(late.json().at("/approval/state").asText()).isEqualTo("superseded");
        }

        @Test
        void isNotFoundElsewhere() {
            Waiting waiting = waiting(ONE);
            Waiting another = waiting(ONE);

            assertTextError(relay().post(DECIDE, waiting.decision(0, true).put("toolCallId", "call_unknown")), 404,
                    "not_found");
            assertTextError(relay().post(DECIDE, waiting.decision(0, true).put("conversationId", newId())), 404, "not_found");
            assertTextError(relay().post(DECIDE, waiting.decision(0, true).put("conversationId", another.conversation())), 404,
                    "not_found");
            assertTextError(other().post(DECIDE, waiting.decision(0, true)), 404, "not_found");
            assertThat(waitingIn(waiting.conversation()).approvals()).hasSize(1);
        }

        @ParameterizedTest
        @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
                "body|[]",
                "approved|{'conversationId':'c','toolCallId':'t'}",
                "approved|{'approved':'yes','conversationId':'c','toolCallId':'t'}",
                "conversationId|{'approved':true,'toolCallId':'t'}",
                "conversationId|{'approved':true,'conversationId':'a b','toolCallId':'t'}",
                "toolCallId|{'approved':true,'conversationId':'c'}",
                "toolCallId|{'approved':true,'conversationId':'c','toolCallId':''}",
                "toolCallId|{'approved':true,'conversationId':'c','toolCallId':7}",
                "toolCallId|{'approved':true,'conversationId':'c','toolCallId':'a\\u0000'}",
                "reason|{'approved':true,'conversationId':'c','toolCallId':'t','reason':7}",
                "reason|{'approved':true,'conversationId':'c','toolCallId':'t','reason':'a\\u0007'}",
                "reason|{'approved':true,'conversationId':'c','toolCallId':'t','reason':'\\ud83d'}",
                "inputDigest|{'approved':true,'conversationId':'c','toolCallId':'t','inputDigest':'abc'}",
                "turnId|{'approved':true,'conversationId':'c','toolCallId':'t','turnId':'demo'}",
                "turnId|{'approved':true,'conversationId':'c','toolCallId':'t','turnId':7}",
                "user|{'approved':true,'conversationId':'c','toolCallId':'t','user':{}}",
                "aproved|{'aproved':true,'approved':true,'conversationId':'c','toolCallId':'t'}" })
        void isRefusedByTheFieldThatIsWrong(String field, String json) {
            Relay.Answer refused = relay().post(DECIDE, json.replace('\'', '"'));

            assertTextError(refused, 400, "bad_request");
            assertThat(refused.json().at("/details/0/field").asText()).isEqualTo(field);
            assertThat(refused.json().path("error").asText()).startsWith(field + " ");
        }

        @Test
        void hasAReasonOfBoundedLength() {
            ObjectNode decision = Json.of("{'approved':true,'conversationId':'c','toolCallId':'t'}");

            assertThat(relay().post(DECIDE, decision.put("reason", "x".repeat(2001))).json().path("field").asText())
                    .isEqualTo("reason");
            assertThat(relay().post(DECIDE, decision.put("reason", "x".repeat(2000))).status()).isEqualTo(404);
        }

        @ParameterizedTest
        @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
                "conversationId|{'messages':[{'role':'assistant','parts':[{'type':'tool-t','toolCallId':'c','state':'approval-responded','approval':{'approved':true}}]}]}",
                "messages[1].parts[1].toolCallId|{'id':'c','messages':[7,{'role':'assistant','parts':[{'type':'text'},{'type':'tool-t','state':'approval-responded','approval':{'approved':true}}]}]}",
                "messages[0].parts[0].type|{'id':'c','messages':[{'role':'assistant','parts':[{'type':'text','toolCallId':'c','state':'approval-responded','approval':{'approved':true}}]}]}",
                "messages[0].parts[0].approval|{'id':'c','messages':[{'role':'assistant','parts':[{'type':'tool-t','toolCallId':'c','state':'approval-responded'}]}]}",
                "messages[0].parts[0].approval.approved|{'id':'c','messages':[{'role':'assistant','parts':[{'type':'dynamic-tool','toolCallId':'c','state':'approval-responded','approval':{}}]}]}",
                "messages[0].parts[0].approval.approved|{'id':'c','messages':[{'role':'assistant','parts':[{'type':'tool-t','toolCallId':'c','state':'approval-responded','approval':{'approved':1}}]}]}",
                "messages[0].parts[0].approval.reason|{'id':'c','messages':[{'role':'assistant','parts':[{'type':'tool-t','toolCallId':'c','state':'approval-responded','approval':{'approved':true,'reason':{}}}]}]}",
                "messages[0].parts[0].approval.inputDigest|{'id':'c','messages':[{'role':'assistant','parts':[{'type':'tool-t','toolCallId':'c','state':'approval-responded','approval':{'approved':true,'inputDigest':'x'}}]}]}",
                "messages[0].parts[1].toolCallId|{'id':'c','messages':[{'role':'assistant','parts':[{'type':'tool-t','toolCallId':'c','state':'approval-responded','approval':{'approved':true}},{'type':'tool-t','toolCallId':'c','state':'approval-responded','approval':{'approved':true}}]}]}",
                "messages|{'id':'c','messages':[{'role':'assistant','parts':[{'type':'tool-t','toolCallId':'c','state':'approval-requested','approval':{'id':'x'}}]}]}" })
        void inAMessageIsRefusedByItsPath(String field, String json) {
            assertInvalid(CHAT, relay().post(CHAT, json.replace('\'', '"')), field);
        }
    }

    @Nested
    class TheInbox {

        @Test
        void listsWhatWaitsOverAllConversationsNewestFirst() {
            Waiting first = waiting(ONE);
            Waiting second = waiting(TWO);

            JsonNode page = relay().get(INBOX + "?state=pending&limit=3").json();

            assertThat(Json.each(page.path("data"), "/conversationId")).containsExactly(second.conversation(),
                    second.conversation(), first.conversation());
            JsonNode entry = page.at("/data/2");
            assertThat(entry.path("toolName").asText()).isEqualTo("delete_file");
            assertThat(entry.path("input").toString()).isEqualTo("{\"path\":\"docs/report.txt\"}");
            assertThat(entry.path("inputDigest").asText()).matches("[0-9a-f]{64}");
            assertThat(entry.has("history")).isFalse();
            assertThat(entry.has("expiresAt")).isTrue();
        }

        @Test
        void isReadPageByPage() {
            Waiting waiting = waiting(TWO);
            String of = INBOX + "?limit=1&conversationId=" + waiting.conversation();

            JsonNode first = relay().get(of).json();
            JsonNode second = relay().get(of + "&cursor=" + first.path("nextCursor").asText()).json();

            assertThat(Json.each(first.path("data"), "/toolCallId")).containsExactly(waiting.call(1));
            assertThat(Json.each(second.path("data"), "/toolCallId")).containsExactly(waiting.call(0));
            assertThat(second.has("nextCursor")).isFalse();
        }

        @Test
        void showsOneWithItsHistory() {
            Waiting waiting = waiting(ONE);
            String path = INBOX + "/" + waiting.approvals().getFirst().path("id").asText();
            relay().post(DECIDE, waiting.decision(0, false).put("reason", "no"));

            JsonNode one = relay().get(path).json();

            assertThat(one.path("state").asText()).isEqualTo("denied");
            assertThat(Json.each(one.path("history"), "/state")).startsWith("proposed", "denied");
            assertThat(one.at("/history/1/reason").asText()).isEqualTo("no");
            assertError(INBOX, other().get(path), 404, "not_found");
        }

        @Test
        void isTheTenantsOwn() {
            Waiting waiting = waiting(ONE);

            assertThat(Json.each(other().get(INBOX + "?state=pending&limit=100").json().path("data"), "/conversationId"))
                    .doesNotContain(waiting.conversation());
            assertError(INBOX, other().get(INBOX + "?conversationId=" + waiting.conversation()), 404, "not_found");
        }

        @ParameterizedTest
        @CsvSource({ "state, open", "state, PENDING", "conversationId, a.b", "limit, 0", "limit, 101", "cursor, x" })
        void refusesWhatItDoesNotKnow(String name, String value) {
            assertInvalid(INBOX, relay().get(INBOX + "?" + name + "=" + value), name);
        }

        @Test
        void refusesAnIdThatIsNone() {
            assertInvalid(INBOX, relay().get(INBOX + "/x"), "id");
        }

        @Test
        void ofOneConversationIsAsInkeeps() {
            Waiting waiting = waiting(TWO);
            JsonNode pending = relay().get(CONVERSATIONS + "/" + waiting.conversation() + "/pending-approvals").json();

            assertThat(pending.path("hasPending").asBoolean()).isTrue();
            assertThat(pending.at("/approval/toolCallId").asText()).isEqualTo(waiting.call(0));
            assertThat(pending.at("/approval/toolName").asText()).isEqualTo("get_weather");
            assertThat(pending.at("/approval/args").toString()).isEqualTo("{\"city\":\"Paris\"}");
            assertThat(pending.at("/approval/isDelegated").asBoolean(true)).isFalse();
            assertThat(pending.at("/approval/updatedAt").asText()).isNotEmpty();
            assertThat(pending.path("approvals")).hasSize(2);

            String done = relay().send(CHAT, Json.ask("echo hi")).toEnd().conversation();
            assertThat(relay().get(CONVERSATIONS + "/" + done + "/pending-approvals").body())
                    .isEqualTo("{\"hasPending\":false}");
            assertError(CONVERSATIONS, other().get(CONVERSATIONS + "/" + done + "/pending-approvals"), 404, "not_found");
        }
    }

    @Test
    void aSendMeanwhileIsToldWhatWaitsAndHowToGoOn() {
        Waiting waiting = waiting(TWO);
        Relay.Answer refused = relay().post(CHAT, Json.ask(waiting.conversation(), "echo hi"));

        assertError(CHAT, refused, 409, "turn_running");
        assertThat(refused.json().at("/turn/state").asText()).isEqualTo("awaiting_approval");
        assertThat(Json.each(refused.json().path("approvals"), "/toolCallId")).containsExactly(waiting.call(0),
                waiting.call(1));
        assertThat(refused.json().path("detail").asText()).contains("POST /run/api/tool-approvals");
        assertThat(refused.header("x-should-retry")).isEqualTo("false");
    }

    private static void assertTextError(Relay.Answer answer, int status, String code) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(status);
        assertThat(answer.header("content-type")).startsWith("application/json");
        JsonNode body = answer.json();
        assertThat(body.path("code").asText()).isEqualTo(code);
        assertThat(body.path("error").asText()).isNotBlank().isEqualTo(body.path("message").asText());
        assertThat(body.path("details").isArray()).isTrue();
        assertThat(body.path("requestId").asText()).isNotBlank();
    }
}
