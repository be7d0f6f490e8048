package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.jose4j.jwt.JwtClaims;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.chatrelay.support.access.TestIssuer;
import io.chatrelay.support.access.TestIssuer.Algorithm;
import io.quarkus.test.junit.QuarkusTest;

/** Callers with a token of the company's issuer, beside those with keys. */
@QuarkusTest
class IssuerTokensTest extends ApprovalsTest {

    private static final String CHALLENGE = "Bearer realm=\"chat-relay\", error=\"invalid_token\"";

    private final TestIssuer issuer = TestIssuer.INSTANCE;

    private JwtClaims claims(String tenant, String... roles) {
        return issuer.claims("shop", tenant, roles);
    }

    private Relay with(String token) {
        return new Relay(base, token);
    }

    /** A caller of the tenant {@code dev}, which has keys, too. */
    private Relay shop(String... roles) {
        return with(issuer.sign(Algorithm.RS256, claims("dev", roles)));
    }

    private static void assertRefused(Relay stranger, String says) {
        for (String path : List.of(CONVERSATIONS, CHAT, COMPLETIONS)) {
            Relay.Answer refused = path.equals(CONVERSATIONS) ? stranger.get(path) : stranger.post(path, Json.ask("echo one"));
            assertError(path, refused, 401, "unauthorized");
            assertThat(refused.header("www-authenticate")).isEqualTo(CHALLENGE);
            assertThat(refused.json().path("detail").asText()).contains(says);
        }
    }

    @ParameterizedTest
    @EnumSource(Algorithm.class)
    void chatsAsItsClaimsSay(Algorithm algorithm) {
        Relay caller = with(issuer.sign(algorithm, claims("dev", "chat", "a-role-of-another-service")));

        Sse turn = caller.send(CHAT, Json.ask(newId(), "echo one")).toEnd();

        assertThat(turn.status()).isEqualTo(200);
        assertThat(turn.done()).isTrue();
        assertThat(query("select concat_ws(' ', tenant, caller) from turn where id = ?::uuid", turn.turn()))
                .containsExactly("dev shop");
    }

    @Test
    void mayBeOpaque() {
        String token = issuer.opaque(claims("dev", "chat"));

        assertThat(with(token).get(CONVERSATIONS).status()).isEqualTo(200);
        assertThat(issuer.introspected()).contains(token).doesNotContain("dev-key", "other-key");
        assertError(CONVERSATIONS, with("opaque-and-not-known").get(CONVERSATIONS), 401, "unauthorized");
    }

    @Test
    void namesItsTenantAndSeesNoOther() {
        Relay mine = shop("chat", "approve");
        Relay foreign = with(issuer.sign(Algorithm.ES256, claims("elsewhere", "chat", "approve", "operate")));
        Waiting waiting = waiting(ONE);
        String path = CONVERSATIONS + "/" + waiting.conversation();

        assertThat(mine.get(path).status()).as("a key of the same tenant began it").isEqualTo(200);
        for (String suffix : List.of("", "/messages", "/stream", "/pending-approvals")) {
            assertError(path, foreign.get(path + suffix), 404, "not_found");
        }
        assertThat(foreign.post(DECIDE, waiting.decision(0, true)).status()).isEqualTo(404);
        assertError(path, foreign.delete(path), 404, "not_found");
        assertThat(Json.each(foreign.get(INBOX).json().path("data"), "/id")).isEmpty();
        String theirs = foreign.send(CHAT, Json.ask(newId(), "echo one")).toEnd().conversation();
        assertError(path, relay().get(CONVERSATIONS + "/" + theirs), 404, "not_found");
        assertThat(mine.post(DECIDE, waiting.decision(0, false)).status()).isEqualTo(200);
    }

    @Test
    void hasTheRolesOfItsClaimAndNoOther() {
        Waiting waiting = waiting(ONE);

        assertError(CHAT, shop("approve").post(CHAT, Json.ask("echo one")), 403, "forbidden");
        assertThat(shop("chat").post(DECIDE, waiting.decision(0, true)).status()).isEqualTo(403);
        Relay.Answer refused = shop().get(CONVERSATIONS);
        assertError(CONVERSATIONS, refused, 403, "forbidden");
        assertThat(refused.json().path("detail").asText()).as("a caller without a key").contains("the role chat,",
                "chat-relay.access.oidc.roles-claim").doesNotContain("your key");
        assertThat(shop("approve").post(DECIDE, waiting.decision(0, false)).status()).isEqualTo(200);
        assertThat(query("select decided_by from tool_approval a join conversation c on c.id = a.conversation_id"
                + " where c.external_id = ?", waiting.conversation())).containsExactly("shop");
    }

    @Test
    void opensItsStreamByAStreamToken() {
        Relay caller = shop("chat");
        Sse turn = caller.send(CHAT, Json.ask(newId(), "echo one")).toEnd();

        String url = caller.post(CONVERSATIONS + "/" + turn.conversation() + "/stream-tokens", "").json().path("url").asText();

        assertThat(relay().with("authorization", null).get(url + "&turn=" + turn.turn()).status()).isEqualTo(200);
    }

    @Nested
    class IsRefused {

        @ParameterizedTest
        @EnumSource(Algorithm.class)
        void whereItIsNotGood(Algorithm algorithm) {
            Map<String, String> tokens = new LinkedHashMap<>();
            JwtClaims expired = claims("dev", "chat");
            TestIssuer.expire(expired);
            tokens.put("expired", issuer.sign(algorithm, expired));
            JwtClaims elsewhere = claims("dev", "chat");
            elsewhere.setIssuer("https://another.example");
            tokens.put("of another issuer", issuer.sign(algorithm, elsewhere));
            JwtClaims other = claims("dev", "chat");
            other.setAudience("another-service");
            tokens.put("for another service", issuer.sign(algorithm, other));
            tokens.put("with a bad signature", issuer.forge(algorithm, claims("dev", "chat")));
            String good = issuer.sign(algorithm, claims("dev", "chat"));
            tokens.put("cut", good.substring(0, good.length() - 8));
            tokens.put("without a signature", "eyJhbGciOiJub25lIn0." + good.split("[.]")[1] + ".");

            tokens.forEach((why, token) -> assertRefused(with(token), "The token was not accepted."));
            assertThat(with(good).get(CONVERSATIONS).status()).isEqualTo(200);
        }

        @Test
        void whereItDoesNotNameATenantOrACaller() {
            JwtClaims without = claims("dev", "chat");
            without.unsetClaim("tenant");
            JwtClaims blank = claims(" ", "chat");
            JwtClaims number = claims("dev", "chat");
            number.setClaim("tenant", 7);
            JwtClaims nameless = claims("dev", "chat");
            nameless.unsetClaim("client_id");

            for (JwtClaims claims : List.of(without, blank, number)) {
                assertRefused(with(issuer.sign(Algorithm.RS256, claims)), "chat-relay.access.oidc.tenant-claim");
            }
            assertRefused(with(issuer.sign(Algorithm.RS256, nameless)), "chat-relay.access.oidc.caller-claims");
        }
    }

    @Nested
    class ItsIssuer {

        @Test
        void changesItsKeysInFlight() {
            String before = issuer.sign(Algorithm.RS256, claims("dev", "chat"));
            assertThat(with(before).get(CONVERSATIONS).status()).isEqualTo(200);

            issuer.rotate();

            for (Algorithm algorithm : Algorithm.values()) {
                assertThat(with(issuer.sign(algorithm, claims("dev", "chat"))).get(CONVERSATIONS).status()).isEqualTo(200);
            }
            assertRefused(with(before), "The token was not accepted.");
        }

        @Test
        void mayBeAwayAndKeysWorkOn() {
            String known = issuer.sign(Algorithm.RS256, claims("dev", "chat"));
            assertThat(with(known).get(CONVERSATIONS).status()).isEqualTo(200);
            String opaque = issuer.opaque(claims("dev", "chat"));
            issuer.away(true);
            try {
                Relay.Answer refused = with(opaque).get(CONVERSATIONS);
                assertError(CONVERSATIONS, refused, 503, "service_unavailable");
                assertThat(refused.header("retry-after")).isEqualTo("5");
                assertThat(refused.json().path("detail").asText()).contains("The issuer of the token cannot be reached");
                assertThat(relay().get(CONVERSATIONS).status()).isEqualTo(200);
                assertThat(with(known).get(CONVERSATIONS).status()).as("its keys are known").isEqualTo(200);

                issuer.rotate();
                String unknown = issuer.sign(Algorithm.ES256, claims("dev", "chat"));
                assertError(CONVERSATIONS, with(unknown).get(CONVERSATIONS), 503, "service_unavailable");
            } finally {
                issuer.away(false);
            }
            assertThat(with(opaque).get(CONVERSATIONS).status()).isEqualTo(200);
        }
    }
}
