package io.chatrelay.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.LongStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.dev.InkeepEmulator;
import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.SseStream;
import io.chatrelay.support.it.TestPostgres;
import io.chatrelay.support.sse.SseEvent;

/**
 * {@code kill -9} loses nothing that a reader saw, and a conversation goes on. All turns are in one process when it is killed, some have
 * ended and some are in the midst of their answer; another is started at the same database, and takes those over.
 */
@Order(6)
class RestartIT {

    private static final TestPostgres DATABASE = TestPostgres.fresh();
    private static final Map<String, SseStream> FIRST = new HashMap<>();
    private static final Map<String, SseStream> SEEN = new HashMap<>();
    private static InkeepEmulator inkeep;
    private static RelayProcess relay;

    @BeforeAll
    static void killAndStartAgain() {
        inkeep = new InkeepEmulator(RelayClient.VERTX).listen(0);
        try (RelayProcess killed = start(DATABASE)) {
            RelayClient client = new RelayClient(killed);
            for (String upstream : List.of("agents", "cloud")) {
                FIRST.put(upstream, client.chat(upstream, "between-" + upstream, "echo a first answer").awaitEnd());
                SEEN.put(upstream, client.chat(upstream, "within-" + upstream, "words 1000 20"));
            }
            SEEN.values().forEach(seen -> seen.awaitEvents(40));
            killed.kill9();
        }
        relay = start(DATABASE);
    }

    @AfterAll
    static void stop() {
        if (relay != null) {
            relay.close();
        }
        inkeep.close();
    }

    private static RelayProcess start(TestPostgres database) {
        return RelayProcess.on(database, inkeep).shortLease().start();
    }

    @ParameterizedTest
    @ValueSource(strings = { "agents", "cloud" })
    void aConversationGoesOnAfterKill(String upstream) {
        String conversation = "between-" + upstream;
        SseStream first = FIRST.get(upstream);
        assertThat(first.end()).isEqualTo("[DONE]");
        RelayClient client = new RelayClient(relay);

        SseStream second = client.chat(upstream, conversation, "echo a second answer").awaitEnd();

        assertThat(second.end()).isEqualTo("[DONE]");
        assertThat(client.messages(conversation)).containsExactly("user: echo a first answer",
                "assistant: a first answer", "user: echo a second answer", "assistant: a second answer");
        for (SseStream turn : List.of(first, second)) {
            assertThat(client.replay(conversation, turn.turn()).awaitEnd().events()).isEqualTo(turn.events());
        }
        assertInkeepKnowsTheConversation(upstream);
    }

    /** Cloud is given the whole history; Agents keeps it, and is given the same conversation id again. */
    private static void assertInkeepKnowsTheConversation(String upstream) {
        JsonNode asked = asked("echo a second answer", upstream);
        if (upstream.equals("cloud")) {
            assertThat(asked.path("messages").findValuesAsText("content")).containsExactly("echo a first answer",
                    "a first answer", "echo a second answer");
            assertThat(asked.path("messages").findValuesAsText("role")).containsExactly("user", "assistant", "user");
        } else {
            assertThat(asked.path("messages")).hasSize(1);
            assertThat(asked.path("conversationId").asText()).isNotEmpty()
                    .isEqualTo(asked("echo a first answer", upstream).path("conversationId").asText());
        }
    }

    private static JsonNode asked(String text, String upstream) {
        String path = upstream.equals("cloud") ? "/v1/" : "/run/";
        JsonNode requests = RelayClient.get(URI.create("http://127.0.0.1:%d/emulator/requests?text=%s".formatted(inkeep.port(),
                text.replace(" ", "%20"))));
        JsonNode found = null;
        for (JsonNode request : requests) {
            if (request.path("path").asText().startsWith(path)) {
                found = request.path("body");
            }
        }
        assertThat(found).as("a request to %s with %s", upstream, text).isNotNull();
        return found;
    }

    @Test
    void aRunOfAgentsIsFollowedFurtherToItsEnd() {
        List<SseEvent> whole = readOverTheKill("agents", "[DONE]", "completed");

        assertThat(whole.stream().map(SseEvent::data).filter(data -> data.contains("@"))).as("words, each once")
                .hasSize(1000).doesNotHaveDuplicates();
    }

    @Test
    void aTurnOfCloudIsInterruptedAndReadToItsEnd() {
        readOverTheKill("cloud", "error", "interrupted");
    }

    /** A turn of 1000 words that outlives its process. Returns what its readers saw. */
    private static List<SseEvent> readOverTheKill(String upstream, String end, String state) {
        String conversation = "within-" + upstream;
        SseStream seen = SEEN.get(upstream);
        assertThat(seen.awaitEnd().state()).isEqualTo(SseStream.State.CUT);
        UUID turn = seen.turn();
        RelayClient client = new RelayClient(relay);

        SseStream rest = client.readOn(conversation, seen.lastId()).awaitEnd();

        assertThat(rest.status()).isEqualTo(200);
        assertThat(rest.turn()).isEqualTo(turn);
        assertThat(rest.ids()).as("the next numbers, without gap or repeat")
                .isEqualTo(LongStream.rangeClosed(seen.lastNumber() + 1, rest.lastNumber()).boxed().toList());
        assertThat(rest.end()).isEqualTo(end);

        List<SseEvent> stored = client.replay(conversation, turn).awaitEnd().numbered();
        assertThat(stored).isEqualTo(Stream.concat(seen.numbered().stream(), rest.numbered().stream()).toList());
        assertThat(client.messages(conversation)).containsExactly("user: words 1000 20",
                "assistant: " + seen.answer() + rest.answer());
        assertThat(DATABASE.number("select count(*) from turn where id = '%s' and state = '%s'".formatted(turn, state)))
                .isEqualTo(1);

        SseStream next = client.chat(upstream, conversation, "echo it goes on").awaitEnd();
        assertThat(next.end()).isEqualTo("[DONE]");
        assertThat(next.answer()).isEqualTo("it goes on");
        return stored;
    }

    @Test
    void aReplicaWhoseLeaseWasTakenStoresNothingMore() {
        String conversation = "fenced";
        TestPostgres database = TestPostgres.fresh();
        try (RelayProcess fenced = start(database)) {
            RelayClient client = new RelayClient(fenced);
            // Of Cloud, whose runs nobody can follow further: what is stored after the loss is the turn's end alone.
            SseStream seen = client.chat("cloud", conversation, "words 1000 20").awaitEvents(40);

            database.execute("update replica set alive = false where alive");

            assertThat(seen.awaitEnd().state()).isEqualTo(SseStream.State.CUT);
            assertThat(fenced.output()).contains("Lost the lease");
            SseStream rest = client.readOn(conversation, seen.lastId()).awaitEnd();
            assertThat(rest.end()).isEqualTo("error");
            assertThat(rest.ids()).as("only the turn's end, for nothing else was stored")
                    .isEqualTo(LongStream.rangeClosed(seen.lastNumber() + 1, rest.lastNumber()).boxed().toList())
                    .hasSizeLessThan(5);
        }
    }
}
