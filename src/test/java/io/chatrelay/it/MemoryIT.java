package io.chatrelay.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.chatrelay.dev.InkeepEmulator;
import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.SseStream;
import io.chatrelay.support.it.TestPostgres;

/**
 * Nothing that an Inkeep sends or a reader leaves unread grows the heap: the service runs with a small one, and ends at once
 * where it is exhausted.
 */
@Order(5)
class MemoryIT {

    private static final TestPostgres DATABASE = TestPostgres.fresh();
    private static final long MEGABYTE = 1 << 20;
    private static InkeepEmulator inkeep;
    private static RelayProcess relay;
    private static RelayClient client;

    @BeforeAll
    static void start() {
        inkeep = new InkeepEmulator(RelayClient.VERTX).listen(0);
        relay = RelayProcess.on(DATABASE, inkeep).jvm("-Xmx96m").jvm("-XX:MaxDirectMemorySize=64m")
                .with("chat-relay.turn.max-size", "2M").with("chat-relay.journal.max-pending", "8M")
                .with("quarkus.datasource.jdbc.new-connection-sql", "set lock_timeout = '1s'").start();
        client = new RelayClient(relay);
    }

    @AfterAll
    static void stop() {
        relay.close();
        inkeep.close();
    }

    @AfterEach
    void itStillAnswers() {
        assertThat(relay.isAlive()).as(relay.toString()).isTrue();
        assertThat(relay.output()).doesNotContain("OutOfMemoryError");
        String conversation = "alive-" + System.nanoTime();
        assertThat(client.chat("agents", conversation, "echo still here").awaitEnd().answer()).isEqualTo("still here");
    }

    @Test
    void aReaderThatStopsReadingHoldsNobodyUpAndMissesNothing() {
        SseStream reader = client.chat("agents", "one-slow", "long 20000").awaitEvents(1);
        try (SlowReader slow = SlowReader.of(relay, "one-slow", reader.turn())) {
            reader.awaitEnd();

            assertThat(reader.end()).isEqualTo("[DONE]");
            awaitOpen(1);
            assertThat(reader.ids()).isEqualTo(numbers(reader.lastNumber()));
            assertThat(slow.readIds()).isEqualTo(client.replayOpenAi("one-slow", reader.turn()).awaitEnd().ids());
        }
    }

    @Test
    void aHundredReadersThatStopReadingCostLittleHeap() {
        long before = relay.heapAfterCollection();
        SseStream reader = client.chat("cloud", "many-slow", "long 20000").awaitEvents(1);
        List<SlowReader> slow = new ArrayList<>();
        try {
            IntStream.range(0, 100).forEach(_ -> slow.add(SlowReader.of(relay, "many-slow", reader.turn())));
            reader.awaitEnd();

            assertThat(reader.end()).isEqualTo("[DONE]");
            awaitOpen(100);
            // More than once, for what is being written at that moment is garbage a moment later.
            Awaitility.await("little heap").untilAsserted(
                    () -> assertThat(relay.heapAfterCollection() - before).as("bytes for 100 slow readers")
                            .isLessThan(24 * MEGABYTE));
            List<Long> ids = client.replayOpenAi("many-slow", reader.turn()).awaitEnd().ids();
            // All of them would read for a minute what these read.
            slow.subList(0, 20).forEach(one -> assertThat(one.readIds()).isEqualTo(ids));
        } finally {
            slow.forEach(SlowReader::close);
        }
    }

    @ParameterizedTest
    @CsvSource({ "agents, endless-line", "cloud, endless-line", "agents, huge 100", "cloud, huge 100", "agents, endless",
            "cloud, endless" })
    void anAnswerWithoutMeasureEndsItsTurn(String upstream, String text) {
        List<SseStream> streams = IntStream.range(0, 4)
                .mapToObj(i -> client.chat(upstream, "%s-%s-%d".formatted(upstream, text.replace(' ', '-'), i), text)).toList();

        streams.forEach(stream -> {
            assertThat(stream.awaitEnd().end()).isEqualTo("error");
            assertThat(stream.ids()).isEqualTo(numbers(stream.lastNumber()));
            assertTooLarge(stream);
        });
    }

    @Test
    void anInkeepThatIsFasterThanTheDatabaseWaitsForIt() {
        DATABASE.execute("""
                create function slow() returns trigger language plpgsql as
                'begin perform pg_sleep(0.2); return null; end'""",
                "create trigger slow before insert on turn_event for each statement execute function slow()");
        try {
            assertEndlessTurnsEnd("slow-database");
        } finally {
            DATABASE.execute("drop trigger slow on turn_event", "drop function slow");
        }
    }

    @Test
    void anInkeepThatAnswersWhileTheDatabaseStandsStillWaitsForIt() throws SQLException, InterruptedException {
        try (Connection connection = DATABASE.connect(); Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("lock table turn_event in exclusive mode");
            List<SseStream> streams = endless("locked-database");
            TimeUnit.SECONDS.sleep(5);
            assertThat(streams).allSatisfy(stream -> assertThat(stream.numbered()).isEmpty());
            connection.rollback();
            streams.forEach(MemoryIT::assertEndlessTurnEnds);
        }
    }

    /** The turn is over, and these streams of it are not, for nobody reads them. */
    private static void awaitOpen(int streams) {
        Awaitility.await(streams + " open streams").atMost(Duration.ofSeconds(60))
                .untilAsserted(() -> assertThat(relay.metric("chat_relay_streams_open")).isEqualTo(streams));
    }

    private static void assertEndlessTurnsEnd(String conversations) {
        endless(conversations).forEach(MemoryIT::assertEndlessTurnEnds);
    }

    private static List<SseStream> endless(String conversations) {
        return IntStream.range(0, 8)
                .mapToObj(i -> client.chat(i % 2 == 0 ? "agents" : "cloud", conversations + "-" + i, "endless")).toList();
    }

    private static void assertEndlessTurnEnds(SseStream stream) {
        assertThat(stream.awaitEnd().end()).isEqualTo("error");
        assertThat(stream.ids()).isEqualTo(numbers(stream.lastNumber()));
        assertTooLarge(stream);
    }

    private static void assertTooLarge(SseStream stream) {
        assertThat(DATABASE
                .number("select count(*) from turn where id = '%s' and state = 'failed' and error_code = 'turn_too_large'"
                        .formatted(stream.turn())))
                .isEqualTo(1);
    }

    private static List<Long> numbers(long last) {
        return LongStream.rangeClosed(1, last).boxed().toList();
    }
}
