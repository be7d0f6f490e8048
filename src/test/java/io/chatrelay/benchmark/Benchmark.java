package io.chatrelay.benchmark;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.stream.Stream;

import org.HdrHistogram.Histogram;

import io.chatrelay.dev.EmulatorMain;
import io.chatrelay.support.it.Postgres;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.TestPostgres;

/**
 * Paced streams through the service, with durable writes, beside the same streams read from the emulator directly; then decisions. Service,
 * PostgreSQL and emulator are processes of their own; all share the machine, so absolute numbers are the machine's.
 */
public final class Benchmark {

    private static final int MILLIS_BETWEEN_WORDS = 20;
    private static final int SETTLE_SECONDS = 4;
    private static final int MEASURE_SECONDS = 10;
    private static final String OPTIONS = "CHAT_RELAY_BENCH_OPTIONS";
    private static final String TEXT = "words %d %d".formatted(
            (SETTLE_SECONDS + MEASURE_SECONDS + 2) * 1000 / MILLIS_BETWEEN_WORDS, MILLIS_BETWEEN_WORDS);

    private record Direct(double eventsPerSecond, Histogram delays) {}

    private Benchmark() {}

    /** @param args how many streams; 10, 100 and 500 if there are none */
    public static void main(String... args) throws IOException, InterruptedException {
        int[] levels = args.length == 0 ? new int[]{ 10, 100, 500 } : Stream.of(args).mapToInt(Integer::parseInt).toArray();
        int port = freePort();
        Process emulator = emulator(port);
        TestPostgres database = TestPostgres.fresh();
        URI inkeep = URI.create("http://127.0.0.1:%d/run".formatted(port));
        RelayProcess.Setup setup = service(database, port);
        try (RelayProcess relay = setup.start()) {
            System.err.println(relay);
            long postgres = database.number("select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::bigint");
            warmUp(relay);
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
        for (String option : System.getenv().getOrDefault(OPTIONS, "").split("\\s+")) {
            setup = option.isEmpty() ? setup : setup.jvm(option);
        }
        return setup;
    }

    static Process emulator(int port) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx512m",
                "-cp",
                System.getProperty("java.class.path"), EmulatorMain.class.getName(), Integer.toString(port))
                .redirectErrorStream(true).redirectOutput(Path.of("target", "benchmark-emulator.log").toFile()).start();
        while (true) {
            try (Socket _ = new Socket("127.0.0.1", port)) {
                return process;
            } catch (IOException e) {
                if (!process.isAlive()) {
                    throw new IOException("The emulator did not start, see target/benchmark-emulator.log", e);
                }
                TimeUnit.MILLISECONDS.sleep(50);
            }
        }
    }

    static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private static URI chat(RelayProcess relay) {
        return relay.api().resolve("/run/api/chat");
    }

    private static void warmUp(RelayProcess relay) throws InterruptedException {
        try (Readers readers = new Readers(chat(relay))) {
            readers.open(200, "warm", "words 600 20").await(60, TimeUnit.SECONDS);
        }
    }

    private static void measure(int streams, RelayProcess relay, URI inkeep, TestPostgres database, long postgres)
            throws InterruptedException {
        Direct direct = direct(streams, inkeep);
        try (Readers readers = new Readers(chat(relay))) {
            CountDownLatch open = readers.open(streams, "relay-" + streams, TEXT);
            TimeUnit.SECONDS.sleep(SETTLE_SECONDS);
            LongSupplier commits = () -> (long) relay.metric("chat_relay_journal_commit_seconds_count");
            long events = (long) relay.metric("chat_relay_streams_events_total");
            long committed = commits.getAsLong();
            long databaseCommitted = database.commits();
            long service = Cpu.micros(relay.pid());
            long server = Cpu.microsOfFamily(postgres);
            long start = System.nanoTime();
            Histogram delays = readers.measure(MEASURE_SECONDS);
            service = Cpu.micros(relay.pid()) - service;
            server = Cpu.microsOfFamily(postgres) - server;
            double seconds = (System.nanoTime() - start) / 1e9;
            events = (long) relay.metric("chat_relay_streams_events_total") - events;
            committed = commits.getAsLong() - committed;
            databaseCommitted = database.commits() - databaseCommitted;
            System.out.printf(Locale.ROOT, "| %d | %.0f | %.0f | %.1f | %.1f | %.1f | %.0f | %.0f | %.0f | %.1f |%n", streams,
                    events / seconds, direct.eventsPerSecond(), added(50, delays, direct), added(99, delays, direct),
                    direct.delays().getValueAtPercentile(99) / 1000.0, (double) service / events, (double) server / events,
                    committed / seconds, (double) events / committed);
            System.err.printf(Locale.ROOT,
                    "%d streams: %d failed, %d commits of the database in all, delay p50 %.1f p99 %.1f max %.1f ms%n",
                    streams, readers.failed(), databaseCommitted, delays.getValueAtPercentile(50) / 1000.0,
                    delays.getValueAtPercentile(99) / 1000.0, delays.getMaxValue() / 1000.0);
            open.await(60, TimeUnit.SECONDS);
        }
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

    private static Direct direct(int streams, URI inkeep) throws InterruptedException {
        try (Readers readers = new Readers(URI.create(inkeep + "/api/chat"))) {
            CountDownLatch open = readers.open(streams, "direct-" + streams, TEXT);
            TimeUnit.SECONDS.sleep(SETTLE_SECONDS);
            Histogram delays = readers.measure(MEASURE_SECONDS);
            open.await(60, TimeUnit.SECONDS);
            return new Direct((double) delays.getTotalCount() / MEASURE_SECONDS, delays);
        }
    }

    private static double added(double percentile, Histogram delays, Direct direct) {
        return (delays.getValueAtPercentile(percentile) - direct.delays().getValueAtPercentile(percentile)) / 1000.0;
    }
}
