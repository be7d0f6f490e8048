package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.stream.Collectors;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.quarkus.test.junit.QuarkusTest;

/** Pages of other origins, as browsers ask for them: those that are configured may call the service, and the others are told why not. */
@QuarkusTest
class CrossOriginTest extends ServiceTest {

    private static final String PAGE = "https://app.example";
    private static final String[] EXPOSED = { "x-conversation-id", "x-turn-id", "x-request-id", "retry-after",
            "x-should-retry", "ratelimit", "ratelimit-policy" };

    /** Java's own client sets no such headers: the request is written by hand, and the answer's lines are given. */
    private String ask(String method, String path, String... headers) throws IOException {
        return ask(base, method, path, headers);
    }

    static String ask(URI service, String method, String path, String... headers) throws IOException {
        try (Socket socket = new Socket(service.getHost(), service.getPort())) {
            StringBuilder request = new StringBuilder(
                    "%s %s HTTP/1.1\r\nhost: %s\r\nconnection: close\r\n".formatted(method, path, service.getAuthority()));
            for (String header : headers) {
                request.append(header).append("\r\n");
            }
            socket.getOutputStream().write(request.append("\r\n").toString().getBytes(StandardCharsets.US_ASCII));
            return new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8)).lines()
                    .collect(Collectors.joining("\n"));
        }
    }

    private static String preflight(URI service, String origin, String path) throws IOException {
        return ask(service, "OPTIONS", path, "origin: " + origin, "access-control-request-method: POST",
                "access-control-request-headers: authorization,content-type,x-on-running,idempotency-key");
    }

    private static String body(String answer) {
        return answer.substring(answer.indexOf("\n\n") + 2);
    }

    @ParameterizedTest
    @ValueSource(strings = { CHAT, COMPLETIONS, CONVERSATIONS, CONVERSATIONS + "/x/stream", "/run/api/tool-approvals" })
    void mayAskBeforeAnyKeyIsAskedFor(String path) throws IOException {
        for (String origin : new String[]{ PAGE, "https://one.apps.example" }) {
            String answer = preflight(base, origin, path);

            assertThat(answer).startsWith("HTTP/1.1 200 ")
                    .containsIgnoringCase("\naccess-control-allow-origin: " + origin + "\n")
                    .containsIgnoringCase(
                            "\naccess-control-allow-headers: authorization,content-type,x-on-running,idempotency-key\n")
                    .containsIgnoringCase("\naccess-control-allow-methods: POST\n")
                    .containsIgnoringCase("\naccess-control-max-age: 7200\n");
        }
    }

    @Test
    void sendAndSeeWhatTheyNeed() {
        Sse answer = relay().with("origin", PAGE).send(CHAT, Json.ask("echo one")).toEnd();

        assertThat(answer.done()).isTrue();
        assertThat(answer.header("access-control-allow-origin")).isEqualTo(PAGE);
        assertThat(answer.header("access-control-expose-headers").split(",")).containsExactlyInAnyOrder(EXPOSED);
    }

    @Test
    void readErrorsAsWell() {
        Relay.Answer refused = relay().with("origin", PAGE).with("authorization", null).get(CONVERSATIONS);

        assertError(CONVERSATIONS, refused, 401, "unauthorized");
        assertThat(refused.header("access-control-allow-origin")).isEqualTo(PAGE);
    }

    @ParameterizedTest
    @CsvSource({ "https://evil.example", "http://app.example", "https://app.example:8443", "https://app.example.evil.example",
            "null", "nonsense" })
    void areToldWhatToConfigureWhereTheyMayNot(String origin) throws IOException {
        Relay.Answer refused = relay().with("origin", origin).post(CHAT, Json.ask("echo " + mark()));

        assertError(CHAT, refused, 403, "forbidden");
        assertThat(refused.json().path("detail").asText()).contains("quarkus.http.cors.origins");
        assertThat(refused.header("access-control-allow-origin")).isEmpty();

        String preflight = preflight(base, origin, CHAT);
        assertThat(preflight).startsWith("HTTP/1.1 403 ").doesNotContainIgnoringCase("access-control-allow-origin");
        assertThat(Json.read(body(preflight)).path("detail").asText()).contains("quarkus.http.cors.origins");
    }

    @Test
    void ofTheServicesOwnOriginNeedNoLeave() {
        String own = base.getScheme() + "://" + base.getAuthority();

        assertThat(relay().with("origin", own).get(CONVERSATIONS).status()).isEqualTo(200);
    }

    @Test
    void doNotChangeWhatOtherCallersGet() {
        assertThat(relay().get(CONVERSATIONS).header("access-control-allow-origin")).isEmpty();
    }
}
