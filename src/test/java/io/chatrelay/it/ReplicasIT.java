package io.chatrelay.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.function.UnaryOperator;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.chatrelay.support.it.EventSourceReader;
import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RoundRobin;
import io.chatrelay.support.it.SseStream;
import io.chatrelay.support.it.TestPostgres;
import io.chatrelay.support.it.TwoReplicas;
import io.chatrelay.support.it.WaitingTurn;
import io.chatrelay.support.sse.SseEvent;

/** It does not matter which replica is asked, and one that is lost or asleep is replaced. */
@Order(7)
class ReplicasIT {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static TwoReplicas replicas;

    @BeforeAll
    static void start() {
        replicas = new TwoReplicas(TestPostgres.fresh(), UnaryOperator.identity());
    }

    @AfterAll
    static void stop() {
        replicas.close();
    }

    @BeforeEach
    void bothRun() {
        replicas.startAgain();
    }

    private static RelayClient a() {
        return new RelayClient(replicas.a);
    }

    private static RelayClient b() {
        return new RelayClient(replicas.b);
    }

    /** Steadily, and far more at once than a poll brings. */
    @ParameterizedTest
    @ValueSource(strings = { "words 80 30", "long 4000" })
    void aReaderFollowsATurnThatRunsElsewhere(String text) {
        String conversation = "followed-" + text.replace(' ', '-');
        SseStream owner = a().chat("agents", conversation, text).awaitEvents(20);
        SseStream whole = b().readOn(conversation, "1.0");
        SseStream rest = b().readOn(conversation, "1.20");
        owner.awaitEnd();

        assertThat(owner.end()).isEqualTo("[DONE]");
        assertThat(whole.awaitEnd().events()).as("the same events, numbers and end").isEqualTo(owner.events());
        assertThat(rest.awaitEnd().numbered()).isEqualTo(owner.numbered().subList(20, owner.numbered().size()));
        assertThat(replicas.writers(owner.turn())).as("nobody took it over").isEqualTo("a");
    }

    @Test
    void readersOfAReplicaThatIsKilledReadOnAtAnother() {
        try (RoundRobin both = new RoundRobin(replicas.a, replicas.b)) {
            SseStream agents = a().chat("agents", "killed-agents", "words 300 40").awaitEvents(20);
            SseStream cloud = a().chat("cloud", "killed-cloud", "words 300 40").awaitEvents(20);
            List<EventSourceReader> followers = List.of(EventSourceReader.of(both.api(), "killed-agents"),
                    EventSourceReader.of(both.api(), "killed-agents"));
            List<EventSourceReader> interrupted = List.of(EventSourceReader.of(both.api(), "killed-cloud"),
                    EventSourceReader.of(both.api(), "killed-cloud"));
            followers.forEach(reader -> reader.awaitEvents(40));
            interrupted.forEach(reader -> reader.awaitEvents(40));

            replicas.a.kill9();

            for (EventSourceReader reader : followers) {
                replicas.assertWhole(reader, "killed-agents", "[DONE]");
                assertThat(EventSourceReader.words(reader.answer())).isEqualTo(EventSourceReader.words(300));
            }
            for (EventSourceReader reader : interrupted) {
                replicas.assertWhole(reader, "killed-cloud", "error");
                List<String> words = EventSourceReader.words(reader.answer());
                assertThat(words).as("the partial answer").hasSizeBetween(30, 299)
                        .isEqualTo(EventSourceReader.words(words.size()));
                assertThat(b().messages("killed-cloud")).containsExactly("user: words 300 40", "assistant: " + reader.answer());
            }
            assertThat(followers).as("who read at the replica that was killed").anyMatch(reader -> reader.connections() > 2);
            replicas.assertState(agents.turn(), "completed");
            replicas.assertState(cloud.turn(), "interrupted");
            assertThat(replicas.writers(agents.turn())).isEqualTo("a b");
        }
    }

    @Test
    void aReplicaThatWakesUpAfterItsLeaseWritesNothing() {
        SseStream agents = a().chat("agents", "asleep-agents", "words 300 20").awaitEvents(40);
        SseStream cloud = a().chat("cloud", "asleep-cloud", "words 300 20").awaitEvents(40);
        int warned = TwoReplicas.warnings(replicas.a).size();
        replicas.a.pause();
        long ofAgents;
        long ofCloud;
        try {
            awaitWriter("b", agents.turn());
            awaitWriter("b", cloud.turn());
            ofAgents = replicas.rowsBy("a", agents.turn());
            ofCloud = replicas.rowsBy("a", cloud.turn());
        } finally {
            replicas.a.resume();
        }

        assertThat(agents.awaitEnd().state()).isEqualTo(SseStream.State.CUT);
        assertThat(cloud.awaitEnd().state()).isEqualTo(SseStream.State.CUT);
        SseStream restOfAgents = b().readOn("asleep-agents", agents.lastId()).awaitEnd();
        SseStream restOfCloud = b().readOn("asleep-cloud", cloud.lastId()).awaitEnd();
        assertThat(restOfAgents.end()).isEqualTo("[DONE]");
        assertThat(EventSourceReader.words(agents.answer() + restOfAgents.answer())).isEqualTo(EventSourceReader.words(300));
        assertThat(restOfCloud.end()).isEqualTo("error");

        TwoReplicas.awaitReadiness(replicas.a, true);
        SseStream anew = a().chat("agents", "asleep-agents", "echo awake again").awaitEnd();
        assertThat(anew.answer()).isEqualTo("awake again");
        assertThat(replicas.writers(anew.turn())).isEqualTo("a");
        assertThat(replicas.rowsBy("a", agents.turn())).as("what it stored before").isEqualTo(ofAgents);
        assertThat(replicas.rowsBy("a", cloud.turn())).isEqualTo(ofCloud);
        assertThat(replicas.writers(agents.turn())).isEqualTo("a b");
        assertThat(replicas.writers(cloud.turn())).isEqualTo("a b");
        List<String> warnings = TwoReplicas.warnings(replicas.a);
        // It may have fallen asleep within a transaction, whose session the database has ended since then.
        assertThat(warnings.subList(warned, warnings.size())).filteredOn(warning -> !warning.endsWith("PSQLException 25P03"))
                .singleElement().asString().contains("Lost the lease");
    }

    private static void awaitWriter(String replica, UUID turn) {
        Awaitility.await(replica + " takes the turn over").atMost(PATIENCE).until(() -> replicas.rowsBy(replica, turn) > 0);
    }

    @Test
    void whoeverWatchesTheInboxIsToldOfWhatHappensElsewhere() {
        SseStream watcher = a().inbox(null).awaitEvents(1);
        WaitingTurn waiting = new WaitingTurn(b(), "agents", "use tool delete_file").awaitAsked(b(), 1);
        awaitTold(watcher, waiting, "\"state\":\"pending\"");
        SseStream elsewhere = b().inbox(watcher.lastId());

        waiting.approve(b(), 0);

        awaitTold(watcher, waiting, "\"outcome\":\"executed\"");
        awaitTold(elsewhere, waiting, "\"outcome\":\"executed\"");
    }

    private static void awaitTold(SseStream inbox, WaitingTurn waiting, String state) {
        Awaitility.await(state).atMost(PATIENCE).until(() -> inbox.events().stream().map(SseEvent::data)
                .anyMatch(data -> data.contains(waiting.approval(0).toString()) && data.contains(state)));
    }

    @Test
    void aTurnIsCancelledByWhicheverReplicaIsAsked() {
        for (String upstream : List.of("agents", "cloud")) {
            String conversation = "cancelled-" + upstream;
            SseStream owner = a().chat(upstream, conversation, "words 1500 20").awaitEvents(20);
            SseStream follower = b().readOn(conversation, "0").awaitEvents(20);

            assertThat(b().cancel(conversation).statusCode()).isEqualTo(202);

            assertThat(owner.awaitEnd().end()).isEqualTo("abort");
            assertThat(follower.awaitEnd().events()).isEqualTo(owner.events());
            List<String> words = EventSourceReader.words(owner.answer());
            assertThat(words).hasSizeBetween(10, 1499).isEqualTo(EventSourceReader.words(words.size()));
            replicas.assertState(owner.turn(), "cancelled");
            assertThat(b().messages(conversation)).containsExactly("user: words 1500 20", "assistant: " + owner.answer());
            assertThat(b().chat(upstream, conversation, "echo it goes on").awaitEnd().answer()).isEqualTo("it goes on");
            assertThat(replicas.writers(owner.turn())).as("by the one that runs it").isEqualTo("a");
        }
    }
}
