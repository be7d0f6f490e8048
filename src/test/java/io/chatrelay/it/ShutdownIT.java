package io.chatrelay.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.devmode.InkeepEmulator;

/** A deploy cuts no answer: SIGTERM hands turns over, and where nobody is left to take them, lets them end. */
@Isolated("who is stopped has some seconds for the rest")
@Order(6)
class ShutdownIT {

    private static final int STREAMS = 200;
    /** 128 + SIGTERM, as of any process that ends by it. */
    private static final int TERMINATED = 143;
    private static InkeepEmulator inkeep;

    @BeforeAll
    static void startInkeep() {
        inkeep = new InkeepEmulator(RelayClient.VERTX).listen(0);
    }

    @AfterAll
    static void stopInkeep() {
        inkeep.close();
    }

    @Test
    void twoHundredAnswersGoOnAtAnotherReplica() {
        try (TwoReplicas replicas = new TwoReplicas(TestPostgres.fresh(), UnaryOperator.identity());
                RoundRobin both = new RoundRobin(replicas.a, replicas.b)) {
            List<EventSourceReader> readers = IntStream.range(0, STREAMS).mapToObj(i -> EventSourceReader.asking(replicas.a,
                    both.api(), "agents", "deployed-" + i, "words 100 120")).toList();
            readers.forEach(reader -> reader.awaitEvents(10));
            // Nobody can take this one over: it keeps its replica there until it ends, and who comes back may be sent there again.
            SseStream cloud = new RelayClient(replicas.a).chat("cloud", "deployed-cloud", "words 120 50").awaitEvents(10);

            replicas.a.terminate();

            TwoReplicas.awaitReadiness(replicas.a, false);
            assertRefused(
                    new RelayClient(replicas.a).post("/run/api/chat", RelayClient.body("agents", "new", "echo too late")));
            assertThat(new RelayClient(replicas.b).chat("agents", "new", "echo in time").awaitEnd().text())
                    .isEqualTo("in time");
            assertThat(cloud.awaitEnd().end()).isEqualTo("[DONE]");
            assertThat(EventSourceReader.words(cloud.text())).isEqualTo(EventSourceReader.words(120));
            assertThat(replicas.a.exitCode()).isEqualTo(TERMINATED);
            for (int i = 0; i < STREAMS; i++) {
                EventSourceReader reader = readers.get(i);
                replicas.assertWhole(reader, "deployed-" + i, "[DONE]");
                assertThat(EventSourceReader.words(reader.text())).isEqualTo(EventSourceReader.words(100));
                assertThat(replicas.writers(reader.turn())).isEqualTo("a b");
                replicas.assertState(reader.turn(), "completed");
            }
            assertThat(TwoReplicas.warnings(replicas.a)).isEmpty();
            assertThat(TwoReplicas.warnings(replicas.b)).isEmpty();
        }
    }

    @Test
    void aReplicaThatIsAloneLetsItsTurnsEndAndTakesNoNewOnes() {
        TestPostgres database = TestPostgres.fresh();
        // A grace that no test waits for: it ends because its turns have ended.
        try (RelayProcess relay = RelayProcess.on(database, inkeep).with("chat-relay.shutdown.grace", "5m").start()) {
            RelayClient client = new RelayClient(relay);
            SseStream agents = client.chat("agents", "alone-agents", "words 200 20").awaitEvents(20);
            SseStream cloud = client.chat("cloud", "alone-cloud", "words 200 20").awaitEvents(20);

            relay.terminate();

            TwoReplicas.awaitReadiness(relay, false);
            assertRefused(client.post("/run/api/chat", RelayClient.body("agents", "alone-new", "echo too late")));
            HttpResponse<String> openAi = client.post("/run/v1/chat/completions",
                    RelayClient.body("agents", "alone-new", "echo too late"));
            assertRefused(openAi);
            assertThat(RelayClient.read(openAi.body()).at("/error/message").isTextual()).isTrue();
            assertThat(agents.awaitEnd().end()).isEqualTo("[DONE]");
            assertThat(cloud.awaitEnd().end()).isEqualTo("[DONE]");
            assertThat(EventSourceReader.words(agents.text())).isEqualTo(EventSourceReader.words(200));
            assertThat(EventSourceReader.words(cloud.text())).isEqualTo(EventSourceReader.words(200));
            assertThat(relay.exitCode()).isEqualTo(TERMINATED);
            assertThat(database.number("select count(*) from conversation where external_id = 'alone-new'")).isZero();
        }
    }

    @Test
    void aTurnLongerThanTheGraceIsTakenUpByTheNextStart() {
        TestPostgres database = TestPostgres.fresh();
        try (RoundRobin address = new RoundRobin(); RelayProcess first = alone(database)) {
            address.add(first);
            EventSourceReader agents = EventSourceReader.asking(first, address.api(), "agents", "long-agents", "words 250 20");
            EventSourceReader cloud = EventSourceReader.asking(first, address.api(), "cloud", "long-cloud", "words 250 20");
            agents.awaitEvents(20);
            cloud.awaitEvents(20);

            first.terminate();

            assertThat(first.exitCode()).isEqualTo(TERMINATED);
            assertThat(agents.lastNumber()).isLessThan(250);
            try (RelayProcess next = alone(database)) {
                address.add(next);
                assertThat(agents.awaitStop().stoppedBy()).isEqualTo(204);
                assertThat(agents.end()).isEqualTo("[DONE]");
                assertThat(agents.ids()).isEqualTo(EventSourceReader.numbers(agents.lastNumber()));
                assertThat(EventSourceReader.words(agents.text())).isEqualTo(EventSourceReader.words(250));
                assertThat(cloud.awaitStop().stoppedBy()).isEqualTo(204);
                assertThat(cloud.end()).isEqualTo("error");
                assertThat(cloud.ids()).isEqualTo(EventSourceReader.numbers(cloud.lastNumber()));
            }
        }
    }

    private static RelayProcess alone(TestPostgres database) {
        return RelayProcess.on(database, inkeep).with("chat-relay.shutdown.grace", "1s").start();
    }

    private static void assertRefused(HttpResponse<String> answer) {
        assertThat(answer.statusCode()).isEqualTo(503);
        assertThat(answer.headers().firstValueAsLong("retry-after").orElseThrow()).isPositive();
        JsonNode body = RelayClient.read(answer.body());
        assertThat(body.path("code").asText()).isEqualTo("service_unavailable");
        assertThat(body.path("requestId").asText()).isNotEmpty();
    }
}
