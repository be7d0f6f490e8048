package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicReference;

import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.SelfSigned;
import io.chatrelay.support.Sse;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;

/** What is configured as a time or a size of a stream: a heart beats fast, and what is late or large ends soon. */
@QuarkusTest
@TestProfile(ImpatientTest.Impatient.class)
class ImpatientTest extends ServiceTest {

    private static final Path DIRECTORY = Path.of("target", "impatient").toAbsolutePath();

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static boolean warm;

    @TestHTTPResource(value = "/", tls = true)
    URI secure;

    public static class Impatient implements QuarkusTestProfile {

        @Override
        public Map<String, String> getConfigOverrides() {
            Map<String, String> overrides = new HashMap<>();
            overrides.put("chat-relay.api.heartbeat", "300ms");
            overrides.put("chat-relay.api.head-after", "500ms");
            overrides.put("chat-relay.turn.first-event-timeout", "4s");
            overrides.put("chat-relay.turn.silence-timeout", "3s");
            overrides.put("chat-relay.turn.max-duration", "8s");
            overrides.put("chat-relay.turn.max-size", "20K");
            overrides.put("chat-relay.requests.body-timeout", "5s");
            overrides.put("chat-relay.requests.max-memory", "1M");
            overrides.put("chat-relay.connections.head-timeout", "6s");
            overrides.put("quarkus.http.test-ssl-port", "0");
            overrides.put("quarkus.http.ssl.certificate.key-store-file", SelfSigned.in(DIRECTORY).store().toString());
            overrides.put("quarkus.http.ssl.certificate.key-store-password", SelfSigned.PASSWORD);
            return overrides;
        }
    }

    /** The first turns of a process that has just started are slow on a busy machine, and here what is slow is ended. */
    @BeforeEach
    void warmUp() {
        for (String path : new String[]{ CHAT, COMPLETIONS }) {
            await("a process that keeps its own times").atMost(PATIENCE).ignoreExceptions()
                    .until(() -> warm || relay().send(path, Json.ask("echo warm").put("stream", true)).toEnd().done());
        }
        warm = true;
    }

    @Nested
    class AStreamThatIsSilent {

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void isKeptAliveByComments(String path) {
            Sse answer = relay().send(path, Json.ask("silence 1500").put("stream", true)).toEnd();

            assertThat(answer.done()).isTrue();
            assertThat(answer.comments()).contains("keep-alive");
            assertThat(answer.ids()).isSorted().doesNotHaveDuplicates();
        }

        @Test
        void isReadAgainWithTheSameEvents() {
            Sse answer = relay().send(CHAT, Json.ask("silence 1000")).toEnd();

            assertThat(relay().read("/run/v1/conversations/" + answer.conversation() + "/stream?turn=" + answer.turn()).toEnd()
                    .events()).isEqualTo(answer.events());
        }
    }

    @Nested
    class AHead {

        @Test
        void isWrittenThoughNothingHasComeAndTheAnswerFollows() {
            for (Sse begun : onBothWires("late 2000")) {
                Sse answer = begun.toEnd();

                assertThat(answer.status()).isEqualTo(200);
                assertThat(answer.text().indexOf(": keep-alive")).as("the head came before the answer")
                        .isBetween(0, answer.text().indexOf("id: 1.1\n"));
                assertThat(answer.turn()).isNotEmpty();
                assertThat(answer.done()).isTrue();
                assertThat(answer.ids().getFirst()).isEqualTo(1);
            }
        }

        @Test
        void isWrittenAndThenTheFailureIsToldInTheStream() {
            for (Sse begun : onBothWires("hang " + mark())) {
                Sse answer = begun.toEnd();

                assertThat(answer.status()).isEqualTo(200);
                assertThat(answer.done()).isFalse();
                assertThat(answer.error()).contains("sent nothing");
                assertThat(answer.ids()).containsExactly(1L);
                assertThat(turn(answer.turn())).isEqualTo("failed upstream_timeout");
            }
        }

        /** At the same time. */
        private List<Sse> onBothWires(String text) {
            return List.of(relay().send(CHAT, Json.ask(text).put("stream", true)),
                    relay().send(COMPLETIONS, Json.ask(text).put("stream", true)));
        }
    }

    /** Of which the service sees no byte before it is decrypted. */
    @Nested
    class AConnectionOverTls {

        private final SSLContext trusted = new SelfSigned(DIRECTORY.resolve("store.p12")).trusted();

        @Test
        void servesOneRequestAfterTheOther() throws Exception {
            try (HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).sslContext(trusted).build()) {
                for (int i = 0; i < 3; i++) {
                    HttpResponse<String> answer = client.send(HttpRequest.newBuilder(secure.resolve(CHAT))
                            .header("authorization", "Bearer dev-key").header("content-type", "application/json")
                            .POST(BodyPublishers.ofString(Json.ask("echo number" + i).toString())).build(),
                            BodyHandlers.ofString());

                    assertThat(answer.statusCode()).isEqualTo(200);
                    assertThat(answer.body()).contains("number" + i, "[DONE]");
                }
            }
        }

        @Test
        void endsWhereNoRequestComes() throws IOException {
            try (Socket silent = trusted.getSocketFactory().createSocket("localhost", secure.getPort());
                    Socket plain = new Socket("localhost", secure.getPort())) {
                silent.setSoTimeout(20_000);
                ((SSLSocket) silent).startHandshake();
                plain.setSoTimeout(20_000);

                assertThat(silent.getInputStream().readAllBytes()).isEmpty();
                assertThat(plain.getInputStream().readAllBytes()).isEmpty();
            }
        }
    }

    @Nested
    class ABody {

        private Socket upload(int length, int bytes) throws IOException {
            Socket socket = new Socket(base.getHost(), base.getPort());
            socket.setSoTimeout(20_000);
            write(socket, "POST " + CHAT + " HTTP/1.1\r\nhost: x\r\nauthorization: Bearer dev-key\r\n"
                    + "content-type: application/json\r\ncontent-length: " + length + "\r\n\r\n{\"x\":\"" + "y".repeat(bytes));
            return socket;
        }

        private static void write(Socket socket, String text) throws IOException {
            socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
        }

        @Test
        void thatComesTooSlowlyIsRefusedAndItsConnectionEnds() throws IOException {
            try (Socket slow = upload(1_000_000, 10)) {
                await().atMost(Duration.ofSeconds(30)).ignoreExceptions().pollInterval(Duration.ofMillis(100)).until(() -> {
                    write(slow, "y");
                    return slow.getInputStream().available() > 0;
                });

                String answer = new String(slow.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

                assertThat(answer).startsWith("HTTP/1.1 408 ").contains("chat-relay.requests.body-timeout", "\"status\":408");
            }
        }

        @Test
        void thatFindsNoMemoryBesideOthersIsRefusedUntilTheyAreDone() {
            String body = "{\"x\":\"%s\",\"messages\":[]}".formatted("y".repeat(400_000));

            await().atMost(Duration.ofSeconds(60)).until(() -> isRefusedBesideALargeOne(body));

            await().until(() -> relay().post(CHAT, body).status() == 400);
        }

        /** False where the large one came second, and found no memory itself. */
        private boolean isRefusedBesideALargeOne(String body) throws IOException {
            try (Socket large = upload(700_000, 600_000)) {
                AtomicReference<Relay.Answer> last = new AtomicReference<>();
                await().until(() -> {
                    last.set(relay().post(CHAT, body));
                    return last.get().status() == 503 || large.getInputStream().available() > 0;
                });
                Relay.Answer refused = last.get();
                if (refused.status() != 503) {
                    return false;
                }
                assertThat(refused.header("retry-after")).isEqualTo("1");
                assertThat(refused.json().path("detail").asText()).contains("Too many large requests");
                assertThat(relay().send(CHAT, Json.ask("echo small ones find room")).toEnd().done()).isTrue();
                return true;
            }
        }
    }

    @Nested
    class ATurn {

        private record Beyond(String keyword, String code, String kept) {}

        private static final List<Beyond> ALL = List.of(
                new Beyond("silence 60000", "upstream_timeout", "Hello from the"),
                new Beyond("slow 300", "turn_too_long", "word0 word1"),
                new Beyond("endless", "turn_too_large", " again and again"),
                new Beyond("endless-line", "turn_too_large", ""),
                new Beyond("long 5000", "turn_too_large", "word0 word1"));

        /** All at the same time, for each takes some seconds. */
        @Test
        void thatGoesBeyondWhatIsConfiguredFailsAndKeepsWhatItSaid() {
            Map<Beyond, List<Sse>> begun = new LinkedHashMap<>();
            ALL.forEach(beyond -> begun.put(beyond, List.of(relay().send(CHAT, Json.ask(beyond.keyword).put("model", "agents")),
                    relay().send(CHAT, Json.ask(beyond.keyword).put("model", "cloud")))));

            begun.forEach((beyond, answers) -> answers.forEach(begin -> {
                Sse answer = begin.toEnd();

                assertThat(answer.status()).isEqualTo(200);
                assertThat(answer.done()).isFalse();
                assertThat(answer.error()).isNotBlank();
                assertThat(answer.last().type()).isEqualTo("error");
                assertThat(answer.answer()).startsWith(beyond.kept);
                assertThat(turn(answer.turn())).as(beyond.keyword).isEqualTo("failed " + beyond.code);
                if (!beyond.kept.isEmpty()) {
                    assertThat(Json.text(messages(answer.conversation()).getLast())).isEqualTo(answer.answer());
                }
            }));
        }

        @Test
        void inOnePieceThatTakesTooLongIsATimeout() throws Exception {
            try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
                Future<Relay.Answer> silent = callers.submit(
                        () -> relay().post(CHAT, Json.ask("silence 60000").put("stream", false)));
                Future<Relay.Answer> unanswered = callers.submit(() -> relay().post(COMPLETIONS, Json.ask("hang")));
                Future<Relay.Answer> slow = callers.submit(
                        () -> relay().post(CHAT, Json.ask("slow 300").put("stream", false)));

                assertError(CHAT, silent.get(), 504, "upstream_timeout");
                assertError(COMPLETIONS, unanswered.get(), 504, "upstream_timeout");
                assertError(CHAT, slow.get(), 504, "turn_too_long");
            }
        }
    }
}
