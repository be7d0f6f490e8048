package io.chatrelay.inkeep;

import static io.chatrelay.inkeep.ScriptedInkeep.question;
import static io.chatrelay.inkeep.ScriptedInkeep.turn;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Failure;
import io.smallrye.mutiny.Multi;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.impl.VertxInternal;

/**
 * A connection of the pool belongs to the event loop of the turn that opened it. Where it breaks while the head of another turn's answer waits
 * for that turn's loop, Vert.x fails the request, and throws when it comes to the head. The turn failed by its upstream, not by a defect.
 */
class BrokenBeforeItsHeadTest {

    private static final Duration SOON = Duration.ofSeconds(20);

    private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(2).setWorkerPoolSize(1));
    private final CountDownLatch broken = new CountDownLatch(1);

    @AfterEach
    void stop() {
        broken.countDown();
        vertx.close();
    }

    private static void readRequest(Socket socket) throws IOException {
        InputStream in = socket.getInputStream();
        StringBuilder request = new StringBuilder();
        while (!request.toString().contains("\r\n\r\n")) {
            request.append((char) in.read());
        }
        String length = request.toString().toLowerCase().replaceAll("(?s).*content-length: (\\d+).*", "$1");
        in.readNBytes(Integer.parseInt(length));
    }

    private static void write(Socket socket, String answer) throws IOException {
        socket.getOutputStream().write(answer.getBytes(StandardCharsets.US_ASCII));
    }

    private static CompletableFuture<List<ChatEvent>> subscribe(Multi<ChatEvent> answer) {
        return answer.collect().asList().subscribeAsCompletionStage();
    }

    /** The second context from now on, which has the loop of the last one that was made. */
    private Context alike() {
        ((VertxInternal) vertx).createEventLoopContext();
        return ((VertxInternal) vertx).createEventLoopContext();
    }

    @Test
    void isAFailureOfTheUpstream() throws Exception {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            var config = ScriptedInkeep.config(URI.create("http://127.0.0.1:%d/run".formatted(server.getLocalPort())),
                    "retries", "0",
                    "approvals", "parts");
            InkeepClient client = new InkeepClient(vertx, config, Transport.DIRECT);
            AgentsUpstream upstream = new AgentsUpstream("agents", config, client, null);

            CompletableFuture<List<ChatEvent>> first = subscribe(upstream.run(question(turn(), "one")).answer());
            Socket connection = server.accept();
            readRequest(connection);
            write(connection, "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}");
            await().atMost(SOON).until(first::isDone);

            CompletableFuture<List<ChatEvent>> second = subscribe(upstream.run(question(turn(), "two")).answer());
            readRequest(connection);
            alike().runOnContext(_ -> uninterruptibly(broken));
            write(connection, "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n");
            connection.setSoLinger(true, 0);
            // Both have to have come while the turn's loop is busy.
            await().pollDelay(Duration.ofMillis(200)).until(() -> true);
            connection.close();
            await().pollDelay(Duration.ofMillis(200)).until(() -> true);
            broken.countDown();

            await().atMost(SOON).until(second::isDone);
            assertThat(second).isCompletedWithValueMatching(events -> events.getLast() instanceof Ended ended
                    && ended.failure().code() == Failure.Code.UPSTREAM_UNAVAILABLE, "failed: upstream_unavailable");
            client.close();
        }
    }

    private static void uninterruptibly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
