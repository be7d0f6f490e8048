package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.quarkus.test.junit.QuarkusTest;

/** What is no request, or hardly one, is answered by an error with a body and a length, and its connection ends. */
@QuarkusTest
class RawSocketTest extends ServiceTest {

    private static final String KEY = "Authorization: Bearer dev-key\r\n";

    /** All that the service says to these bytes, up to the end of the connection. */
    private String says(String request) throws IOException {
        try (Socket socket = new Socket(base.getHost(), base.getPort())) {
            socket.setSoTimeout(20_000);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** The head and the body of the next answer on a connection that goes on. */
    private static String next(InputStream in) throws IOException {
        ByteArrayOutputStream head = new ByteArrayOutputStream();
        while (!head.toString(StandardCharsets.US_ASCII).endsWith("\r\n\r\n")) {
            int next = in.read();
            assertThat(next).as("the connection ended after '%s'", head).isNotNegative();
            head.write(next);
        }
        String said = head.toString(StandardCharsets.US_ASCII);
        int length = Integer.parseInt(said.toLowerCase(Locale.ROOT).replaceAll("(?s).*content-length: (\\d+).*", "$1"));
        return said + new String(in.readNBytes(length), StandardCharsets.UTF_8);
    }

    /** A client sends its next request where nothing says that the connection ends. */
    @Test
    void aConnectionGoesOnAfterBodiesThatWereReadAndRefused() throws IOException {
        String body = "{\"messages\":[],\"x\":\"" + "y".repeat(50_000) + "\"}";
        String request = "POST " + CHAT + " HTTP/1.1\r\nhost: x\r\n" + KEY
                + "content-type: application/json\r\ncontent-length: "
                + body.length() + "\r\n\r\n" + body;
        try (Socket socket = new Socket(base.getHost(), base.getPort())) {
            socket.setSoTimeout(20_000);
            for (int i = 0; i < 50; i++) {
                socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));

                assertThat(next(socket.getInputStream())).startsWith("HTTP/1.1 400").contains("messages")
                        .doesNotContainIgnoringCase("connection: close");
            }
        }
    }

    static Stream<Arguments> noRequests() {
        String head = "GET /run/v1/models HTTP/1.1\r\nhost: x\r\n";
        return Stream.of(Arguments.of(400, "no request line", "nonsense\r\n\r\n"),
                Arguments.of(501, "an unknown version", "GET / HTTP/9.9\r\n\r\n"),
                Arguments.of(414, "a long path", "GET /" + "x".repeat(10_000) + " HTTP/1.1\r\nhost: x\r\n\r\n"),
                Arguments.of(414, "a long method", "X".repeat(10_000) + " / HTTP/1.1\r\nhost: x\r\n\r\n"),
                Arguments.of(431, "a long header", head + "a: " + "x".repeat(40_000) + "\r\n\r\n"),
                Arguments.of(431, "many headers", head + "a:b\r\n".repeat(150) + "\r\n"),
                Arguments.of(431, "headers without end", head + "a:b\r\n".repeat(200)),
                Arguments.of(400, "a folded header", head + "bad header\r\n\r\n"),
                Arguments.of(400, "two lengths", head + KEY + "content-length: 1\r\ncontent-length: 2\r\n\r\nx"),
                Arguments.of(400, "a length that is none", head + KEY + "content-length: x\r\n\r\n"),
                Arguments.of(400, "no host", "GET /run/v1/models HTTP/1.1\r\n" + KEY + "\r\n"),
                Arguments.of(400, "two hosts", head + "host: y\r\n" + KEY + "\r\n"),
                Arguments.of(400, "a host that is none", "GET /run/v1/models HTTP/1.1\r\nhost: a b<>\r\n" + KEY + "\r\n"),
                Arguments.of(400, "half a percent sign", "GET /run/v1/models%zz HTTP/1.1\r\nhost: x\r\n" + KEY
                        + "connection: close\r\n\r\n"),
                Arguments.of(400, "half a percent sign in the query",
                        "GET /run/v1/models?a=%zz HTTP/1.1\r\nhost: x\r\n" + KEY + "connection: close\r\n\r\n"),
                Arguments.of(400, "a chunk that is none", "POST " + CHAT + " HTTP/1.1\r\nhost: x\r\n" + KEY
                        + "content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nnonsense\r\nx\r\n"));
    }

    @ParameterizedTest(name = "{1}")
    @MethodSource("noRequests")
    void isRefusedWithABodyAndTheConnectionEnds(int status, String what, String request) throws IOException {
        String answer = says(request);

        assertThat(answer).as(what).startsWith("HTTP/1.1 " + status + " ").as(answer).contains("json");
        String[] parts = answer.split("\r\n\r\n", 2);
        String head = parts[0].toLowerCase(Locale.ROOT);
        assertThat(head).contains("content-length: " + parts[1].getBytes(StandardCharsets.UTF_8).length, "json");
        JsonNode body = Json.read(parts[1]);
        assertThat(body.path("status").asInt()).isEqualTo(status);
        assertThat(body.path("code").asText()).isNotBlank();
        assertThat(body.path("detail").asText()).isNotBlank();
        assertThat(answer).doesNotContain("nonsense");
    }

    @Test
    void aStrangersConnectionEndsWithItsAnswer() throws IOException {
        assertThat(says("GET /run/v1/models HTTP/1.1\r\nhost: x\r\n\r\n")).startsWith("HTTP/1.1 401 ").contains("\"code\"");
        assertThat(says("POST " + CHAT + " HTTP/1.1\r\nhost: x\r\ncontent-length: 10000000\r\n\r\n{"))
                .startsWith("HTTP/1.1 401 ");
    }

    @Test
    void aKnownCallersConnectionIsKept() throws IOException {
        String request = "%s /run/v1/models HTTP/1.1\r\nhost: x\r\n" + KEY;

        String answers = says(request.formatted("HEAD") + "\r\n" + request.formatted("HEAD") + "\r\n"
                + request.formatted("GET") + "connection: close\r\n\r\n");

        assertThat(answers.split("HTTP/1.1 200 OK", -1)).hasSize(4);
    }

    @Test
    void privateAnswersAreNotKeptAndAreWhatTheySay() {
        Sse answer = relay().send(CHAT, Json.ask("echo hi")).toEnd();

        assertThat(answer.header("cache-control")).isEqualTo("no-cache");
        assertThat(answer.header("x-content-type-options")).isEqualTo("nosniff");
        for (String path : new String[]{ CONVERSATIONS, CONVERSATIONS + "/" + answer.conversation(),
                CONVERSATIONS + "/" + answer.conversation() + "/messages", "/run/v1/tool-approvals", "/run/v1/models",
                "/run/nothing" }) {
            Relay.Answer told = relay().get(path);
            assertThat(told.header("cache-control")).as(path).isEqualTo("no-store");
            assertThat(told.header("x-content-type-options")).as(path).isEqualTo("nosniff");
        }
        assertThat(relay().post(CHAT, Json.ask("echo hi").put("stream", false)).header("cache-control")).isEqualTo("no-store");
        assertThat(relay().post(CHAT, "{").header("cache-control")).isEqualTo("no-store");
        assertThat(relay().with("authorization", null).get(CONVERSATIONS).header("cache-control")).isEqualTo("no-store");
    }
}
