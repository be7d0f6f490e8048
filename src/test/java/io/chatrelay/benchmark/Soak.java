package io.chatrelay.benchmark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

import io.chatrelay.benchmark.Curves.Curve;
import io.chatrelay.benchmark.Curves.Panel;
import io.chatrelay.support.it.FreePort;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.TestPostgres;

/**
 * What a replica holds while turns come and go for an hour and readers drop their connections at random: memory, threads, files, connections and rows,
 * once a minute; and what it still holds when all have ended.
 */
public final class Soak {

    private static final int MINUTES = 60;
    private static final int STREAMS = 200;
    private static final int TURNS_A_SECOND = 5;
    private static final int MILLIS_BETWEEN_WORDS = 50;
    /** Until then caches fill, and the JIT compiles. */
    private static final int WARM_MINUTES = 10;
    /** By then the last turn has ended, and has been rewritten into few rows. */
    private static final int REST_MINUTES = 3;
    private static final Path DOCUMENTS = Path.of("docs", "performance");
    private static final String HEAD = "minute,resident_mb,heap_mb,threads,files,database_connections,streams,turns,rows_to_compact,whole,left,drops,"
            + "events,lost,doubled,failed";

    private final RelayProcess relay;
    private final TestPostgres database;
    private final SoakCallers callers;
    private final List<Sample> samples = new ArrayList<>();
    private final long begun = System.nanoTime();

    private Soak(RelayProcess relay, TestPostgres database, SoakCallers callers) {
        this.relay = relay;
        this.database = database;
        this.callers = callers;
    }

    /** @param args minutes, 60 unless told otherwise; streams that are open at once, 200; turns that begin in a second, 5 */
    public static void main(String... args) throws IOException, InterruptedException {
        int minutes = number(MINUTES, 0, args);
        int streams = number(STREAMS, 1, args);
        int turnsASecond = number(TURNS_A_SECOND, 2, args);
        long millis = TimeUnit.SECONDS.toMillis(streams) / turnsASecond;
        String text = "words %d %d".formatted(millis / MILLIS_BETWEEN_WORDS, MILLIS_BETWEEN_WORDS);
        int port = FreePort.find();
        Process emulator = Benchmark.emulator(port, "3g");
        TestPostgres database = TestPostgres.fresh();
        try (RelayProcess relay = Benchmark.service(database, port).start();
                SoakCallers callers = new SoakCallers(relay.api(), text)) {
            System.err.println(relay);
            new Soak(relay, database, callers).run(minutes, turnsASecond,
                    "%d streams, %d turns/s of %d events, %d minutes".formatted(streams, turnsASecond,
                            millis / MILLIS_BETWEEN_WORDS, minutes));
        } finally {
            emulator.destroy();
        }
        System.exit(0);
    }

    private static int number(int otherwise, int index, String... args) {
        return args.length > index ? Integer.parseInt(args[index]) : otherwise;
    }

    /** @param connections of the database @param toCompact rows of turns that have ended, and are not yet merged */
    private record Sample(double minute, double resident, double heap, double threads, double files, double connections,
            double streams, double turns, double toCompact, SoakCallers.Seen seen) {

        String csv() {
            return String.format(Locale.ROOT, "%.1f,%.1f,%.1f,%.0f,%.0f,%.0f,%.0f,%.0f,%.0f,%d,%d,%d,%d,%d,%d,%d", minute,
                    resident,
                    heap, threads, files, connections, streams, turns, toCompact, seen.whole(), seen.left(), seen.drops(),
                    seen.events(), seen.lost(), seen.doubled(), seen.failed());
        }
    }

    private void run(int minutes, int turnsASecond, String what) throws IOException, InterruptedException {
        System.out.println(HEAD);
        sample();
        callers.begin(turnsASecond);
        for (int minute = 0; minute < minutes; minute++) {
            TimeUnit.MINUTES.sleep(1);
            sample();
        }
        int running = samples.size();
        callers.finish();
        for (int minute = 0; minute < REST_MINUTES; minute++) {
            TimeUnit.MINUTES.sleep(1);
            sample();
        }
        write(what, running);
    }

    private void sample() throws IOException {
        double heap = relay.heapAfterCollection() / (double) (1 << 20);
        Sample sample = new Sample((System.nanoTime() - begun) / 60e9, Memory.residentKilobytes(relay.pid()) / 1024.0, heap,
                Memory.threads(relay.pid()), files(relay.pid()), database.connections(),
                relay.metric("chat_relay_streams_open"), relay.metric("chat_relay_turns_running"),
                database.number(
                        "select count(*) from turn_event e join turn t on t.id = e.turn_id where t.ended_at is not null and not t.compacted"),
                callers.seen());
        samples.add(sample);
        System.out.println(sample.csv());
    }

    private static long files(long pid) throws IOException {
        try (Stream<Path> files = Files.list(Path.of("/proc", Long.toString(pid), "fd"))) {
            return files.count();
        }
    }

    /** @param running how many samples were taken while turns began */
    private void write(String what, int running) throws IOException {
        List<Sample> warm = samples.subList(Math.min(WARM_MINUTES, running - 1), running);
        Sample end = samples.getLast();
        SoakCallers.Seen seen = end.seen();
        StringBuilder page = new StringBuilder();
        page.append(
                """
                        # Soak

                        `bench/soak`: %s, on %s. Readers drop their connection after 20 s on average and most come back within 3 s. The table is of the samples
                        from minute %d on, one a minute, after a full collection; its last column is %d minutes after the last turn began.

                        ![curves](soak.svg)

                        | | Least | Median | Most | First | Last | After all had ended |
                        |---|---:|---:|---:|---:|---:|---:|
                        """
                        .formatted(what, LocalDate.now(), WARM_MINUTES, REST_MINUTES));
        row(page, "Resident memory, MB", warm, end, Sample::resident);
        row(page, "Heap after a collection, MB", warm, end, Sample::heap);
        row(page, "Threads", warm, end, Sample::threads);
        row(page, "Open files", warm, end, Sample::files);
        row(page, "Connections to the database", warm, end, Sample::connections);
        row(page, "Open streams", warm, end, Sample::streams);
        row(page, "Running turns", warm, end, Sample::turns);
        row(page, "Rows of ended turns that are not yet merged", warm, end, Sample::toCompact);
        page.append(
                """

                        %,d turns: %,d read to their end, %,d whose reader did not come back; %,d connections dropped, %,d events read. **%d events lost, %d doubled,
                        %d answers refused or cut off.**
                        """
                        .formatted(seen.begun(), seen.whole(), seen.left(), seen.drops(), seen.events(), seen.lost(),
                                seen.doubled(),
                                seen.failed()));
        Files.writeString(DOCUMENTS.resolve("soak.md"), page);
        Files.writeString(DOCUMENTS.resolve("soak.svg"), curves(what).svg());
    }

    private static void row(StringBuilder page, String name, List<Sample> warm, Sample end, ToDoubleFunction<Sample> figure) {
        Range range = Range.over(warm, figure);
        page.append(String.format(Locale.ROOT, "| %s | %,.0f | %,.0f | %,.0f | %,.0f | %,.0f | %,.0f |%n", name, range.min(),
                range.median(), range.max(), figure.applyAsDouble(warm.getFirst()), figure.applyAsDouble(warm.getLast()),
                figure.applyAsDouble(end)));
    }

    private Curves curves(String what) {
        return new Curves("Soak: " + what, of(Sample::minute),
                List.of(new Panel("MB", List.of(new Curve("resident memory", "#e05d44", of(Sample::resident)),
                        new Curve("heap after a collection", "#2f81f7", of(Sample::heap)))),
                        new Panel("number", List.of(new Curve("open streams", "#3fa45b", of(Sample::streams)),
                                new Curve("running turns", "#b8860b", of(Sample::turns)),
                                new Curve("open files", "#8957e5", of(Sample::files)))),
                        new Panel("number", List.of(new Curve("threads", "#e05d44", of(Sample::threads)),
                                new Curve("connections to the database", "#2f81f7", of(Sample::connections))))));
    }

    private double[] of(ToDoubleFunction<Sample> figure) {
        return samples.stream().mapToDouble(figure).toArray();
    }
}
