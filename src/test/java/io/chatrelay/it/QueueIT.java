package io.chatrelay.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.TestPostgres;
import io.chatrelay.support.it.TwoReplicas;

/** Messages that wait survive their process: another replica, or the next process, has each answered once, in their order. */
@Order(8)
class QueueIT {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static TwoReplicas replicas;

    @BeforeAll
    static void start() {
        replicas = new TwoReplicas(TestPostgres.fresh(), setup -> setup);
    }

    @AfterAll
    static void stop() {
        replicas.close();
    }

    private static List<String> enqueue(RelayProcess replica, String conversation, int count) {
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            ObjectNode ask = Json.ask(conversation, "words 30 10 " + i).put("onRunning", "enqueue").put("model", "agents");
            Relay.Answer answer = new Relay(replica.api(), RelayClient.KEY).post(Relay.CHAT, ask);
            assertThat(answer.status()).as(answer.body()).isEqualTo(202);
            ids.add(answer.json().path("id").asText());
        }
        return ids;
    }

    /** Each once, in order, and Inkeep was asked once for each. */
    private static void assertAnswered(RelayProcess replica, String conversation, List<String> ids) {
        await().atMost(PATIENCE).until(() -> replicas.database.number(
                "select count(*) from turn t join conversation c on c.id = t.conversation_id where c.external_id = '%s' and t.state = 'completed'"
                        .formatted(conversation)) == ids.size() + 1);
        List<String> begun = new ArrayList<>();
        for (int ordinal = 2; ordinal < 2 + ids.size(); ordinal++) {
            begun.add(replicas.database.text("""
                    select t.id::text from turn t join conversation c on c.id = t.conversation_id
                    where c.external_id = '%s' and t.ordinal = %d""".formatted(conversation, ordinal)));
        }
        assertThat(begun).isEqualTo(ids);
        JsonNode left = new RelayClient(replica).get("/run/v1/conversations/%s/queue".formatted(conversation));
        assertThat(left.path("data")).isEmpty();
        assertThat(new RelayClient(replica).messages(conversation)).filteredOn(said -> said.startsWith("user: words 30"))
                .hasSize(ids.size()).isSorted();
    }

    @Test
    void areBegunByTheOtherReplicaOnceTheFirstIsDead() {
        String conversation = "queue-" + UUID.randomUUID();
        new RelayClient(replicas.a).chat("agents", conversation, "words 150 20").awaitEvents(5);
        List<String> ids = enqueue(replicas.a, conversation, 4);

        replicas.a.kill9();

        assertAnswered(replicas.b, conversation, ids);
        replicas.startAgain();
    }

    @Test
    void areThereAfterAllProcessesWereKilled() {
        String conversation = "queue-" + UUID.randomUUID();
        new RelayClient(replicas.b).chat("agents", conversation, "words 150 20").awaitEvents(5);
        List<String> ids = enqueue(replicas.a, conversation, 4);

        replicas.a.kill9();
        replicas.b.kill9();
        replicas.startAgain();

        assertAnswered(replicas.a, conversation, ids);
    }
}
