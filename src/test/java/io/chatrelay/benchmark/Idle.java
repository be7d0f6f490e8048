package io.chatrelay.benchmark;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import io.chatrelay.benchmark.Memory.Instances;
import io.chatrelay.support.it.FreePort;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.TestPostgres;

/**
 * What a replica needs for streams that are open and silent: memory, threads and connections of the database, and how each of them grows with
 * the streams. First each stream is a turn of its own whose upstream says nothing, then all of them read the same turn.
 *
 * <p>More than about 25,000 do not fit into the ports that Linux gives to the connections between two addresses.
 */
public final class Idle {

    private static final int STREAMS = 20_000;
    private static final List<Integer> STEPS = List.of(1000, 2500, 5000, 10_000, 20_000);
    /** The second word comes after an hour. */
    private static final String TEXT = "words 2 3600000";
    /** The second event of its answer, after which the emulator pauses: the begin of a text is told with its first word. */
    private static final String BEGUN = "agent_initializing";
    /** Beside its streams the service has the files of its classes, a log, and connections of the database. */
    private static final int OTHER_FILES = 500;
    /** Each stream has had a heartbeat by then, and whatever was made for its begin is garbage. */
    private static final int SETTLE_SECONDS = 17;
    private static final int MOST_CLASSES = 25;

    private Idle() {}

    /** @param args how many streams; 20,000 if there is none */
    public static void main(String... args) throws IOException, InterruptedException {
        int streams = Stream.of(args).mapToInt(Integer::parseInt).findFirst().orElse(STREAMS);
        int port = FreePort.find();
        Process emulator = Benchmark.emulator(port);
        try {
            turns(steps(streams, 2), port);
            readers(steps(streams, 1), port);
        } finally {
            emulator.destroy();
        }
        System.exit(0);
    }

    /** The steps up to so many streams, as far as the open files suffice. @param files that the service has open for one stream */
    private static List<Integer> steps(int streams, int files) throws IOException {
        int most = Math.min(streams, (openFiles() - OTHER_FILES) / files);
        if (most < streams) {
            System.err.printf("No more than %d streams of %d files each: a process may have %d open files here%n", most, files,
                    openFiles());
        }
        return IntStream.concat(STEPS.stream().mapToInt(Integer::intValue).filter(step -> step < most), IntStream.of(most))
                .boxed().toList();
    }

    private static int openFiles() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/limits")).stream().filter(line -> line.startsWith("Max open files"))
                .mapToInt(line -> Integer.parseInt(line.split("\\s{2,}")[1])).findFirst().orElseThrow();
    }

    private static RelayProcess.Setup service(TestPostgres database, int emulator) {
        return Benchmark.service(database, emulator).jvm("-Xmx768m").with("chat-relay.connections.max", 100_000)
                .with("chat-relay.upstreams.agents.max-connections", 100_000)
                .with("chat-relay.upstreams.agents.stream-lifetime", "2h").with("chat-relay.turn.silence-timeout", "2h")
                .with("chat-relay.turn.max-duration", "2h");
    }

    private static void turns(List<Integer> steps, int port) throws IOException, InterruptedException {
        TestPostgres database = TestPostgres.fresh();
        try (RelayProcess relay = service(database, port).start()) {
            URI chat = relay.api().resolve("/run/api/chat");
            try (IdleConnections streams = new IdleConnections(chat,
                    number -> Requests.message(chat, "idle-" + number, TEXT), BEGUN)) {
                measure("turns with a reader each", steps, streams, relay, database);
            }
        }
    }

    private static void readers(List<Integer> steps, int port) throws IOException, InterruptedException {
        TestPostgres database = TestPostgres.fresh();
        try (RelayProcess relay = service(database, port).start()) {
            URI chat = relay.api().resolve("/run/api/chat");
            URI stream = relay.api().resolve("/run/v1/conversations/read/stream");
            try (IdleConnections turn = new IdleConnections(chat, _ -> Requests.message(chat, "read", TEXT), BEGUN);
                    IdleConnections readers = new IdleConnections(stream, _ -> Requests.get(stream), BEGUN)) {
                turn.openUpTo(1);
                measure("readers of one turn", steps, readers, relay, database);
            }
        }
    }

    private static void measure(String what, List<Integer> steps, IdleConnections streams, RelayProcess relay,
            TestPostgres database) throws IOException, InterruptedException {
        System.out.printf(
                """
                        | Idle: %s | RSS MB | Heap after a collection MB | Threads | Database connections | RSS KB/stream since the step before \
                        | Heap KB/stream |
                        |---:|---:|---:|---:|---:|---:|---:|
                        """,
                what);
        Step before = null;
        Step first = null;
        for (int step : steps) {
            streams.openUpTo(step);
            TimeUnit.SECONDS.sleep(SETTLE_SECONDS);
            Step now = Step.of(step, relay, database);
            now.print(before);
            first = first == null ? now : first;
            before = now;
        }
        classes(first, before);
    }

    /** @param heap bytes after a collection */
    private record Step(int streams, long residentKilobytes, long heap, long threads, long connections,
            Map<String, Instances> classes) {

        static Step of(int streams, RelayProcess relay, TestPostgres database) {
            long open = (long) relay.metric("chat_relay_streams_open");
            if (open < streams) {
                throw new IllegalStateException("%d of %d streams are open".formatted(open, streams));
            }
            long heap = relay.heapAfterCollection();
            return new Step(streams, Memory.residentKilobytes(relay.pid()), heap, Memory.threads(relay.pid()),
                    database.connections(), Memory.histogram(relay));
        }

        void print(Step before) {
            System.out.printf(Locale.ROOT, "| %d | %d | %d | %d | %d | %s | %s |%n", streams, residentKilobytes >> 10,
                    heap >> 20,
                    threads, connections,
                    before == null ? "" : "%.1f".formatted(per(residentKilobytes, before, before.residentKilobytes)),
                    before == null ? "" : "%.1f".formatted(per(heap, before, before.heap) / 1024));
        }

        private double per(long value, Step before, long earlier) {
            return (double) (value - earlier) / (streams - before.streams);
        }
    }

    private static void classes(Step first, Step last) {
        int more = last.streams - first.streams;
        if (more == 0) {
            return;
        }
        System.out.println("""

                | Class | Bytes/stream | Instances/stream |
                |---|---:|---:|""");
        last.classes.entrySet().stream()
                .map(entry -> Map.entry(entry.getKey(),
                        entry.getValue().minus(first.classes.getOrDefault(entry.getKey(), new Instances(0, 0)))))
                .sorted(Comparator.comparingLong(entry -> -entry.getValue().bytes())).limit(MOST_CLASSES)
                .forEach(entry -> System.out.printf(Locale.ROOT, "| `%s` | %.0f | %.2f |%n", entry.getKey(),
                        (double) entry.getValue().bytes() / more, (double) entry.getValue().count() / more));
        System.out.println();
    }
}
