package io.chatrelay.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

import io.chatrelay.dev.InkeepEmulator;
import io.chatrelay.support.it.EventSourceReader;
import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RoundRobin;
import io.chatrelay.support.it.SseStream;
import io.chatrelay.support.it.TestPostgres;
import io.chatrelay.support.it.TwoReplicas;

/** A deploy cuts no answer: SIGTERM hands turns over to another replica. */
@Isolated("who is stopped has some seconds for the rest")
@Order(17)
class RollingDeployIT {

    private static final int STREAMS = 200;
    @AutoClose
    private static final InkeepEmulator inkeep = new InkeepEmulator(RelayClient.VERTX).listen(0);

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
            ShutdownIT.assertRefused(
                    new RelayClient(replicas.a).post("/run/api/chat", RelayClient.body("agents", "new", "echo too late")));
            assertThat(new RelayClient(replicas.b).chat("agents", "new", "echo in time").awaitEnd().answer())
                    .isEqualTo("in time");
            assertThat(cloud.awaitEnd().end()).isEqualTo("[DONE]");
            assertThat(EventSourceReader.words(cloud.answer())).isEqualTo(EventSourceReader.words(120));
            assertThat(replicas.a.exitCode()).isEqualTo(ShutdownIT.TERMINATED);
            for (int i = 0; i < STREAMS; i++) {
                EventSourceReader reader = readers.get(i);
                replicas.assertWhole(reader, "deployed-" + i, "[DONE]");
                assertThat(EventSourceReader.words(reader.answer())).isEqualTo(EventSourceReader.words(100));
                assertThat(replicas.writers(reader.turn())).isEqualTo("a b");
                replicas.assertState(reader.turn(), "completed");
            }
            assertThat(TwoReplicas.warnings(replicas.a)).isEmpty();
            assertThat(TwoReplicas.warnings(replicas.b)).isEmpty();
        }
    }
}
