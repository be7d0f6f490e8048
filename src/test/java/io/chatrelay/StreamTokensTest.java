package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.quarkus.test.junit.QuarkusTest;

/** A reader that cannot send a key is given a token, which opens one stream and nothing else. */
@QuarkusTest
class StreamTokensTest extends ServiceTest {

    private static final String NO_BODY = "";

    private Relay stranger() {
        return relay().with("authorization", null);
    }

    private Relay.Answer ask(String conversation, Object body) {
        return relay().post(CONVERSATIONS + "/" + conversation + "/stream-tokens", body);
    }

    private JsonNode issue(String conversation, Object body) {
        Relay.Answer issued = ask(conversation, body);
        assertThat(issued.status()).as(issued.body()).isEqualTo(201);
        assertThat(issued.header("cache-control")).isEqualTo("no-store");
        return issued.json();
    }

    private static void assertRefused(String path, Relay.Answer refused) {
        assertError(path, refused, 401, "unauthorized");
        assertThat(refused.header("www-authenticate")).startsWith("Bearer");
    }

    private void assertUnknown(String path, Relay.Answer refused) {
        assertRefused(path, refused);
        assertThat(refused.json().path("detail").asText()).startsWith("token is not known, has expired, or is for another");
    }

    @Nested
    class Opens {

        @Test
        void theRunningTurnOfItsConversation() {
            Sse turn = relay().send(CHAT, Json.ask("slow 50")).until(2);
            JsonNode issued = issue(turn.conversation(), NO_BODY);

            Sse read = stranger().read(issued.path("url").asText()).toEnd();
            Sse onTheOtherPath = stranger()
                    .read(CHAT + "/" + turn.conversation() + "/stream?turn=" + turn.turn() + "&token="
                            + issued.path("token").asText())
                    .toEnd();

            assertThat(read.status()).isEqualTo(200);
            assertThat(read.numbered()).isEqualTo(turn.toEnd().numbered());
            assertThat(onTheOtherPath.numbered()).isEqualTo(turn.numbered());
        }

        @Test
        void aTokenOpensItsConversationsTurnsAsEventSourceReadsThem() {
            Sse turn = relay().send(CHAT, Json.ask("echo one two")).toEnd();
            String url = issue(turn.conversation(), NO_BODY).path("url").asText();
            Relay reader = stranger().with("accept", "text/event-stream");

            assertThat(reader.read(url + "&turn=" + turn.turn()).toEnd().numbered()).isEqualTo(turn.numbered());
            assertThat(reader.get(url).status()).as("nothing runs").isEqualTo(204);
        }

        @Test
        void aTokenOfATurnOpensThatTurnAlone() {
            Sse one = relay().send(CHAT, Json.ask("echo one")).toEnd();
            Sse two = relay().send(CHAT, Json.ask(one.conversation(), "echo two")).toEnd();
            JsonNode issued = issue(one.conversation(), Json.of("{'turnId':'%s'}".formatted(one.turn())));
            String url = issued.path("url").asText();
            String unnamed = CONVERSATIONS + "/" + one.conversation() + "/stream?token=" + issued.path("token").asText();

            assertThat(stranger().read(url).toEnd().numbered()).isEqualTo(one.numbered());
            assertThat(stranger().read(unnamed).toEnd().numbered()).as("its turn needs no name").isEqualTo(one.numbered());
            assertUnknown(CONVERSATIONS, stranger().get(unnamed + "&turn=" + two.turn()));
            assertThat(stranger().read(unnamed + "&after=1").toEnd().numbered())
                    .isEqualTo(one.numbered().subList(1, one.numbered().size()));
        }
    }

    /** As some ask before they read. */
    @Nested
    class OpensTheHead {

        private Relay.Answer head(String path) {
            Relay.Answer answer = stranger().answer("HEAD", path, BodyPublishers.noBody());
            assertThat(answer.body()).isEmpty();
            return answer;
        }

        @ParameterizedTest
        @ValueSource(strings = { CHAT, CONVERSATIONS })
        void aTokenOpensTheHeadOfItsStream(String path) {
            Sse turn = relay().send(CHAT, Json.ask("echo one two")).toEnd();
            String stream = path + "/" + turn.conversation() + "/stream?token="
                    + issue(turn.conversation(), NO_BODY).path("token").asText();

            Relay.Answer head = head(stream + "&turn=" + turn.turn());

            assertThat(head.status()).isEqualTo(200);
            assertThat(head.header("content-type")).startsWith("text/event-stream");
            assertThat(head.header("x-turn-id")).isEqualTo(turn.turn());
            assertThat(head.header("x-conversation-id")).isEqualTo(turn.conversation());
            assertThat(head(stream).status()).as("nothing runs").isEqualTo(204);
        }

        @Test
        void aTokenOpensNoOtherHead() {
            Sse turn = relay().send(CHAT, Json.ask("echo one")).toEnd();
            Sse another = relay().send(CHAT, Json.ask("echo two")).toEnd();
            String token = "?token=" + issue(turn.conversation(), NO_BODY).path("token").asText();
            String path = CONVERSATIONS + "/" + turn.conversation();

            for (String refused : List.of(path + token, path + "/messages" + token, CONVERSATIONS + token,
                    CONVERSATIONS + "/" + another.conversation() + "/stream" + token + "&turn=" + another.turn(),
                    path + "/stream?turn=" + turn.turn(), path + "/stream" + token + "x&turn=" + turn.turn())) {
                assertThat(head(refused).status()).as(refused).isEqualTo(401);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({ "POST, /run/api/chat", "POST, /run/v1/chat/completions", "POST, /run/api/tool-approvals",
            "GET, /run/v1/conversations", "GET, /run/v1/conversations/%s", "GET, /run/v1/conversations/%s/messages",
            "GET, /run/v1/conversations/%s/pending-approvals", "GET, /run/v1/tool-approvals", "GET, /run/v1/models",
            "PATCH, /run/v1/conversations/%s", "DELETE, /run/v1/conversations/%s", "POST, /run/v1/conversations/%s/cancel",
            "POST, /run/v1/conversations/%s/stream", "POST, /run/v1/conversations/%s/stream-tokens",
            "PUT, /run/api/chat/%s/stream", "GET, /run/v1/conversations/%s/stream/",
            "GET, /run/v1/conversations/x%%2F%s/stream" })
    void opensNothingElse(String method, String path) {
        Sse turn = relay().send(CHAT, Json.ask("echo one")).toEnd();
        String token = issue(turn.conversation(), NO_BODY).path("token").asText();
        String asked = path.formatted(turn.conversation());

        Relay.Answer refused = stranger().answer(method, asked + "?token=" + token, BodyPublishers.noBody());

        assertThat(refused.status()).as(refused.body()).isEqualTo(401);
        assertThat(refused.json().path("code").asText()).isEqualTo("unauthorized");
        assertThat(refused.body()).doesNotContain(token);
        assertThat(messages(turn.conversation())).hasSize(2);
    }

    @Test
    void opensNoOtherConversation() {
        String mine = relay().send(CHAT, Json.ask("echo one")).toEnd().conversation();
        Sse another = relay().send(CHAT, Json.ask("echo two")).toEnd();
        String token = issue(mine, NO_BODY).path("token").asText();
        String path = CONVERSATIONS + "/" + another.conversation() + "/stream?turn=" + another.turn() + "&token=" + token;

        Relay.Answer refused = stranger().get(path);

        assertUnknown(CONVERSATIONS, refused);
        assertThat(refused.body()).doesNotContain(token);
        assertThat(refused.json().path("instance").asText()).doesNotContain("token");
    }

    @Test
    void isNoKey() {
        String token = issue(relay().send(CHAT, Json.ask("echo one")).toEnd().conversation(), NO_BODY).path("token").asText();

        assertRefused(CONVERSATIONS, new Relay(base, token).get(CONVERSATIONS));
    }

    @Test
    void isForgottenWhenItExpires() {
        Sse turn = relay().send(CHAT, Json.ask("echo one")).toEnd();
        String url = issue(turn.conversation(), NO_BODY).path("url").asText() + "&turn=" + turn.turn();
        assertThat(stranger().get(url).status()).isEqualTo(200);

        execute("update stream_token set expires_at = clock_timestamp() - interval '1 millisecond' where conversation_id ="
                + " (select id from conversation where external_id = ?)", turn.conversation());

        assertUnknown(CONVERSATIONS, stranger().get(url));
        assertThat(relay().get(url).status()).as("a key needs no token").isEqualTo(200);
    }

    @Test
    void isWorthNothingOnceItsMakerHasNoKey() {
        Sse turn = relay().send(CHAT, Json.ask("echo one")).toEnd();
        String url = issue(turn.conversation(), NO_BODY).path("url").asText() + "&turn=" + turn.turn();

        execute("update stream_token set caller = 'gone' where conversation_id = (select id from conversation where external_id = ?)",
                turn.conversation());

        assertUnknown(CONVERSATIONS, stranger().get(url));
    }

    @Test
    void goesWithItsConversation() {
        Sse turn = relay().send(CHAT, Json.ask("echo one")).toEnd();
        String url = issue(turn.conversation(), Json.of("{'turnId':'%s'}".formatted(turn.turn()))).path("url").asText();

        assertThat(relay().delete(CONVERSATIONS + "/" + turn.conversation()).status()).isEqualTo(204);

        assertUnknown(CONVERSATIONS, stranger().get(url));
    }

    @Test
    void isStoredAsItsDigestForAsLongAsWasAsked() throws Exception {
        String conversation = relay().send(CHAT, Json.ask("echo one")).toEnd().conversation();
        JsonNode five = issue(conversation, NO_BODY);
        JsonNode sixty = issue(conversation, Json.of("{'expiresIn':3600}"));

        assertThat(
                query("select extract(epoch from date_trunc('minute', expires_at - clock_timestamp() + interval '30 seconds'))"
                        + "::int / 60 from stream_token where digest = decode(?, 'hex')", sha256(five)))
                .containsExactly("5");
        assertThat(
                query("select extract(epoch from date_trunc('minute', expires_at - clock_timestamp() + interval '30 seconds'))"
                        + "::int / 60 from stream_token where digest = decode(?, 'hex')", sha256(sixty)))
                .containsExactly("60");
        assertThat(query("select s::text from stream_token s").toString()).doesNotContain(five.path("token").asText());
    }

    private static String sha256(JsonNode issued) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256")
                .digest(issued.path("token").asText().getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void removesWhatHasExpiredSomeAtATime() {
        String conversation = relay().send(CHAT, Json.ask("echo one")).toEnd().conversation();
        String expired = "select count(*) from stream_token where expires_at < clock_timestamp()";
        execute("delete from stream_token where expires_at < clock_timestamp()");
        execute("insert into stream_token select sha256(i::text::bytea), 'dev', 'dev', c.id, null, now() - interval '1 day'"
                + " from conversation c, generate_series(1, 150) i where c.external_id = ?", conversation);

        issue(conversation, NO_BODY);
        assertThat(query(expired)).containsExactly("50");
        issue(conversation, NO_BODY);
        assertThat(query(expired)).containsExactly("0");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = { "{'expiresIn':0} | expiresIn", "{'expiresIn':3601} | expiresIn",
            "{'expiresIn':'60'} | expiresIn", "{'expiresIn':1.5} | expiresIn", "{'turnId':'mine'} | turnId",
            "{'turnId':7} | turnId", "{'turn':'x'} | turn", "[] | body" })
    void isNotMadeOfWhatIsWrong(String body, String field) {
        String conversation = relay().send(CHAT, Json.ask("echo one")).toEnd().conversation();

        assertInvalid(CONVERSATIONS, ask(conversation, body.replace('\'', '"')), field);
    }

    @Test
    void isMadeForWhatIsThereAndTheCallersOwn() {
        Sse mine = relay().send(CHAT, Json.ask("echo one")).toEnd();
        Sse another = relay().send(CHAT, Json.ask("echo two")).toEnd();
        String turn = "{'turnId':'%s'}";

        assertError(CONVERSATIONS, ask(newId(), NO_BODY), 404, "not_found");
        assertError(CONVERSATIONS, other().post(CONVERSATIONS + "/" + mine.conversation() + "/stream-tokens", NO_BODY), 404,
                "not_found");
        Relay.Answer refused = ask(mine.conversation(), Json.of(turn.formatted(another.turn())));
        assertError(CONVERSATIONS, refused, 404, "not_found");
        assertThat(refused.json().path("field").asText()).isEqualTo("turnId");
        assertThat(query("select count(*) from stream_token t join conversation c on c.id = t.conversation_id"
                + " where c.external_id = ?", mine.conversation())).containsExactly("0");
    }

    @Test
    void isInNoMetric() {
        Sse turn = relay().send(CHAT, Json.ask("echo one")).toEnd();
        JsonNode issued = issue(turn.conversation(), NO_BODY);
        stranger().get(issued.path("url").asText() + "&turn=" + turn.turn());
        stranger().get(COMPLETIONS + "?token=" + issued.path("token").asText());

        assertThat(stranger().get("/q/metrics").body()).contains("http_server_requests")
                .doesNotContain(issued.path("token").asText()).doesNotContain("token=");
    }
}
