package io.chatrelay.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.inkeep.Emulator;
import io.chatrelay.support.it.EventSourceReader;
import io.chatrelay.support.it.OwnPostgres;
import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.RoundRobin;
import io.chatrelay.support.it.SseStream;
import io.chatrelay.support.it.TwoReplicas;

/** While PostgreSQL is away nothing is told that is not stored; when it is back everything goes on, at the replica that it was. */
@Order(2)
class DatabaseAwayIT {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration LONGER_THAN_A_LEASE = TwoReplicas.LEASE.plusSeconds(1);
    /** It takes ten seconds, and two for each connection of the pool that one caller tries before. */
    private static final Duration ANSWERED_WITHIN = Duration.ofSeconds(40);
    /** Longer than it takes to open all streams on a busy machine; the rest comes at once after the outage. */
    private static final int WORDS = 2000;
    private static final String TEXT = "words %d 20".formatted(WORDS);
    private static final int PENDING_PER_TURN = 4 << 10;
    private static final int LARGEST_EVENT = 1 << 10;
    private static OwnPostgres database;
    private static TwoReplicas replicas;

    /** How it goes, and how it comes back. */
    private enum Outage {
        KILL_9(OwnPostgres::kill9, OwnPostgres::start),
        STOP(OwnPostgres::stop, OwnPostgres::start),
        /** Its connections stay open, and it does not answer. */
        SILENCE(OwnPostgres::pause, OwnPostgres::resume);

        private final Consumer<OwnPostgres> begin;
        private final Consumer<OwnPostgres> end;

        Outage(Consumer<OwnPostgres> begin, Consumer<OwnPostgres> end) {
            this.begin = begin;
            this.end = end;
        }
    }

    @BeforeAll
    static void start() {
        database = OwnPostgres.started();
        replicas = new TwoReplicas(database, setup -> setup.with("chat-relay.journal.max-pending-per-turn", PENDING_PER_TURN));
    }

    @AfterAll
    static void stop() {
        if (replicas != null) {
            replicas.close();
        }
        database.close();
    }

    private record Answer(String conversation, EventSourceReader reader) {}

    @ParameterizedTest
    @EnumSource
    void itGoesAndComesBackUnderLoad(Outage outage) {
        try (RoundRobin both = new RoundRobin(replicas.a, replicas.b)) {
            List<Answer> answers = Stream.concat(asked(outage, replicas.a, both), asked(outage, replicas.b, both)).toList();
            answers.forEach(answer -> answer.reader().awaitEvents(20));
            // By chance half of them read where the turn does not run.
            List<EventSourceReader> others = answers.stream().map(answer -> EventSourceReader.of(both.api(),
                    answer.conversation())).toList();
            others.forEach(other -> other.awaitEvents(20));
            String owners = owners();

            goesAndComesBack(outage, answers);
            new Emulator(URI.create("http://127.0.0.1:" + replicas.inkeep.port())).hurry(TEXT);

            for (Answer answer : answers) {
                replicas.assertWhole(answer.reader(), answer.conversation(), "[DONE]");
                assertThat(EventSourceReader.words(answer.reader().answer())).isEqualTo(EventSourceReader.words(WORDS));
                assertThat(answer.reader().streams()).as("whoever reads where the turn runs is not even cut")
                        .filteredOn(stream -> stream.status() == 200).hasSize(1);
            }
            for (int i = 0; i < others.size(); i++) {
                replicas.assertWhole(others.get(i), answers.get(i).conversation(), "[DONE]");
                assertThat(others.get(i).numbered()).isEqualTo(answers.get(i).reader().numbered());
            }
            assertThat(owners()).as("the replica that owns each turn").isEqualTo(owners);
            assertThat(database.number("select count(*) from turn where state <> 'completed'")).isZero();
            for (RelayProcess relay : List.of(replicas.a, replicas.b)) {
                SseStream next = new RelayClient(relay).chat("agents", "after-%s-%d".formatted(outage, relay.pid()),
                        "echo it goes on").awaitEnd();
                assertThat(next.answer()).isEqualTo("it goes on");
                assertThat(relay.output()).doesNotContain("Lost the lease", "is taken over");
            }
        }
    }

    private static void goesAndComesBack(Outage outage, List<Answer> answers) {
        Map<UUID, Long> told;
        Instant back;
        outage.begin.accept(database);
        try {
            // What was committed last is still on its way at first.
            Awaitility.await("nothing more is told").during(LONGER_THAN_A_LEASE).atMost(PATIENCE)
                    .until(new Unchanged(() -> answers.stream().map(answer -> answer.reader().lastNumber()).toList()));
            assertPendingIsBounded();
            assertSendsAndReadsAreRefused(answers.getFirst().conversation());
        } finally {
            told = answers.stream().collect(Collectors.toMap(answer -> answer.reader().turn(),
                    answer -> answer.reader().lastNumber()));
            back = Instant.now();
            outage.end.accept(database);
        }
        assertWasStoredBefore(back, told);
    }

    /** Four turns of Agents and two of Cloud, each read where it runs. */
    private static Stream<Answer> asked(Outage outage, RelayProcess relay, RoundRobin both) {
        return IntStream.range(0, 6).mapToObj(i -> {
            String conversation = "%s-%d-%d".formatted(outage, relay.pid(), i);
            return new Answer(conversation,
                    EventSourceReader.asking(relay, both.api(), i < 4 ? "agents" : "cloud", conversation,
                            TEXT));
        });
    }

    private static String owners() {
        return database.text("select string_agg(id || ' ' || owner, ',' order by id) from turn");
    }

    private static void assertSendsAndReadsAreRefused(String conversation) {
        RelayClient a = new RelayClient(replicas.a);
        RelayClient b = new RelayClient(replicas.b);
        String message = RelayClient.body("agents", "not-now", "echo not now");
        CompletableFuture<HttpResponse<String>> problem = answer(() -> a.post("/run/api/chat", message));
        CompletableFuture<HttpResponse<String>> documented = answer(() -> b.post("/run/v1/chat/completions", message));
        CompletableFuture<HttpResponse<String>> read = answer(() -> b.ask("/run/v1/conversations/" + conversation));
        assertThat(refused(problem).path("error").path("code").asText()).isEqualTo("service_unavailable");
        assertThat(refused(documented).at("/error/message").asText()).contains("database");
        assertThat(refused(documented).path("details").isArray()).isTrue();
        refused(read);
    }

    private static CompletableFuture<HttpResponse<String>> answer(Supplier<HttpResponse<String>> asked) {
        return CompletableFuture.supplyAsync(asked, Thread::startVirtualThread).orTimeout(ANSWERED_WITHIN.toSeconds(),
                TimeUnit.SECONDS);
    }

    private static JsonNode refused(CompletableFuture<HttpResponse<String>> asked) {
        HttpResponse<String> answer = asked.join();
        assertThat(answer.statusCode()).isEqualTo(503);
        assertThat(answer.headers().firstValueAsLong("retry-after").orElseThrow()).isPositive();
        JsonNode body = Json.read(answer.body());
        assertThat(body.path("code").asText()).isEqualTo("service_unavailable");
        assertThat(body.path("requestId").asText()).isNotEmpty();
        return body;
    }

    /** Six turns have said more by now than they may hold: they are not read further. */
    private static void assertPendingIsBounded() {
        for (RelayProcess relay : List.of(replicas.a, replicas.b)) {
            assertThat(relay.metric("chat_relay_journal_pending_bytes")).isPositive()
                    .isLessThan(6 * (PENDING_PER_TURN + LARGEST_EVENT));
        }
    }

    /** That everything that was told while it was away is in rows from before that. */
    private static void assertWasStoredBefore(Instant back, Map<UUID, Long> told) {
        told.forEach((turn, last) -> assertThat(database.number("""
                select max(last) from turn_event where turn_id = '%s' and written_at < '%s'""".formatted(turn, back)))
                .as("stored of turn %s", turn).isGreaterThanOrEqualTo(last));
    }
}
