package io.chatrelay.benchmark;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.HdrHistogram.Histogram;

import io.chatrelay.support.it.FreePort;
import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.SseStream;
import io.chatrelay.support.it.TestPostgres;

/**
 * A stored turn of a thousand events is read from its beginning: how long one reader at a time waits for its first event, and how many events many
 * readers get that read the same turn at once. Service, PostgreSQL and readers share the machine.
 */
public final class Replay {

    private static final int READERS = 100;
    private static final int RUNS = 5;
    private static final int REPLAYS = 300;
    private static final Duration LOOP = Duration.ofSeconds(10);
    private static final String CONVERSATION = "stored";
    /** Beside these the answer has the events of its begin and its end. */
    private static final String TEXT = "words 994 0";
    /** By then the turn's rows have been merged, as those of nearly every stored turn. */
    private static final int COMPACTION_SECONDS = 8;
    private static final long LONGEST_MICROS = 60_000_000;

    /** What a run tells. @param first null where readers are not timed @param cpu microseconds of an event */
    private record Run(Histogram first, double eventsPerSecond, double cpu, double databaseCpu) {

        /** Not a number where it was not measured. */
        double firstMillis(double percentile) {
            return first == null ? Double.NaN : first.getValueAtPercentile(percentile) / 1e3;
        }
    }

    private final RelayProcess relay;
    private final long postgres;
    private final URI stream;
    private final long events;

    private Replay(RelayProcess relay, TestPostgres database) throws InterruptedException {
        this.relay = relay;
        this.postgres = database.serverPid();
        SseStream stored = new RelayClient(relay).chat("agents", CONVERSATION, TEXT).awaitEnd();
        UUID turn = stored.turn();
        this.events = stored.lastNumber();
        this.stream = relay.api().resolve("/run/v1/conversations/%s/stream?turn=%s".formatted(CONVERSATION, turn));
        TimeUnit.SECONDS.sleep(COMPACTION_SECONDS);
    }

    /** @param args how many readers read at once; 100 if there is none */
    public static void main(String... args) throws IOException, InterruptedException {
        int readers = Stream.of(args).mapToInt(Integer::parseInt).findFirst().orElse(READERS);
        int port = FreePort.find();
        Process emulator = Benchmark.emulator(port);
        TestPostgres database = TestPostgres.fresh();
        try (RelayProcess relay = Benchmark.service(database, port).start()) {
            new Replay(relay, database).measure(readers);
        } finally {
            emulator.destroy();
        }
        System.exit(0);
    }

    private void measure(int readers) throws IOException {
        double bytes = bytesOfOne();
        oneAfterTheOther();
        new ReplayReaders(stream).loop(readers, LOOP);
        List<Run> alone = new ArrayList<>();
        List<Run> together = new ArrayList<>();
        for (int i = 0; i < RUNS; i++) {
            alone.add(oneAfterTheOther());
            together.add(atOnce(readers, bytes));
        }
        System.out.printf(
                """
                        | A stored turn of %d events, %d runs | First event p50 ms | p99 ms | Events/s | CPU µs/event, service | PostgreSQL |
                        |---|---:|---:|---:|---:|---:|
                        """,
                events, RUNS);
        print("one reader after the other, %d replays".formatted(REPLAYS), alone);
        print("%d readers at once, %d s".formatted(readers, LOOP.toSeconds()), together);
    }

    /** Of an answer with its head. It hardly changes: the chunks end elsewhere. */
    private double bytesOfOne() throws IOException {
        ReplayReaders.Seen seen = new ReplayReaders(stream).loop(1, Duration.ofSeconds(5));
        return (double) seen.bytes() / seen.replays();
    }

    private Run oneAfterTheOther() throws IOException {
        Histogram first = new Histogram(LONGEST_MICROS, 3);
        Usage usage = new Usage();
        long start = System.nanoTime();
        try (CallerConnection connection = new CallerConnection(stream)) {
            for (int i = 0; i < REPLAYS; i++) {
                long asked = System.nanoTime();
                first.recordValue(Math.clamp((connection.stream(stream) - asked) / 1000, 0, LONGEST_MICROS));
            }
        }
        return usage.run(first, REPLAYS * events, (System.nanoTime() - start) / 1e9);
    }

    private Run atOnce(int readers, double bytes) throws IOException {
        Usage usage = new Usage();
        ReplayReaders.Seen seen = new ReplayReaders(stream).loop(readers, LOOP);
        return usage.run(null, seen.bytes() / bytes * events, seen.seconds());
    }

    private final class Usage {

        private final long service = Cpu.micros(relay.pid());
        private final long server = Cpu.microsOfFamily(postgres);

        Run run(Histogram first, double read, double seconds) {
            return new Run(first, read / seconds, (Cpu.micros(relay.pid()) - service) / read,
                    (Cpu.microsOfFamily(postgres) - server) / read);
        }
    }

    private static void print(String what, List<Run> runs) {
        System.out.printf("| %s | %s | %s | %s | %s | %s |%n", what, Range.over(runs, run -> run.firstMillis(50)),
                Range.over(runs, run -> run.firstMillis(99)), Range.over(runs, Run::eventsPerSecond),
                Range.over(runs, Run::cpu),
                Range.over(runs, Run::databaseCpu));
    }
}
