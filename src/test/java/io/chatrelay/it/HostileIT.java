package io.chatrelay.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

import io.chatrelay.dev.InkeepEmulator;
import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.TestPostgres;

/**
 * What anybody can send, with a key and without, to a service with a small heap that ends where it is exhausted: it lives, and a caller who
 * chats all the time on both wires is answered.
 */
@Order(11)
class HostileIT {

    /** A machine that runs other tests is slow; on one of its own nobody waits for two seconds. */
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(20);
    private static final String KEY = "authorization: Bearer " + RelayClient.KEY + "\r\n";
    private static final String MODELS = "GET /run/v1/models HTTP/1.1\r\nhost: x\r\n" + KEY + "\r\n";
    private static final TestPostgres DATABASE = TestPostgres.fresh();
    private static final HttpClient HTTP = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private static final ExecutorService THREADS = Executors.newVirtualThreadPerTaskExecutor();
    private static final AtomicLong LONGEST = new AtomicLong();
    private static final AtomicLong CHATS = new AtomicLong();
    private static final ConcurrentLinkedQueue<String> FAILURES = new ConcurrentLinkedQueue<>();
    private static InkeepEmulator inkeep;
    private static RelayProcess relay;
    private static Future<?> probe;

    @BeforeAll
    static void start() {
        inkeep = new InkeepEmulator(RelayClient.VERTX).listen(0);
        relay = RelayProcess.on(DATABASE, inkeep).jvm("-Xmx768m").with("chat-relay.shutdown.grace", "0s").start();
        probe = THREADS.submit(HostileIT::chatOn);
    }

    @AfterAll
    static void stop() throws Exception {
        probe.cancel(true);
        System.out.printf("hostile: %d chats, the longest took %d ms; %s%n", CHATS.get(), LONGEST.get(), memory());
        relay.close();
        inkeep.close();
        THREADS.shutdownNow();
    }

    private static String memory() throws IOException {
        Path status = Path.of("/proc", Long.toString(relay.pid()), "status");
        return Files.exists(status) ? Files.readAllLines(status).stream().filter(line -> line.startsWith("VmHWM")).findFirst()
                .orElse("") : "";
    }

    /** A chat a second on each wire, until it is interrupted. */
    private static void chatOn() {
        for (int i = 0; !Thread.currentThread().isInterrupted(); i++) {
            long begun = System.nanoTime();
            String path = i % 2 == 0 ? "/run/api/chat" : "/run/v1/chat/completions";
            try {
                int status = HTTP.send(request(path).timeout(Duration.ofSeconds(60)).POST(BodyPublishers.ofString(
                        "{\"model\":\"agents\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"echo hi\"}]}"))
                        .build(), BodyHandlers.ofString()).statusCode();
                if (status != 200) {
                    FAILURES.add(path + " " + status);
                }
                LONGEST.accumulateAndGet((System.nanoTime() - begun) / 1_000_000, Math::max);
                CHATS.incrementAndGet();
                TimeUnit.MILLISECONDS.sleep(500);
            } catch (IOException e) {
                FAILURES.add(path + " " + e);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private static HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(relay.api().resolve(path)).header("authorization", "Bearer " + RelayClient.KEY)
                .header("content-type", "application/json");
    }

    @AfterEach
    void itLivesAndAnswers() {
        long before = CHATS.get();
        await("two more chats").atMost(LONGEST_WAIT.multipliedBy(2))
                .until(() -> !relay.isAlive() || CHATS.get() >= before + 2);
        assertThat(relay.isAlive()).as(relay + relay.output().lines().reduce("", (_, line) -> line)).isTrue();
        assertThat(FAILURES).isEmpty();
        assertThat(Duration.ofMillis(LONGEST.get())).isLessThan(LONGEST_WAIT);
    }

    private static Socket connection(String said) {
        try {
            Socket socket = new Socket(relay.api().getHost(), relay.api().getPort());
            socket.setSoTimeout(60_000);
            socket.getOutputStream().write(said.getBytes(StandardCharsets.US_ASCII));
            return socket;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void close(List<Socket> sockets) {
        sockets.forEach(socket -> {
            try {
                socket.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    private static List<Integer> statuses(List<Future<Integer>> answers) throws Exception {
        List<Integer> statuses = new ArrayList<>();
        for (Future<Integer> answer : answers) {
            statuses.add(answer.get(120, TimeUnit.SECONDS));
        }
        return statuses;
    }

    private static Future<Integer> posts(String path, String body) {
        return answers(request(path).POST(BodyPublishers.ofString(body)));
    }

    private static Future<Integer> answers(HttpRequest.Builder request) {
        return THREADS.submit(() -> {
            try {
                return HTTP.send(request.build(), BodyHandlers.ofString()).statusCode();
            } catch (IOException e) {
                // The answer to a body that is not read may be lost with its connection.
                return 0;
            }
        });
    }

    @Test
    void tenBodiesOfSixteenMegabytesOfNothing() throws Exception {
        for (String nothing : List.of("{},", "[[],[]],", "{\"a\":{}},")) {
            String body = "{\"messages\":[%s{}]}".formatted(nothing.repeat(((16 << 20) - 100) / nothing.length()));

            List<Future<Integer>> answers = IntStream.range(0, 10).mapToObj(i -> posts(
                    i % 2 == 0 ? "/run/api/chat" : "/run/v1/chat/completions", body)).toList();

            assertThat(statuses(answers)).isSubsetOf(400, 503, 0).contains(400);
        }
    }

    @Test
    void tenLargeBodiesWithoutAKey() throws Exception {
        String body = "{\"messages\":[%s{}]}".formatted("{},".repeat(5 << 20));

        List<Future<Integer>> answers = IntStream.range(0, 10).mapToObj(_ -> answers(HttpRequest
                .newBuilder(relay.api().resolve("/run/api/chat")).header("content-type", "application/json")
                .POST(BodyPublishers.ofString(body)))).toList();

        assertThat(statuses(answers)).isSubsetOf(401, 0).contains(401);
    }

    @Test
    void twoHundredInventedMethodsAndPaths() throws Exception {
        for (int i = 0; i < 200; i++) {
            // Zero where the connection was being closed.
            assertThat(answers(request("/run/v1/invented" + i).method("INVENTED" + i, BodyPublishers.noBody())).get())
                    .matches(status -> status == 0 || status >= 400 && status < 500);
        }

        assertThat(relay.metric("http_server_requests_seconds_count", "nvented")).isZero();
        assertThat(relay.metric("http_server_requests_seconds_count", "method=\"other\"")).isGreaterThanOrEqualTo(150);
    }

    @Test
    void aHundredThousandMessages() throws Exception {
        String message = "{\"role\":\"user\",\"content\":\"x\"},";

        for (int messages : List.of(100_000, 20_000)) {
            String body = "{\"messages\":[%s{}]}".formatted(message.repeat(messages));
            // Others fill the service's memory for bodies meanwhile, and the client may meet a connection that is being closed.
            await("an answer to " + messages).atMost(Duration.ofMinutes(1))
                    .until(() -> posts("/run/api/chat", body).get(), status -> status == 400);
        }
    }

    @Test
    void twoHundredSlowUploads() {
        String head = "POST /run/api/chat HTTP/1.1\r\nhost: x\r\n" + KEY
                + "content-type: application/json\r\ncontent-length: 5242880\r\n\r\n";
        List<Socket> uploads = IntStream.range(0, 200).mapToObj(_ -> connection(head + "{\"a\":\"" + "x".repeat(50_000)))
                .toList();

        itLivesAndAnswers();

        close(uploads);
    }

    @Test
    void halfSentHeadersAndSilentSockets() throws IOException {
        String half = "GET /run/v1/models HTTP/1.1\r\nhost: x\r\n" + IntStream.range(0, 90).mapToObj(i -> "x" + i + ": " + "y"
                .repeat(150) + "\r\n").reduce("", String::concat);
        Socket known = connection(MODELS);
        assertThat(readsOn(known)).isTrue();
        String chat = "{\"model\":\"agents\",\"messages\":[{\"role\":\"user\",\"content\":\"silence 60000\"}]}";
        Socket stream = connection("POST /run/api/chat HTTP/1.1\r\nhost: x\r\n" + KEY
                + "content-type: application/json\r\ncontent-length: " + chat.length() + "\r\n\r\n" + chat);
        assertThat(readsOn(stream)).isTrue();
        List<Socket> sockets = new ArrayList<>(IntStream.range(0, 1_500).mapToObj(_ -> connection(half)).toList());
        sockets.addAll(IntStream.range(0, 2_000).mapToObj(_ -> connection("")).toList());

        itLivesAndAnswers();

        assertThat(relay.metric("chat_relay_connections_waiting")).isLessThanOrEqualTo(4_000);
        await("none is kept").atMost(Duration.ofSeconds(60))
                .until(() -> relay.metric("chat_relay_connections_waiting") == 0);
        assertThat(relay.metric("chat_relay_connections_closed_total")).isGreaterThanOrEqualTo(3_500);
        known.getOutputStream().write(MODELS.getBytes(StandardCharsets.US_ASCII));
        assertThat(readsOn(known)).as("a pooled connection of a known caller is kept").isTrue();
        assertThat(readsOn(stream)).as("a stream is kept").isTrue();
        sockets.addAll(List.of(known, stream));
        close(sockets);
    }

    /** Whether more comes, whatever it is. */
    private static boolean readsOn(Socket socket) throws IOException {
        return socket.getInputStream().read(new byte[4096]) > 0;
    }

    @Test
    void headersWithoutEndAndHugeRequestLines() throws IOException {
        for (String endless : List.of("GET / HTTP/1.1\r\n", "GET /", "X")) {
            try (Socket socket = connection(endless)) {
                OutputStream out = socket.getOutputStream();
                byte[] more = (endless.contains("HTTP") ? "a:b\r\n" : "xxxxx").repeat(1_000)
                        .getBytes(StandardCharsets.US_ASCII);
                assertThat(writesUntilItEnds(out, more)).as("bytes of " + endless.strip()).isLessThan(64 << 20);
            }
        }
    }

    private static long writesUntilItEnds(OutputStream out, byte[] more) {
        long written = 0;
        try {
            while (written < 64 << 20) {
                out.write(more);
                written += more.length;
            }
        } catch (IOException e) {
            // It is closed.
        }
        return written;
    }
}
