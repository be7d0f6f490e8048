package io.chatrelay.benchmark;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

import io.chatrelay.dev.EmulatorMain;
import io.chatrelay.support.it.FreePort;
import io.chatrelay.support.it.Postgres;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.TestPostgres;

/**
 * Paced streams through the service, with durable writes, beside the same streams read from the emulator directly; then decisions. Service,
 * PostgreSQL and emulator are processes of their own; all share the machine, so absolute numbers are the machine's.
 */
public final class Benchmark {

    private static final PacedStreams PACED = new PacedStreams(Duration.ofSeconds(4), 10);
    private static final String OPTIONS = "CHAT_RELAY_BENCH_OPTIONS";

    private Benchmark() {}

    /** @param args how many streams; 10, 100 and 500 if there are none */
    public static void main(String... args) throws IOException, InterruptedException {
        int[] levels = args.length == 0 ? new int[]{ 10, 100, 500 } : Stream.of(args).mapToInt(Integer::parseInt).toArray();
        int port = FreePort.find();
        Process emulator = emulator(port);
        TestPostgres database = TestPostgres.fresh();
        URI inkeep = URI.create("http://127.0.0.1:%d/run".formatted(port));
        RelayProcess.Setup setup = service(database, port);
        try (RelayProcess relay = setup.start()) {
            System.err.println(relay);
            long postgres = database.serverPid();
            PacedStreams.warmUp(chat(relay), 200);
            System.out.println(
                    """
                            | Streams | Events/s | Events/s direct | Added p50 ms | Added p99 ms | Delay p99 ms, direct | CPU µs/event, service \
                            | CPU µs/event, PostgreSQL | Commits/s | Events/commit |
                            |---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|""");
            for (int streams : levels) {
                measure(streams, relay, inkeep, database, postgres);
            }
            decisions(relay, inkeep);
        } finally {
            emulator.destroy();
        }
        System.exit(0);
    }

    /** The service as it is measured, with the options of whoever measures. @param emulator its port */
    static RelayProcess.Setup service(Postgres database, int emulator) {
        RelayProcess.Setup setup = RelayProcess.unconfigured().database(database)
                .upstreams(URI.create("http://127.0.0.1:%d/run".formatted(emulator)),
                        URI.create("http://127.0.0.1:%d/v1".formatted(emulator)))
                .key().jvm("-Xmx1g")
                .with("quarkus.log.level", "WARN").with("quarkus.log.category.\"io.quarkus\".level", "INFO");
        options().forEach(setup::jvm);
        return setup;
    }

    /** Further JVM options for the service, of whoever measures. */
    static List<String> options() {
        return Stream.of(System.getenv().getOrDefault(OPTIONS, "").split("\\s+")).filter(option -> !option.isEmpty()).toList();
    }

    static Process emulator(int port) throws IOException, InterruptedException {
        return emulator(port, "512m");
    }

    /** @param heap its size, for it keeps the answers of twenty thousand conversations */
    static Process emulator(int port, String heap) throws IOException, InterruptedException {
        return Jvm.listening(port, "benchmark-emulator", List.of("-Xmx" + heap, "-cp", System.getProperty("java.class.path"),
                EmulatorMain.class.getName(), Integer.toString(port)));
    }

    private static URI chat(RelayProcess relay) {
        return relay.api().resolve("/run/api/chat");
    }

    private static void measure(int streams, RelayProcess relay, URI inkeep, TestPostgres database, long postgres)
            throws InterruptedException {
        PacedStreams.Seen direct = PACED.read(URI.create(inkeep + "/api/chat"), streams, "direct-" + streams);
        PacedStreams.Seen seen = PACED.read(chat(relay), streams, "relay-" + streams,
                () -> (long) relay.metric("chat_relay_streams_events_total"),
                () -> (long) relay.metric("chat_relay_journal_commit_seconds_count"),
                database::commits,
                () -> Cpu.micros(relay.pid()),
                () -> Cpu.microsOfFamily(postgres));
        double events = seen.perSecond(0);
        double committed = seen.perSecond(1);
        System.out.printf(Locale.ROOT, "| %d | %.0f | %.0f | %.1f | %.1f | %.1f | %.0f | %.0f | %.0f | %.1f |%n", streams,
                events, direct.eventsPerSecond(), seen.delayMillis(50) - direct.delayMillis(50),
                seen.delayMillis(99) - direct.delayMillis(99), direct.delayMillis(99), seen.perSecond(3) / events,
                seen.perSecond(4) / events, committed, events / committed);
        System.err.printf(Locale.ROOT,
                "%d streams: %d failed, %.0f commits/s of the database in all, delay p50 %.1f p99 %.1f max %.1f ms%n",
                streams, seen.failed(), seen.perSecond(2), seen.delayMillis(50), seen.delayMillis(99), seen.delayMillis(100));
    }

    private static void decisions(RelayProcess relay, URI inkeep) throws IOException, InterruptedException {
        new Decisions(relay, inkeep).measure(100, 10);
        System.out.println("""

                | Decisions | Turns at once | Decision to Inkeep p50 ms | p99 ms | Decision to its answer p50 ms | p99 ms |
                |---:|---:|---:|---:|---:|---:|""");
        for (int atOnce : new int[]{ 1, 10, 50 }) {
            new Decisions(relay, inkeep).measure(Math.max(200, atOnce * 10), atOnce);
        }
    }
}
