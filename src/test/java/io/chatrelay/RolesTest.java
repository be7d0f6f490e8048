package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpRequest.BodyPublishers;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.quarkus.test.junit.QuarkusTest;

/** What a caller may do: callers of one tenant, each with the roles of its key. */
@QuarkusTest
class RolesTest extends ApprovalsTest {

    private static final String MISSING = "This needs the role %s, which this caller does not have. An operator gives it to a key's"
            + " caller by chat-relay.access.keys.<caller>.roles; a token of the issuer has it in the claim that"
            + " chat-relay.access.oidc.roles-claim names.";

    private Relay with(String role) {
        return new Relay(base, role + "-key");
    }

    /** An error in the format of its path. */
    private static void assertRefused(String path, Relay.Answer refused, int status, String code) {
        if (path.equals(DECIDE)) {
            assertThat(refused.status()).as(refused.body()).isEqualTo(status);
            assertThat(refused.header("content-type")).startsWith("application/json");
            assertThat(refused.json().path("code").asText()).isEqualTo(code);
            assertThat(refused.json().path("error").asText()).isEqualTo(refused.json().path("message").asText());
            assertThat(refused.json().path("requestId").asText()).isNotBlank();
        } else {
            assertError(path, refused, status, code);
        }
    }

    private static void assertMissing(String path, Relay.Answer refused, String role) {
        assertRefused(path, refused, 403, "forbidden");
        assertThat(refused.json().path("detail").asText()).isEqualTo(MISSING.formatted(role));
        assertThat(refused.header("www-authenticate")).isEmpty();
    }

    /** Status of the answer for each caller: a role that is missing is a 403, and any other status is the call's own answer. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "POST   | /run/api/chat                              | chat            | {'conversationId':'%s','messages':[{'role':'user','content':'echo hi'}],'stream':false} | 200",
            "POST   | /run/v1/chat/completions                   | chat            | {'conversationId':'%s','messages':[{'role':'user','content':'echo hi'}]} | 200",
            "GET    | /run/v1/models                             | chat            | | 200",
            "GET    | /run/v1/models/cloud                       | chat            | | 200",
            "GET    | /run/v1/conversations                      | chat            | | 200",
            "GET    | /run/v1/conversations/%s                   | chat            | | 200",
            "GET    | /run/v1/conversations/%s/messages          | chat            | | 200",
            "GET    | /run/v1/conversations/%s/stream            | chat            | | 204",
            "GET    | /run/api/chat/%s/stream                    | chat            | | 204",
            "POST   | /run/v1/conversations/%s/cancel            | chat            | {} | 409",
            "POST   | /run/v1/conversations/%s/stream-tokens     | chat            | {} | 201",
            "PATCH  | /run/v1/conversations/%s                   | chat            | {'title':'one'} | 200",
            "DELETE | /run/v1/conversations/%s                   | chat or operate | | 204",
            "GET    | /run/v1/conversations/%s/pending-approvals | chat or approve | | 200",
            "GET    | /run/v1/tool-approvals                     | chat or approve | | 200",
            "GET    | /run/v1/tool-approvals/0198c0de-0000-7000-8000-000000000000 | chat or approve | | 404",
            "POST   | /run/api/tool-approvals                    | approve         | {'conversationId':'%s','toolCallId':'none','approved':true} | 404" })
    void areNeeded(String method, String template, String roles, String body, int own) {
        for (String role : List.of("chat", "approve", "operate")) {
            String conversation = relay().send(CHAT, Json.ask(newId(), "echo one")).toEnd().conversation();
            String path = template.formatted(conversation);
            Relay.Answer answer = answer(with(role), method, path, body, conversation);
            if (List.of(roles.split(" or ")).contains(role)) {
                assertThat(answer.status()).as("%s: %s", role, answer.body()).isEqualTo(own);
            } else {
                assertMissing(path, answer, roles);
            }
        }
        Map<String, Relay> strangers = new LinkedHashMap<>();
        strangers.put("no key", relay().with("authorization", null));
        strangers.put("a key that is not known", new Relay(base, "no-such-key"));
        strangers.forEach((who, stranger) -> {
            Relay.Answer refused = answer(stranger, method, template.formatted("x"), body, "x");
            assertRefused(template, refused, 401, "unauthorized");
            assertThat(refused.header("www-authenticate")).as(who).isEqualTo("Bearer realm=\"chat-relay\"");
        });
    }

    private static Relay.Answer answer(Relay caller, String method, String path, String body, String conversation) {
        return body == null ? caller.answer(method, path, BodyPublishers.noBody())
                : caller.with("content-type", "application/json").answer(method, path,
                        BodyPublishers.ofString(body.formatted(conversation).replace('\'', '"')));
    }

    @ParameterizedTest
    @ValueSource(strings = { CHAT, COMPLETIONS })
    void areCheckedBeforeTheBodyIsReadAndAnythingIsStored(String path) {
        String conversation = newId();
        String text = "echo " + mark();

        assertMissing(path, with("approve").post(path, "{"), "chat");
        assertMissing(path, with("operate").post(path, Json.ask(conversation, text)), "chat");

        assertThat(query("select count(*) from conversation where external_id = ?", conversation)).containsExactly("0");
        assertThat(emulator().asked(text)).isEmpty();
    }

    @Test
    void ofACallerWithoutThemInItsConfigurationAreChatAndApprove() {
        Waiting waiting = waiting(ONE);

        assertThat(relay().post(DECIDE, waiting.decision(0, true)).status()).isEqualTo(200);
    }

    @Test
    void ofATokenAreThoseOfItsCreator() {
        Sse turn = relay().send(CHAT, Json.ask("echo one")).toEnd();
        String url = relay().post(CONVERSATIONS + "/" + turn.conversation() + "/stream-tokens", "").json().path("url").asText()
                + "&turn=" + turn.turn();
        Relay reader = relay().with("authorization", null);
        assertThat(reader.get(url).status()).isEqualTo(200);

        execute("update stream_token set caller = 'approver' where conversation_id = (select id from conversation where external_id = ?)",
                turn.conversation());

        assertError(CONVERSATIONS, reader.get(url), 401, "unauthorized");
    }

    @Nested
    class ADecision {

        private List<String> recorded(Waiting waiting) {
            return query("select concat_ws(' ', a.state, a.decided_by) from tool_approval a join conversation c"
                    + " on c.id = a.conversation_id where c.external_id = ? order by a.id", waiting.conversation());
        }

        /** The message as {@code useChat} sends it with an answer in it. */
        private ObjectNode message(Waiting waiting, boolean approved) {
            return Json.of("{'trigger':'submit-message','messages':[{'role':'assistant','parts':[{'type':'tool-delete_file',"
                    + "'toolCallId':'%s','state':'approval-responded','approval':{'id':'a','approved':%s}}]}]}"
                            .formatted(waiting.call(0), approved))
                    .put("id", waiting.conversation()).put("stream", false);
        }

        @Test
        void needsItsRoleByBothDoorsAndIsNotStoredWithoutIt() {
            Waiting waiting = waiting(ONE);

            assertMissing(DECIDE, with("chat").post(DECIDE, waiting.decision(0, true)), "approve");
            assertMissing(CHAT, with("chat").post(CHAT, message(waiting, true)), "approve");
            assertMissing(DECIDE, with("operate").post(DECIDE, waiting.decision(0, true)), "approve");
            assertMissing(CHAT, with("approve").post(CHAT, message(waiting, true)), "chat");

            assertThat(recorded(waiting)).containsExactly("pending");
            assertThat(messages(waiting.conversation())).hasSize(1);
        }

        @Test
        void isOfTheCallerWhoseKeyWasSentWhateverItsBodySays() {
            Waiting waiting = waiting(ONE);

            Relay.Answer decided = with("approve").post(DECIDE, waiting.decision(0, false).put("user", "chatter"));

            assertThat(decided.status()).as(decided.body()).isEqualTo(200);
            assertThat(recorded(waiting)).containsExactly("denied approver");
        }

        @Test
        void mayBePartOfAMessageOfACallerWithBothRoles() {
            Waiting waiting = waiting(ONE);

            Relay.Answer decided = relay().post(CHAT, message(waiting, false));

            assertThat(decided.status()).as(decided.body()).isEqualTo(200);
            assertThat(recorded(waiting)).containsExactly("denied dev");
        }

        @Test
        void isShownToACallerThatMayDecideAndNotRead() {
            Waiting waiting = waiting(ONE);
            String inbox = INBOX + "?conversationId=" + waiting.conversation();

            assertThat(Json.each(with("approve").get(inbox).json().path("data"), "/toolCallId"))
                    .containsExactly(waiting.call(0));
        }
    }

    @Nested
    class TwoKeys {

        @Test
        void areOneCallerWhileTheyRotate() {
            ObjectNode question = Json.ask(newId(), "echo one");
            String key = newId();

            Sse before = with("chat").with("idempotency-key", key).send(CHAT, question).toEnd();
            Sse after = new Relay(base, "chat-key-2").with("idempotency-key", key).send(CHAT, question).toEnd();

            assertThat(before.status()).isEqualTo(200);
            assertThat(after.turn()).isEqualTo(before.turn());
            assertThat(new Relay(base, "chat-key-3").get(CONVERSATIONS).status()).isEqualTo(401);
        }
    }
}
