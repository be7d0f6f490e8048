package io.chatrelay.it;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.dev.InkeepEmulator;
import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.chatrelay.support.clients.Installed;
import io.chatrelay.support.it.Nginx;
import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.TestPostgres;

/** The packaged service behind an nginx that is configured as the documentation says. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@Order(13)
class ProxyIT {

    private static final String HEARTBEAT = "400ms";
    private static final String BUFFERING = "proxy_buffering off;";
    /** More than nginx lets through by itself. */
    private static final String LARGE = "x".repeat(1_500_000);

    private static InkeepEmulator inkeep;
    private static RelayProcess service;
    private static Nginx nginx;

    @BeforeAll
    static void start() throws IOException {
        Installed.NGINX.require();
        inkeep = new InkeepEmulator(RelayClient.VERTX).listen(0);
        service = RelayProcess.on(TestPostgres.fresh(), inkeep).with("chat-relay.api.heartbeat", HEARTBEAT)
                .with("chat-relay.default-upstream", "agents").with("quarkus.http.access-log.enabled", true).start();
        nginx = Nginx.before(service.api(), Map.of());
    }

    @AfterAll
    static void stop() {
        Stream.of(nginx, service, inkeep).filter(Objects::nonNull).forEach(ProxyIT::close);
    }

    private static void close(AutoCloseable open) {
        try {
            open.close();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private static Relay caller() {
        return new Relay(nginx.address(), RelayClient.KEY);
    }

    private static void approve(Relay caller, Sse waiting) {
        JsonNode asked = waiting.events().stream().filter(event -> event.type().equals("tool-approval-request")).findFirst()
                .orElseThrow().json();
        Relay.Answer decided = caller.post("/run/api/tool-approvals",
                Json.of("{'conversationId':'%s','toolCallId':'%s','approved':true}".formatted(waiting.conversation(),
                        asked.path("toolCallId").asText())));
        assertThat(decided.status()).as(decided.body()).isEqualTo(200);
    }

    /** The turn cannot go on before what came is seen: whatever holds it back ends the test. */
    @ParameterizedTest
    @ValueSource(strings = { BUFFERING, "proxy_buffering on;" })
    void passesEachEventAsItComes(String buffering) throws IOException {
        try (Nginx proxy = Nginx.before(service.api(), Map.of(BUFFERING, buffering))) {
            Relay caller = new Relay(proxy.address(), RelayClient.KEY);
            Sse stream = caller.send(CHAT, Json.ask("use tool delete_file")).untilAsked(1);

            approve(caller, stream);

            assertThat(stream.toEnd().done()).isTrue();
        }
    }

    /**
     * Heartbeats and time-out are both shorter than in production, and in the same order. The turn begins without nginx, which would cut
     * it where the first event takes longer than this time-out; the reader's answer is stored, and comes at once.
     */
    @Test
    void isKeptOpenByHeartbeats() throws IOException {
        try (Nginx proxy = Nginx.before(service.api(), Map.of("proxy_read_timeout 1h;", "proxy_read_timeout 6s;"))) {
            Relay caller = new Relay(proxy.address(), RelayClient.KEY);
            Sse turn = new Relay(service.api(), RelayClient.KEY).send(CHAT, Json.ask("use tool delete_file")).untilAsked(1);
            Sse stream = caller.read("%s/%s/stream".formatted(CONVERSATIONS, turn.conversation())).untilAsked(1);

            // In all longer than nginx waits.
            int before = stream.comments().size();
            Awaitility.await("heartbeats").atMost(Duration.ofSeconds(60))
                    .until(() -> stream.over() || stream.comments().size() >= before + 18);
            assertThat(stream.over()).isFalse();

            approve(caller, stream);
            assertThat(stream.toEnd().done()).isTrue();
        }
    }

    @Test
    void letsALargeBodyThrough() {
        Relay.Answer answer = caller().post(CHAT, Json.ask("echo one").put("stream", false).put("conversationId", "large")
                .set("properties", Json.of("{'pad':'%s'}".formatted(LARGE))));

        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    }

    @Test
    void leavesTheRefusalOfAnEvenLargerOneToTheService() {
        Relay.Answer refused = caller().post(CHAT, Json.ask("echo one").set("properties",
                Json.of("{'pad':'%s'}".formatted("x".repeat(16 * 1024 * 1024)))));

        assertThat(refused.status()).isEqualTo(413);
        assertThat(refused.json().path("detail").asText()).contains("chat-relay.api.max-body");
    }

    @Test
    void keepsStreamTokensOutOfEveryLog() {
        Sse turn = caller().send(CHAT, Json.ask("echo one")).toEnd();
        JsonNode issued = caller().post(CONVERSATIONS + "/" + turn.conversation() + "/stream-tokens",
                Json.of("{'turnId':'%s'}".formatted(turn.turn()))).json();
        String token = issued.path("token").asText();
        Relay stranger = caller().with("authorization", null);

        assertThat(stranger.read(issued.path("url").asText()).toEnd().done()).isTrue();
        assertThat(stranger.get(CONVERSATIONS + "/another/stream?token=" + token).status()).isEqualTo(401);
        assertThat(stranger.get(CONVERSATIONS + "?token=" + token).status()).isEqualTo(401);

        String path = CONVERSATIONS + "/" + turn.conversation() + "/stream ";
        Awaitility.await("both logs").atMost(Duration.ofSeconds(30)).until(
                () -> nginx.accessLog().contains("GET " + path) && service.output().contains("GET " + path));
        assertThat(token).hasSizeGreaterThan(40);
        assertThat(nginx.accessLog()).doesNotContain(token);
        assertThat(service.output()).doesNotContain(token);
    }

    /** What is off is off: a browser is told so before it sends anything. */
    @Test
    void tellsAPageOfAnotherOriginThatNoneMayCallUnlessConfigured() {
        Relay page = new Relay(service.api(), RelayClient.KEY).with("origin", "https://app.example");

        Relay.Answer preflight = page.with("authorization", null).with("access-control-request-method", "POST")
                .answer("OPTIONS", CHAT, BodyPublishers.noBody());
        Relay.Answer answer = page.get(CONVERSATIONS);

        assertThat(preflight.status()).isEqualTo(403);
        assertThat(preflight.json().path("detail").asText()).contains("quarkus.http.cors.enabled");
        Map<String, Object> cors = new LinkedHashMap<>(answer.headers().map());
        cors.keySet().removeIf(name -> !name.startsWith("access-control"));
        assertThat(cors).isEmpty();
        assertThat(answer.status()).as("whoever is no browser is not asked for its origin").isEqualTo(200);
    }

    /** The last one, for the service does not survive it. */
    @Test
    @Order(Integer.MAX_VALUE)
    void showsThatAServiceDied() {
        Sse stream = caller().send(CHAT, Json.ask("slow 250")).until(5);

        service.kill9();

        assertThat(stream.toEnd().broken()).as("a cut is no end").isTrue();
        assertThat(stream.done()).isFalse();
    }
}
