package io.chatrelay.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

import io.chatrelay.dev.InkeepEmulator;
import io.chatrelay.support.inkeep.Emulator;
import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.SseStream;
import io.chatrelay.support.it.TestPostgres;

/** An open stream holds no thread and no connection of the database. */
@Isolated("it takes all of the machine")
@Order(18)
class ManyStreamsIT {

    private static final TestPostgres DATABASE = TestPostgres.fresh();
    private static final int POOL = 2;
    /** The journal's, its clock's and that of the turns' begins. */
    private static final int OWN = 3;
    /** Long enough for all of them to be open at once on a machine that has other work; they are let end then. */
    private static final String LONG = "words 25 4000";

    @Test
    void fiveHundredStreamsOnFiveConnections() {
        try (InkeepEmulator inkeep = new InkeepEmulator(RelayClient.VERTX).listen(0);
                RelayProcess relay = RelayProcess.on(DATABASE, inkeep).with("quarkus.datasource.jdbc.max-size", POOL)
                        .with("chat-relay.feed.concurrent-loads", POOL - 1).start()) {
            RelayClient client = new RelayClient(relay);

            List<SseStream> streams = new ArrayList<>(open(client, 0, 50));
            awaitOpen(relay, 50);
            double threads = relay.metric("jvm_threads_live_threads");

            streams.addAll(open(client, 50, 500));
            awaitOpen(relay, 500);

            assertThat(relay.metric("jvm_threads_live_threads")).as("threads with 500 streams, after %s with 50", threads)
                    .isLessThan(threads + 20);
            assertThat(DATABASE.connections()).isLessThanOrEqualTo(POOL + OWN);
            Emulator emulator = new Emulator(URI.create("http://127.0.0.1:" + inkeep.port()));
            // A stream is open here before Inkeep was asked, and only answers that are under way can be hurried.
            Awaitility.await("as many answers").atMost(Duration.ofSeconds(60)).until(emulator::streamsOpen,
                    open -> open == 500);
            emulator.hurry(LONG);
            streams.forEach(stream -> {
                stream.awaitEnd();
                assertThat(stream.end()).isEqualTo("[DONE]");
                assertThat(stream.ids()).isEqualTo(LongStream.rangeClosed(1, stream.lastNumber()).boxed().toList());
                assertThat(stream.answer().split(" word")).hasSize(26);
            });
            assertThat(DATABASE.connections()).isLessThanOrEqualTo(POOL + OWN);
        }
    }

    private static List<SseStream> open(RelayClient client, int from, int to) {
        return IntStream.range(from, to)
                .mapToObj(i -> client.chat(i % 2 == 0 ? "agents" : "cloud", "many-" + i, LONG)).toList();
    }

    private static void awaitOpen(RelayProcess relay, int streams) {
        Awaitility.await(streams + " open streams").atMost(Duration.ofSeconds(60))
                .untilAsserted(() -> assertThat(relay.metric("chat_relay_streams_open")).isEqualTo(streams));
    }
}
