package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static io.chatrelay.support.inkeep.TestUpstreams.GUARDED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.List;
import java.util.Map;

import org.jose4j.jwt.JwtClaims;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.chatrelay.support.access.TestIssuer;
import io.chatrelay.support.access.TestIssuer.Algorithm;
import io.quarkus.test.junit.QuarkusTest;

/** What an end user sees and decides, whom a token or a request names. */
@QuarkusTest
class EndUsersTest extends ApprovalsTest {

    /** A caller with a token that names an end user; null for one that names none. */
    private Relay of(String endUser) {
        JwtClaims claims = TestIssuer.INSTANCE.claims("web", "dev", "chat", "approve", "operate");
        if (endUser != null) {
            claims.setClaim("act", Map.of("sub", endUser));
        }
        return new Relay(base, TestIssuer.INSTANCE.sign(Algorithm.RS256, claims));
    }

    /** An end user that no other test has. */
    private static String newUser() {
        return "user-" + newId();
    }

    private static List<String> ids(Relay caller, String list) {
        return Json.each(caller.get(list).json().path("data"), "/id");
    }

    @Nested
    class OfATokenThatNamesThem {

        @Test
        void seeWhatIsTheirsAndNothingElse() {
            String ann = newUser();
            Sse turn = of(ann).send(CHAT, Json.ask(newId(), "echo one")).toEnd();
            String path = CONVERSATIONS + "/" + turn.conversation();
            String url = of(ann).post(path + "/stream-tokens", "").json().path("url").asText();
            Relay bob = of(newUser());

            for (String suffix : List.of("", "/messages", "/stream", "/stream?turn=" + turn.turn(), "/pending-approvals")) {
                assertError(path, bob.get(path + suffix), 404, "not_found");
            }
            assertError(path, bob.patch(path, Json.of("{'title':'mine'}")), 404, "not_found");
            assertError(path, bob.post(path + "/cancel", "{}"), 404, "not_found");
            assertError(path, bob.post(path + "/stream-tokens", ""), 404, "not_found");
            assertError(path, bob.delete(path), 404, "not_found");
            assertThat(bob.get(CHAT + "/" + turn.conversation() + "/stream").status()).isEqualTo(204);
            assertThat(ids(bob, CONVERSATIONS)).isEmpty();

            assertThat(ids(of(ann), CONVERSATIONS)).containsExactly(turn.conversation());
            assertThat(of(ann).get(path).json().path("user").asText()).isEqualTo(ann);
            assertThat(of(ann).get(path + "/stream?turn=" + turn.turn()).status()).isEqualTo(200);
            assertThat(relay().with("authorization", null).get(url + "&turn=" + turn.turn()).status()).isEqualTo(200);
            assertThat(of(null).get(path).status()).as("a token without an end user, of the same tenant").isEqualTo(200);
            assertThat(relay().get(path).status()).as("a key of the same tenant").isEqualTo(200);
            assertThat(of(ann).delete(path).status()).isEqualTo(204);
        }

        @Test
        void doNotContinueWhatIsAnothersAndNothingIsStored() {
            String ann = newUser();
            String conversation = of(ann).send(CHAT, Json.ask(newId(), "echo one")).toEnd().conversation();
            String mark = mark();
            Relay bob = of(newUser());

            assertError(CHAT, bob.post(CHAT, Json.ask(conversation, "echo " + mark)), 404, "not_found");
            assertError(COMPLETIONS, bob.post(COMPLETIONS, Json.ask(conversation, "echo " + mark)), 404, "not_found");

            assertThat(emulator().asked(mark)).isEmpty();
            assertThat(messages(conversation)).hasSize(2);
            assertThat(of(ann).send(CHAT, Json.ask(conversation, "echo two")).toEnd().done()).isTrue();
            assertThat(messages(conversation)).hasSize(4);
        }

        @Test
        void haveIdempotencyKeysOfTheirOwn() {
            String key = newId();
            ObjectNode question = Json.of("{'messages':[{'role':'user','content':'echo one'}]}");
            String ann = newUser();

            Sse hers = of(ann).with("idempotency-key", key).send(CHAT, question).toEnd();
            Sse again = of(ann).with("idempotency-key", key).send(CHAT, question).toEnd();
            Sse his = of(newUser()).with("idempotency-key", key).send(CHAT, question).toEnd();

            assertThat(again.turn()).isEqualTo(hers.turn());
            assertThat(his.status()).isEqualTo(200);
            assertThat(his.turn()).isNotEqualTo(hers.turn());
        }

        @Test
        void areNotReplacedByWhatABodySays() {
            String ann = newUser();

            assertInvalid(CHAT, of(ann).post(CHAT, Json.ask(newId(), "echo one").put("user", "bob")), "user");
            Sse turn = of(ann).send(CHAT, Json.ask(newId(), "echo one").put("user", ann)).toEnd();

            assertThat(turn.status()).isEqualTo(200);
        }

        @Test
        void seeAndDecideTheirOwnApprovalsOnly() {
            String ann = newUser();
            Waiting waiting = waiting(of(ann), "agents", "use tool delete_file", null);
            Relay bob = of(newUser());
            String id = waiting.approvals().getFirst().path("id").asText();

            assertThat(ids(bob, INBOX)).isEmpty();
            assertThat(bob.get(INBOX + "/" + id).status()).isEqualTo(404);
            assertThat(bob.get(INBOX + "?conversationId=" + waiting.conversation()).status()).isEqualTo(404);
            assertThat(bob.post(DECIDE, waiting.decision(0, true)).status()).isEqualTo(404);
            assertThat(bob.post(CHAT, message(waiting, true)).status()).isEqualTo(404);

            assertThat(ids(of(ann), INBOX)).containsExactly(id);
            assertThat(of(ann).get(INBOX + "/" + id).status()).isEqualTo(200);
            assertThat(of(ann).post(DECIDE, waiting.decision(0, false)).status()).isEqualTo(200);
            assertThat(recorded(waiting)).containsExactly("denied web " + ann);
        }
    }

    /** A turn of an upstream that waits for an approval. */
    private Waiting waiting(Relay caller, String upstream, String text, String user) {
        String conversation = newId();
        ObjectNode question = Json.ask(conversation, text).put("model", upstream).put("stream", false);
        if (user != null) {
            question.put("user", user);
        }
        Relay.Answer answer = caller.post(CHAT, question);
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        await().until(() -> waitingIn(conversation).approvals().size() == 1);
        return waitingIn(conversation);
    }

    private List<String> recorded(Waiting waiting) {
        return query("select concat_ws(' ', a.state, a.decided_by, a.decided_for) from tool_approval a join conversation c"
                + " on c.id = a.conversation_id where c.external_id = ?", waiting.conversation());
    }

    /** The message as {@code useChat} sends it with an answer in it. */
    private static ObjectNode message(Waiting waiting, boolean approved) {
        return Json.of("{'messages':[{'role':'assistant','parts':[{'type':'dynamic-tool','toolName':'any',"
                + "'toolCallId':'%s','state':'approval-responded','approval':{'id':'a','approved':%s}}]}]}"
                        .formatted(waiting.call(0), approved))
                .put("id", waiting.conversation()).put("stream", false);
    }

    @Nested
    class OfACallerThatActsForNone {

        private static final String SETTING = "chat-relay.access.keys.alone.end-users";

        private final Relay alone = new Relay(base, "alone-key");

        private void assertRefused(Relay.Answer refused) {
            assertThat(refused.status()).as(refused.body()).isEqualTo(403);
            assertThat(refused.json().path("code").asText()).isEqualTo("forbidden");
            assertThat(refused.json().path("field").asText()).isEqualTo("user");
            assertThat(refused.json().path("detail").asText())
                    .isEqualTo("user cannot be named by this caller, which acts for no end"
                            + " user: leave it out, or have an operator set " + SETTING);
        }

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void areNotNamedInAMessageOfWhichNothingIsStored(String path) {
            String conversation = newId();
            String mark = mark();

            Relay.Answer refused = alone.post(path, Json.ask(conversation, "echo " + mark).put("user", "ann"));

            assertError(path, refused, 403, "forbidden");
            assertRefused(refused);
            assertThat(query("select id from conversation where external_id = ?", conversation)).isEmpty();
            assertThat(emulator().asked(mark)).isEmpty();
            assertThat(alone.post(path, Json.ask(conversation, "echo " + mark).put("stream", false)).status()).isEqualTo(200);
        }

        @Test
        void areNotNamedInADecision() {
            Waiting waiting = waiting(relay(), GUARDED, "use tool delete_file", "ann");

            assertRefused(alone.post(DECIDE, waiting.decision(0, true).put("user", "ann")));
            assertRefused(alone.post(CHAT, message(waiting, true).put("user", "ann")));

            assertThat(recorded(waiting)).containsExactly("pending");
            assertThat(relay().post(DECIDE, waiting.decision(0, false).put("user", "ann")).status()).isEqualTo(200);
        }
    }

    @Nested
    class WhoMayDecide {

        /** Who asked, by which caller and for which end user; and who decides. */
        @ParameterizedTest
        @CsvSource(nullValues = "-", value = {
                // Only the end user who asked.
                "delete_file, dev-key,     ann, dev-key,     ann, true",
                "delete_file, dev-key,     ann, approve-key, ann, true",
                "delete_file, dev-key,     ann, dev-key,     bob, false",
                "delete_file, dev-key,     ann, dev-key,     -,   false",
                "delete_file, dev-key,     ann, approve-key, -,   false",
                "delete_file, dev-key,     -,   dev-key,     -,   true",
                "delete_file, dev-key,     -,   dev-key,     ann, false",
                "delete_file, dev-key,     -,   approve-key, -,   false",
                // Only another person.
                "get_weather, dev-key,     ann, dev-key,     bob, true",
                "get_weather, dev-key,     ann, approve-key, bob, true",
                "get_weather, dev-key,     ann, dev-key,     ann, false",
                "get_weather, dev-key,     ann, approve-key, ann, false",
                "get_weather, dev-key,     ann, dev-key,     -,   false",
                "get_weather, dev-key,     ann, approve-key, -,   true",
                "get_weather, dev-key,     -,   dev-key,     bob, false",
                "get_weather, dev-key,     -,   approve-key, -,   true" })
        void isASettingOfTheToolAndCheckedByBothDoors(String tool, String asking, String asked, String deciding, String decider,
                boolean may) {
            Waiting waiting = waiting(new Relay(base, asking), GUARDED, "use tool " + tool, asked);
            ObjectNode decision = waiting.decision(0, false);
            ObjectNode message = message(waiting, false);
            if (decider != null) {
                decision.put("user", decider);
                message.put("user", decider);
            }

            if (deciding.equals("dev-key") && !may) {
                Relay.Answer refused = new Relay(base, deciding).post(CHAT, message);
                assertError(CHAT, refused, 403, "decider_refused");
            }
            Relay.Answer answer = new Relay(base, deciding).post(DECIDE, decision);

            if (may) {
                assertThat(answer.status()).as(answer.body()).isEqualTo(200);
                assertThat(recorded(waiting)).containsExactly("denied " + (deciding.equals("dev-key") ? "dev" : "approver")
                        + (decider == null ? "" : " " + decider));
            } else {
                assertThat(answer.status()).as(answer.body()).isEqualTo(403);
                assertThat(answer.json().path("code").asText()).isEqualTo("decider_refused");
                assertThat(recorded(waiting)).containsExactly("pending");
            }
        }

        @Test
        void countsOfEachTurnWhereSeveralWriteInOneConversation() {
            String conversation = newId();
            relay().send(CHAT, Json.ask(conversation, "echo one").put("model", GUARDED).put("user", "ann")).toEnd();
            relay().post(CHAT, Json.ask(conversation, "use tool delete_file").put("model", GUARDED).put("user", "bob")
                    .put("stream", false));
            Waiting waiting = waitingIn(conversation);

            assertThat(relay().post(DECIDE, waiting.decision(0, false).put("user", "ann")).status()).isEqualTo(403);
            assertThat(relay().post(DECIDE, waiting.decision(0, false).put("user", "bob")).status()).isEqualTo(200);
        }
    }
}
