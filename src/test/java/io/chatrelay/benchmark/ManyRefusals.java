package io.chatrelay.benchmark;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

import org.HdrHistogram.Histogram;

import io.chatrelay.it.EveryStatement;
import io.chatrelay.it.ManyMessages;
import io.chatrelay.it.Plans;
import io.chatrelay.support.it.FreePort;
import io.chatrelay.support.it.OwnPostgres;
import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RelayProcess;

/**
 * What the service asks of a large store: the plan of each of its statements, and what turns that are refused before their first event cost the
 * streams that run beside them. Started by {@code bench/plans}; exit status 1 if a statement reads a table, or a stream was late.
 */
public final class ManyRefusals {

    private static final int MESSAGES = 2_000_000;
    private static final int STREAMS = 20;
    private static final int SECONDS = 6;
    private static final int REFUSED_AT_ONCE = 50;
    private static final int ROUNDS = 3;
    private static final double LONGEST_MILLIS = 300;

    private ManyRefusals() {}

    /** @param args how many messages; two million if there is none */
    public static void main(String... args) throws Exception {
        int messages = args.length == 0 ? MESSAGES : Integer.parseInt(args[0]);
        int port = FreePort.find();
        Process emulator = Benchmark.emulator(port);
        boolean sound;
        try (OwnPostgres database = OwnPostgres.explaining();
                RelayProcess relay = Benchmark.service(database, port)
                        .with("chat-relay.upstreams.agents.breaker.enabled", false).start()) {
            long start = System.nanoTime();
            ManyMessages.seed(database, messages);
            System.err.printf("%d messages stored in %d s%n", messages,
                    Duration.ofNanos(System.nanoTime() - start).toSeconds());
            sound = plans(database, relay) & delays(relay);
        } finally {
            emulator.destroy();
        }
        System.exit(sound ? 0 : 1);
    }

    private static boolean plans(OwnPostgres database, RelayProcess relay) {
        database.explain(true);
        EveryStatement.execute(relay, database);
        List<Plans.Statement> statements = Plans.of(database);
        database.explain(false);
        System.out.println("""
                | Statement | Executions | Scan that read most | Rows |
                |---|---:|---|---:|""");
        statements.stream().filter(statement -> statement.most() != null).forEach(
                statement -> System.out.printf("| `%s` | %d | %s of %s | %d |%n",
                        statement.sql().substring(0, Math.min(100, statement.sql().length())).replace("|", "\\|"),
                        statement.executions(), statement.most().kind(), statement.most().table(), statement.most().rows()));
        return statements.stream().allMatch(statement -> statement.most() == null || statement.most().rows() <= Plans.FEW);
    }

    private static boolean delays(RelayProcess relay) throws Exception {
        System.out.println("""

                | Beside %d streams | Delay p50 ms | p99 ms | Longest ms |
                |---|---:|---:|---:|""".formatted(STREAMS));
        URI chat = relay.api().resolve("/run/api/chat");
        try (Readers readers = new Readers(chat)) {
            readers.open(STREAMS, "warm", "words 300 20").await(60, TimeUnit.SECONDS);
        }
        refuse(relay, "warm", REFUSED_AT_ONCE);
        List<Double> added = new ArrayList<>();
        for (int round = 1; round <= ROUNDS; round++) {
            String run = "round-" + round;
            Histogram alone = beside(chat, run + "-alone", () -> Map.of());
            Histogram refused = beside(chat, run + "-refused", () -> refuse(relay, run, REFUSED_AT_ONCE));
            row("nothing", alone);
            row(REFUSED_AT_ONCE + " refusals at once", refused);
            added.add((refused.getMaxValue() - alone.getMaxValue()) / 1000.0);
        }
        // Of a machine that has other things to do as well: the middle one.
        Collections.sort(added);
        System.out.printf(Locale.ROOT, "%nAdded to the longest delay, the middle of %d rounds: %.1f ms%n", ROUNDS,
                added.get(ROUNDS / 2));
        return added.get(ROUNDS / 2) <= LONGEST_MILLIS;
    }

    private static Histogram beside(URI chat, String run, Callable<Map<Integer, Integer>> meanwhile) throws Exception {
        try (Readers readers = new Readers(chat)) {
            readers.open(STREAMS, run, "words 600 20");
            TimeUnit.SECONDS.sleep(2);
            try (ExecutorService thread = Executors.newSingleThreadExecutor()) {
                Future<Map<Integer, Integer>> answers = thread.submit(meanwhile);
                Histogram delays = readers.measure(SECONDS);
                System.err.println(run + ": answers by status " + answers.get());
                return delays;
            }
        }
    }

    private static void row(String beside, Histogram delays) {
        System.out.printf(Locale.ROOT, "| %s | %.1f | %.1f | %.1f |%n", beside, delays.getValueAtPercentile(50) / 1000.0,
                delays.getValueAtPercentile(99) / 1000.0, delays.getMaxValue() / 1000.0);
    }

    /** Sends so many messages at once that Inkeep refuses, to as many conversations. */
    private static Map<Integer, Integer> refuse(RelayProcess relay, String run, int count) throws Exception {
        RelayClient client = new RelayClient(relay);
        Map<Integer, Integer> statuses = new TreeMap<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Callable<Integer>> sends = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                String conversation = "no-" + run + "-" + i;
                sends.add(() -> client.post("/run/api/chat", RelayClient.body("agents", conversation, "429 0")).statusCode());
            }
            for (Future<Integer> answer : threads.invokeAll(sends)) {
                statuses.merge(answer.get(), 1, Integer::sum);
            }
        }
        return statuses;
    }
}
