package io.chatrelay.support.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

import org.awaitility.Awaitility;

import io.chatrelay.dev.InkeepEmulator;

/**
 * Two processes of the service, {@code a} and {@code b}, on one database and one Inkeep. Their leases are short, and the database notes
 * which of them stored which events, and when.
 */
public final class TwoReplicas implements AutoCloseable {

    public static final Duration LEASE = Duration.ofSeconds(3);
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    public final Postgres database;
    public final InkeepEmulator inkeep = new InkeepEmulator(RelayClient.VERTX).listen(0);
    private final UnaryOperator<RelayProcess.Setup> with;
    private final List<RelayProcess> started = new ArrayList<>();
    public RelayProcess a;
    public RelayProcess b;

    /** @param database with nothing in it */
    public TwoReplicas(Postgres database, UnaryOperator<RelayProcess.Setup> with) {
        this.database = database;
        this.with = with;
        a = launch("a");
        b = launch("b");
        Stream.of(a, b).forEach(RelayProcess::awaitReady);
        database.execute("""
                alter table turn_event add column writer text default current_setting('application_name'),
                    add column written_at timestamptz default clock_timestamp()""");
    }

    private RelayProcess launch(String name) {
        RelayProcess relay = with.apply(RelayProcess.on(database, inkeep)
                .with("quarkus.datasource.jdbc.additional-jdbc-properties.ApplicationName", name)
                .with("chat-relay.lease.duration", LEASE).with("chat-relay.lease.renew-every", "700ms")
                .with("chat-relay.lease.sweep-every", "500ms")
                // Whoever rewrites rows would count as their writer.
                .with("chat-relay.journal.compact-every", "1h")).launch();
        started.add(relay);
        return relay;
    }

    /** Starts those again that have ended, and waits for both. */
    public void startAgain() {
        if (!a.isAlive()) {
            a = launch("a");
        }
        if (!b.isAlive()) {
            b = launch("b");
        }
        Stream.of(a, b).forEach(RelayProcess::awaitReady);
    }

    /** The replicas that stored a turn's events, in the order of the events, each named once in a row. */
    public String writers(UUID turn) {
        return database.text("""
                select coalesce(string_agg(writer, ' ' order by first), '') from (
                    select first, writer, lag(writer) over (order by first) as before
                    from turn_event where turn_id = '%s') rows
                where writer is distinct from before""".formatted(turn));
    }

    public long rowsBy(String writer, UUID turn) {
        return database
                .number("select count(*) from turn_event where turn_id = '%s' and writer = '%s'".formatted(turn, writer));
    }

    public void assertState(UUID turn, String state) {
        assertThat(database.text("select state from turn where id = '%s'".formatted(turn))).isEqualTo(state);
    }

    /** That a reader was given the whole answer, each event once, and the same that is stored. */
    public void assertWhole(EventSourceReader reader, String conversation, String end) {
        reader.awaitStop();
        assertThat(reader.stoppedBy()).as("a reader that has read everything is told so").isEqualTo(204);
        assertThat(reader.end()).isEqualTo(end);
        assertThat(reader.ids()).isEqualTo(EventSourceReader.numbers(reader.lastNumber()));
        assertThat(new RelayClient(b).replay(conversation, reader.turn()).awaitEnd().numbered()).isEqualTo(reader.numbered());
    }

    /** Lines of the service's own that warn or worse. */
    public static List<String> warnings(RelayProcess relay) {
        return relay.log().stream().filter(line -> line.path("loggerName").asText().startsWith("io.chatrelay."))
                .filter(line -> line.path("level").asText().matches("WARN|ERROR")).map(line -> line.path("message").asText())
                .toList();
    }

    public static void awaitReadiness(RelayProcess relay, boolean ready) {
        Awaitility.await(relay + " ready: " + ready).atMost(PATIENCE).pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(50))
                .until(() -> relay.isReady() == ready);
    }

    @Override
    public void close() {
        started.forEach(RelayProcess::terminate);
        started.forEach(RelayProcess::close);
        inkeep.close();
    }
}
