package io.chatrelay.benchmark;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

import org.HdrHistogram.Histogram;

import io.chatrelay.dev.TrainingMain;
import io.chatrelay.support.it.FreePort;
import io.chatrelay.support.it.Postgres;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.TestPostgres;

/**
 * What a fresh process does: the time from its start to the first complete answer of a turn, and the turns that callers in a closed loop get done in the
 * seconds after it, on the JVM alone and with a trained AOT cache. The two take turns, so that both see the same machine; emulator, PostgreSQL and
 * callers share it.
 */
public final class Cold {

    private static final Path CACHE = Path.of("target", "chat-relay.aot");
    private static final String TEXT = "words 20 1";
    private static final int MICROS_A_MILLI = 1000;

    private enum Kind {
        PLAIN("JVM", List.of()),
        CACHED("JVM, AOT cache", List.of("-XX:AOTCache=" + CACHE, "-Xlog:aot*=error"));

        private final String title;
        private final List<String> options;
        private final Histogram firstAnswer = new Histogram(3);
        private final Histogram cpu = new Histogram(3);
        private final Histogram turns = new Histogram(3);

        Kind(String title, List<String> options) {
            this.title = title;
            this.options = options;
        }
    }

    private final Postgres database;
    private final int emulator;

    private Cold(Postgres database, int emulator) {
        this.database = database;
        this.emulator = emulator;
    }

    /** @param args how many starts of each kind, 5 unless told otherwise; how many callers, 50; for how many seconds, 10 */
    public static void main(String... args) throws IOException, InterruptedException {
        int starts = args.length > 0 ? Integer.parseInt(args[0]) : 5;
        int callers = args.length > 1 ? Integer.parseInt(args[1]) : 50;
        int seconds = args.length > 2 ? Integer.parseInt(args[2]) : 10;
        train();
        int port = FreePort.find();
        Process emulator = Benchmark.emulator(port);
        try {
            Cold cold = new Cold(TestPostgres.migrated(), port);
            for (int start = 0; start < starts; start++) {
                for (Kind kind : Kind.values()) {
                    cold.measure(kind, callers, seconds);
                }
            }
        } finally {
            emulator.destroy();
        }
        System.out.printf(
                "| Process | Starts | First answer after, min–max ms | CPU until then, ms | Turns in the next %d s by %d callers |%n",
                seconds, callers);
        System.out.println("|---|---:|---:|---:|---:|");
        for (Kind kind : Kind.values()) {
            System.out.printf(Locale.ROOT, "| %s | %d | %s | %s | %s |%n", kind.title, starts, range(kind.firstAnswer),
                    range(kind.cpu), range(kind.turns));
        }
        System.exit(0);
    }

    private static void train() throws IOException, InterruptedException {
        ProcessBuilder training = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
                System.getProperty("java.class.path"), TrainingMain.class.getName(), "target/quarkus-app", CACHE.toString());
        // A cache fits a JVM of the same collector.
        training.environment().put("JAVA_OPTS", "-Xmx1g " + String.join(" ", Benchmark.options()));
        if (training.redirectErrorStream(true).redirectOutput(Path.of("target", "training.log").toFile()).start()
                .waitFor() != 0) {
            throw new IOException("The training failed, see target/training.log");
        }
    }

    private void measure(Kind kind, int callers, int seconds) throws IOException, InterruptedException {
        RelayProcess.Setup setup = Benchmark.service(database, emulator);
        kind.options.forEach(setup::jvm);
        long begun = System.nanoTime();
        try (RelayProcess relay = setup.start()) {
            whole(callers(relay).burst(1, Duration.ZERO));
            kind.firstAnswer.recordValue(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begun));
            kind.cpu.recordValue(Cpu.micros(relay.pid()) / MICROS_A_MILLI);
            kind.turns.recordValue(whole(callers(relay).loop(callers, Duration.ofSeconds(seconds))));
        }
    }

    private static Callers callers(RelayProcess relay) {
        String start = UUID.randomUUID().toString();
        return new Callers(relay.api().resolve("/run/api/chat"), turn -> start + "-" + turn, TEXT);
    }

    private static long whole(Callers.Seen seen) {
        if (seen.failed() > 0) {
            throw new IllegalStateException(seen.failed() + " turns failed");
        }
        return seen.turns();
    }

    private static String range(Histogram values) {
        return values.getMinValue() + "–" + values.getMaxValue();
    }
}
