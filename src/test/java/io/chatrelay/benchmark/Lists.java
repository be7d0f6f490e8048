package io.chatrelay.benchmark;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import java.util.stream.Stream;

import org.HdrHistogram.Histogram;

import io.chatrelay.it.ManyMessages;
import io.chatrelay.support.it.FreePort;
import io.chatrelay.support.it.OwnPostgres;
import io.chatrelay.support.it.RelayProcess;

/** How long pages of a large store take, each at a random place of its list, for callers that ask for one after the other. */
public final class Lists {

    private static final int MESSAGES = 1_000_000;
    private static final int CALLERS = 2;
    private static final Duration WARM_UP = Duration.ofSeconds(10);
    private static final Duration MEASURED = Duration.ofSeconds(20);
    private static final long LONGEST_MICROS = 60_000_000;

    private final URI api;

    private Lists(URI api) {
        this.api = api;
    }

    /** @param args how many messages; a million if there is none */
    public static void main(String... args) throws Exception {
        int messages = Stream.of(args).mapToInt(Integer::parseInt).findFirst().orElse(MESSAGES);
        int port = FreePort.find();
        Process emulator = Benchmark.emulator(port);
        try (OwnPostgres database = OwnPostgres.started(); RelayProcess relay = Benchmark.service(database, port).start()) {
            ManyMessages.seed(database, messages);
            Lists lists = new Lists(relay.api());
            int conversations = ManyMessages.conversations(messages);
            int inLong = ManyMessages.positionsOfLong(messages);
            System.out.println("""
                    | %,d messages, %d callers | Pages/s | p50 ms | p99 ms | Longest ms |
                    |---|---:|---:|---:|---:|""".formatted(messages, CALLERS));
            lists.measure("20 of %,d conversations".formatted(conversations), () -> "?limit=20&cursor="
                    + ManyMessages.idOfConversation(random(conversations)));
            lists.measure("20 messages of a conversation of 20", () -> "/seeded-%d/messages?limit=20"
                    .formatted(random(conversations)));
            lists.measure("20 messages of a conversation of %,d".formatted(inLong), () -> "/%s/messages?limit=20&cursor=%d"
                    .formatted(ManyMessages.LONG_OF_AGENTS, random(inLong)));
        } finally {
            emulator.destroy();
        }
        System.exit(0);
    }

    private static int random(int most) {
        return ThreadLocalRandom.current().nextInt(1, most + 1);
    }

    private void measure(String what, Supplier<String> page) throws InterruptedException, ExecutionException {
        ask(page, WARM_UP);
        Histogram times = ask(page, MEASURED);
        System.out.printf(Locale.ROOT, "| %s | %.0f | %.1f | %.1f | %.1f |%n", what,
                (double) times.getTotalCount() / MEASURED.toSeconds(), times.getValueAtPercentile(50) / 1e3,
                times.getValueAtPercentile(99) / 1e3, times.getMaxValue() / 1e3);
    }

    /** @return the microseconds of each answer */
    private Histogram ask(Supplier<String> page, Duration time) throws InterruptedException, ExecutionException {
        try (ExecutorService callers = Executors.newFixedThreadPool(CALLERS)) {
            List<Callable<Histogram>> loops = new ArrayList<>();
            for (int i = 0; i < CALLERS; i++) {
                loops.add(() -> loop(page, time));
            }
            Histogram all = new Histogram(LONGEST_MICROS, 3);
            for (Future<Histogram> each : callers.invokeAll(loops)) {
                all.add(each.get());
            }
            return all;
        }
    }

    private Histogram loop(Supplier<String> page, Duration time) throws IOException {
        Histogram times = new Histogram(LONGEST_MICROS, 3);
        long start = System.nanoTime();
        try (CallerConnection connection = new CallerConnection(api)) {
            while (System.nanoTime() - start < time.toNanos()) {
                URI uri = api.resolve("/run/v1/conversations" + page.get());
                long asked = System.nanoTime();
                connection.get(uri);
                times.recordValue(Math.min(LONGEST_MICROS, (System.nanoTime() - asked) / 1000));
            }
        }
        return times;
    }
}
