package io.chatrelay.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;

import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.dev.InkeepEmulator;
import io.chatrelay.support.Json;
import io.chatrelay.support.it.EventSourceReader;
import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.RoundRobin;
import io.chatrelay.support.it.SseStream;
import io.chatrelay.support.it.TestPostgres;
import io.chatrelay.support.it.TwoReplicas;
import io.chatrelay.support.it.WaitingTurn;

/** SIGTERM where no other replica is there to take turns over: they end within the grace, or the next start goes on with them. */
@Execution(ExecutionMode.CONCURRENT)
@Order(8)
class ShutdownIT {

    /** 128 + SIGTERM, as of any process that ends by it. */
    static final int TERMINATED = 143;
    @AutoClose
    private static final InkeepEmulator inkeep = new InkeepEmulator(RelayClient.VERTX).listen(0);

    @Test
    void aReplicaThatIsAloneLetsItsTurnsEndAndTakesNoNewOnes() {
        TestPostgres database = TestPostgres.fresh();
        // A grace that no test waits for: it ends because its turns have ended.
        try (RelayProcess relay = RelayProcess.on(database, inkeep).with("chat-relay.shutdown.grace", "5m").start()) {
            RelayClient client = new RelayClient(relay);
            SseStream agents = client.chat("agents", "alone-agents", "words 400 20").awaitEvents(20);
            SseStream cloud = client.chat("cloud", "alone-cloud", "words 400 20").awaitEvents(20);

            relay.terminate();

            TwoReplicas.awaitReadiness(relay, false);
            assertRefused(client.post("/run/api/chat", RelayClient.body("agents", "alone-new", "echo too late")));
            HttpResponse<String> openAi = client.post("/run/v1/chat/completions",
                    RelayClient.body("agents", "alone-new", "echo too late"));
            assertRefused(openAi);
            assertThat(Json.read(openAi.body()).at("/error/message").isTextual()).isTrue();
            assertThat(agents.awaitEnd().end()).isEqualTo("[DONE]");
            assertThat(cloud.awaitEnd().end()).isEqualTo("[DONE]");
            assertThat(EventSourceReader.words(agents.answer())).isEqualTo(EventSourceReader.words(400));
            assertThat(EventSourceReader.words(cloud.answer())).isEqualTo(EventSourceReader.words(400));
            assertThat(relay.exitCode()).isEqualTo(TERMINATED);
            assertThat(database.number("select count(*) from conversation where external_id = 'alone-new'")).isZero();
        }
    }

    @Test
    void aTurnLongerThanTheGraceIsTakenUpByTheNextStart() {
        TestPostgres database = TestPostgres.fresh();
        try (RoundRobin address = new RoundRobin(); RelayProcess first = alone(database)) {
            address.add(first);
            EventSourceReader agents = EventSourceReader.asking(first, address.api(), "agents", "long-agents", "words 400 20");
            EventSourceReader cloud = EventSourceReader.asking(first, address.api(), "cloud", "long-cloud", "words 400 20");
            agents.awaitEvents(20);
            cloud.awaitEvents(20);
            SseStream inbox = new RelayClient(first).inbox(null).awaitEvents(1);

            first.terminate();

            assertThat(first.exitCode()).isEqualTo(TERMINATED);
            assertThat(inbox.awaitEnd().state()).isEqualTo(SseStream.State.CUT);
            assertThat(inbox.retry()).as("whoever watches the inbox is sent away").isPresent();
            assertThat(agents.lastNumber()).isLessThan(400);
            try (RelayProcess next = alone(database)) {
                address.add(next);
                SseStream again = new RelayClient(next).inbox(inbox.lastId());
                new WaitingTurn(new RelayClient(next), "agents", "use tool delete_file");
                assertThat(again.awaitEvents(1).events().getFirst().json().path("state").asText()).isEqualTo("pending");
                assertThat(agents.awaitStop().stoppedBy()).isEqualTo(204);
                assertThat(agents.end()).isEqualTo("[DONE]");
                assertThat(agents.ids()).isEqualTo(EventSourceReader.numbers(agents.lastNumber()));
                assertThat(EventSourceReader.words(agents.answer())).isEqualTo(EventSourceReader.words(400));
                assertThat(cloud.awaitStop().stoppedBy()).isEqualTo(204);
                assertThat(cloud.end()).isEqualTo("error");
                assertThat(cloud.ids()).isEqualTo(EventSourceReader.numbers(cloud.lastNumber()));
            }
        }
    }

    private static RelayProcess alone(TestPostgres database) {
        return RelayProcess.on(database, inkeep).with("chat-relay.shutdown.grace", "1s").start();
    }

    static void assertRefused(HttpResponse<String> answer) {
        assertThat(answer.statusCode()).isEqualTo(503);
        assertThat(answer.headers().firstValueAsLong("retry-after").orElseThrow()).isPositive();
        JsonNode body = Json.read(answer.body());
        assertThat(body.path("code").asText()).isEqualTo("service_unavailable");
        assertThat(body.path("requestId").asText()).isNotEmpty();
    }
}
