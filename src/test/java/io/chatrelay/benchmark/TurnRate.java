package io.chatrelay.benchmark;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.Locale;
import java.util.stream.Stream;

import org.HdrHistogram.Histogram;

import io.chatrelay.support.it.FreePort;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.TestPostgres;

/**
 * Whole turns of twenty events: how many a fresh process and a warm one carry, and how long many that begin at once wait for their first event, beside
 * the same requests to the emulator. Service, PostgreSQL and emulator are processes of their own; all share the machine.
 */
public final class TurnRate {

    private static final Duration MEASURED = Duration.ofSeconds(10);
    private static final Duration BURST = Duration.ofSeconds(2);
    private static final String TEXT = "words 20 0";
    private static final int CALLERS = 50;

    private TurnRate() {}

    /** @param args how often the warm loop and the bursts are measured; 3 times if there is none */
    public static void main(String... args) throws IOException, InterruptedException {
        int runs = Stream.of(args).mapToInt(Integer::parseInt).findFirst().orElse(3);
        int port = FreePort.find();
        Process emulator = Benchmark.emulator(port);
        TestPostgres database = TestPostgres.fresh();
        URI inkeep = URI.create("http://127.0.0.1:%d/run/api/chat".formatted(port));
        RelayProcess.Setup setup = Benchmark.service(database, port);
        long postgres = database.serverPid();
        // The emulator is warm, so that the fresh process is all that is cold.
        new Callers(inkeep, i -> "direct-" + i, TEXT).loop(CALLERS, MEASURED);
        System.out.println(
                """
                        | Turns | Turns/s | First event p50 ms | p99 ms | Whole p50 ms | p99 ms | CPU ms/turn, service | PostgreSQL | Commits/s | Failed |
                        |---|---:|---:|---:|---:|---:|---:|---:|---:|---:|""");
        try (RelayProcess relay = setup.start()) {
            URI chat = relay.api().resolve("/run/api/chat");
            Measured measured = new Measured(relay, database, postgres);
            measured.print("first 10 s of a process, 50 callers",
                    () -> new Callers(chat, i -> "cold-" + i, TEXT).loop(CALLERS, MEASURED));
            new Callers(chat, i -> "warm-" + i, TEXT).loop(CALLERS, MEASURED.multipliedBy(2));
            for (int run = 0; run < runs; run++) {
                String name = "r" + run;
                measured.print("50 callers, new conversations",
                        () -> new Callers(chat, i -> name + "-" + i, TEXT).loop(CALLERS, MEASURED));
            }
            measured.print("50 callers, known conversations",
                    () -> new Callers(chat, i -> "r0-" + i, TEXT).loop(CALLERS, MEASURED));
            for (int turns : new int[]{ 200, 500 }) {
                for (int run = 0; run < runs; run++) {
                    String name = "b" + turns + run;
                    measured.print(turns + " within 2 s",
                            () -> new Callers(chat, i -> name + "-" + i, TEXT).burst(turns, BURST));
                    measured.print(turns + " within 2 s, direct",
                            () -> new Callers(inkeep, i -> name + "-" + i, TEXT).burst(turns, BURST));
                }
            }
        } finally {
            emulator.destroy();
        }
        System.exit(0);
    }

    private interface Load {
        Callers.Seen run() throws InterruptedException;
    }

    private record Measured(RelayProcess relay, TestPostgres database, long postgres) {

        void print(String what, Load load) throws InterruptedException {
            long service = Cpu.micros(relay.pid());
            long server = Cpu.microsOfFamily(postgres);
            long commits = database.commits();
            Callers.Seen seen = load.run();
            service = Cpu.micros(relay.pid()) - service;
            server = Cpu.microsOfFamily(postgres) - server;
            commits = database.commits() - commits;
            System.out.printf(Locale.ROOT, "| %s | %.0f | %.1f | %.1f | %.1f | %.1f | %.2f | %.2f | %.0f | %d |%n", what,
                    seen.turns() / seen.seconds(), millis(seen.first(), 50), millis(seen.first(), 99), millis(seen.whole(), 50),
                    millis(seen.whole(), 99), service / 1e3 / seen.turns(), server / 1e3 / seen.turns(),
                    commits / seen.seconds(),
                    seen.failed());
        }

        private static double millis(Histogram micros, double percentile) {
            return micros.getValueAtPercentile(percentile) / 1e3;
        }
    }
}
