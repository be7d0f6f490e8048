package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.zip.GZIPOutputStream;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.quarkus.test.junit.QuarkusTest;

/** What HTTP itself asks of every server, whatever is said in it. */
@QuarkusTest
class HttpEdgeTest extends ServiceTest {

    private static final int PATIENCE_MILLIS = 60_000;

    /** One connection, spoken to by hand. */
    private final class Connection implements AutoCloseable {

        private final Socket socket = new Socket(base.getHost(), base.getPort());

        Connection() throws IOException {
            socket.setSoTimeout(PATIENCE_MILLIS);
        }

        void says(String request) throws IOException {
            socket.getOutputStream().write(request.replace("\n", "\r\n").getBytes(StandardCharsets.UTF_8));
        }

        /** The head of the next answer, in lower case. */
        String head() throws IOException {
            StringBuilder head = new StringBuilder();
            while (head.indexOf("\r\n\r\n") < 0) {
                int next = socket.getInputStream().read();
                assertThat(next).as("after: " + head).isNotNegative();
                head.append((char) next);
            }
            return head.toString().toLowerCase(Locale.ROOT);
        }

        String rest() throws IOException {
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    private static String request(String method, String path, String version, String more) {
        return "%s %s HTTP/%s\nhost: x\nauthorization: Bearer dev-key\n%s\n".formatted(method, path, version, more);
    }

    @Nested
    class Head {

        /** Both paths of a running turn, its replay, nothing to read, what is not there, and what is no stream at all. */
        private List<String> paths(Sse running, Sse ended) {
            String path = CONVERSATIONS + "/" + running.conversation();
            return List.of(path + "/stream", CHAT + "/" + running.conversation() + "/stream", path + "/stream?wire=openai",
                    path + "/stream?after=1", CONVERSATIONS + "/" + ended.conversation() + "/stream?turn=" + ended.turn(),
                    CONVERSATIONS + "/" + ended.conversation() + "/stream", CHAT + "/" + newId() + "/stream",
                    CONVERSATIONS + "/" + newId() + "/stream", path, CONVERSATIONS, "/run/v1/models", "/run/v1/nothing");
        }

        private int status(String path, Sse running, Sse ended) {
            return path.contains("nothing")
                    || path.matches(CONVERSATIONS + "/[^/]+/stream") && !path.contains(running.conversation())
                            && !path.contains(ended.conversation()) ? 404
                                    : path.endsWith("/stream") && !path.contains(running.conversation()) ? 204 : 200;
        }

        @Test
        void isAnsweredAtOnceAndTheConnectionStaysUsable() throws IOException {
            Sse ended = relay().send(CHAT, Json.ask("echo hi")).toEnd();
            Sse running = relay().send(CHAT, Json.ask("silence 60000 " + mark())).untilText();
            try (Connection connection = new Connection()) {
                for (String path : paths(running, ended)) {
                    connection.says(request("HEAD", path, "1.1", ""));

                    String head = connection.head();

                    assertThat(head).as(path).startsWith("http/1.1 " + status(path, running, ended) + " ");
                    if (path.contains("stream") && head.startsWith("http/1.1 200")) {
                        assertThat(head).contains("content-type: text/event-stream", "x-turn-id: ", "x-conversation-id: ");
                    }
                }
            }
            relay().post(CONVERSATIONS + "/" + running.conversation() + "/cancel", "");
        }

        @Test
        void isAnsweredOverHttp2Too() throws Exception {
            Sse ended = relay().send(CHAT, Json.ask("echo hi")).toEnd();
            Sse running = relay().send(CHAT, Json.ask("silence 60000 " + mark())).untilText();
            try (HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build()) {
                for (String path : paths(running, ended)) {
                    HttpResponse<String> answer = http.send(h2(base.resolve(path)).HEAD().build(), BodyHandlers.ofString());

                    assertThat(answer.statusCode()).as(path).isEqualTo(status(path, running, ended));
                    assertThat(answer.version()).isEqualTo(HttpClient.Version.HTTP_2);
                    assertThat(answer.body()).isEmpty();
                }
            }
            relay().post(CONVERSATIONS + "/" + running.conversation() + "/cancel", "");
        }

        private HttpRequest.Builder h2(URI uri) {
            return HttpRequest.newBuilder(uri).timeout(Duration.ofMillis(PATIENCE_MILLIS)).header("authorization",
                    "Bearer dev-key");
        }
    }

    @Nested
    class OverHttp10 {

        @ParameterizedTest
        @ValueSource(strings = { "connection: keep-alive\n", "connection: close\n", "" })
        void aStreamEndsWhereTheAnswerEnds(String kept) throws IOException {
            for (String path : List.of(CHAT, COMPLETIONS)) {
                String body = Json.ask("echo one two").put("stream", true).toString();
                try (Connection connection = new Connection()) {
                    connection.says(request("POST", path, "1.0", kept + "content-type: application/json\ncontent-length: "
                            + body.length() + "\n") + body);

                    String head = connection.head();
                    String events = connection.rest();

                    assertThat(head).contains(" 200 ", "text/event-stream").doesNotContain("transfer-encoding",
                            "content-length");
                    assertThat(events.lines()).as("no chunk's length stands between them")
                            .allMatch(line -> line.isEmpty() || line.matches("(data|id|retry)?:.*"));
                    assertThat(events).endsWith("data: [DONE]\n\n");
                }
            }
        }

        @Test
        void anAnswerInOnePieceKeepsTheConnection() throws IOException {
            try (Connection connection = new Connection()) {
                for (int i = 0; i < 2; i++) {
                    connection.says(request("HEAD", "/run/v1/models", "1.0", "connection: keep-alive\n"));

                    assertThat(connection.head()).contains(" 200 ");
                }
            }
        }
    }

    @Nested
    class ABodyThatIsNotReadable {

        @ParameterizedTest
        @ValueSource(strings = { "gzip", "br", "deflate, gzip", "GZIP" })
        void isRefusedByItsEncoding(String encoding) throws IOException {
            ByteArrayOutputStream packed = new ByteArrayOutputStream();
            try (GZIPOutputStream gzip = new GZIPOutputStream(packed)) {
                gzip.write(Json.ask("echo hi").toString().getBytes(StandardCharsets.UTF_8));
            }
            for (String path : List.of(CHAT, COMPLETIONS, CONVERSATIONS + "/x/cancel", "/run/api/tool-approvals")) {
                Relay.Answer refused = relay().with("content-encoding", encoding).answer("POST", path,
                        BodyPublishers.ofByteArray(packed.toByteArray()));

                assertThat(refused.status()).as(path).isEqualTo(415);
                assertThat(refused.json().path("field").asText()).isEqualTo("content-encoding");
                assertThat(refused.json().path("detail").asText()).startsWith("content-encoding ");
                assertThat(refused.json().path("code").asText()).isEqualTo("unsupported_media_type");
            }
        }

        @Test
        void isTakenWhereItsEncodingIsNone() {
            assertThat(relay().with("content-encoding", "identity").send(CHAT, Json.ask("echo hi")).toEnd().done()).isTrue();
        }

        @ParameterizedTest
        @ValueSource(strings = { "text/plain", "application/xml", "application/x-www-form-urlencoded" })
        void isRefusedByItsTypeInPlainWords(String type) {
            for (String path : List.of(CHAT, COMPLETIONS, "/run/api/tool-approvals")) {
                Relay.Answer refused = relay().with("content-type", type).post(path, "{}");

                assertThat(refused.status()).isEqualTo(415);
                assertThat(refused.json().path("detail").asText()).isEqualTo("content-type must be application/json");
                assertThat(refused.json().path("field").asText()).isEqualTo("content-type");
            }
        }
    }
}
