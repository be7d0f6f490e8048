package io.chatrelay.crash;

import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;

import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;

import io.chatrelay.support.Json;

/**
 * Runs the whole test: callers who never stop, one fault a round, and a checker. Exit status 1 if anything that was promised did not
 * hold.
 */
public final class CrashTest {

    private static final int ROUNDS_A_CHECK = 5;
    private static final int FREED_AT_ONCE = 16;
    private static final Duration LAST_PATIENCE = Duration.ofSeconds(120);

    private final Options options;
    private final History history;

    private CrashTest(Options options) {
        this.options = options;
        this.history = new History(Path.of("target", "crash", "seed-%d".formatted(options.seed())));
    }

    /** @param args {@code --rounds N --seed S --callers N --only Kind,Kind} */
    public static void main(String... args) throws SQLException, InterruptedException {
        System.exit(run(Options.parse(args)).isEmpty() ? 0 : 1);
    }

    /** What was violated. */
    static List<String> run(Options options) throws SQLException, InterruptedException {
        CrashTest test = new CrashTest(options);
        try (History history = test.history) {
            test.run();
            return history.lines();
        }
    }

    private void run() throws SQLException, InterruptedException {
        long begun = System.nanoTime();
        System.out.println(options.command());
        try (Cluster cluster = new Cluster(); InkeepLog inkeep = new InkeepLog(cluster.inkeep(), history)) {
            World world = new World(cluster, history);
            Checker checker = new Checker(world, inkeep);
            List<Thread> callers = new ArrayList<>();
            for (int i = 0; i < options.callers(); i++) {
                callers.add(Thread.startVirtualThread(new Caller(world, options.seed(), i)));
            }
            rounds(cluster, checker);
            history.flush();
            world.stop();
            if (!options.planted() || history.violations() == 0) {
                history.round("after the last round");
                for (Thread caller : callers) {
                    caller.join();
                }
                settle(checker);
                checker.check(true);
                freed(world);
                settle(checker);
                checker.check(true);
            }
            world.stored.close();
        }
        report((System.nanoTime() - begun) / 1_000_000_000);
    }

    private void rounds(Cluster cluster, Checker checker) throws SQLException, InterruptedException {
        Injector injector = new Injector(cluster);
        int number = 0;
        for (Plan.Round round : Plan.of(options)) {
            number++;
            World.pause(round.afterMillis());
            long begun = System.nanoTime();
            history.round("round %d: %s".formatted(number, round.fault()));
            injector.inject(round.fault());
            history.count("fault " + round.fault().kind());
            history.note("driver", "healed");
            if (options.planted() || number % ROUNDS_A_CHECK == 0) {
                checker.check(false);
            }
            System.out.printf("round %d of %d: %s, %d s, %d turns, %d events read, %d violations%n", number, options.rounds(),
                    round.fault(), (System.nanoTime() - begun) / 1_000_000_000, history.counted("turns"),
                    history.counted("events read"), history.violations());
            if (options.planted() && history.violations() > 0) {
                System.out.printf("caught in round %d of %d%n", number, options.rounds());
                return;
            }
        }
    }

    private void settle(Checker checker) {
        try {
            Awaitility.await("the end of all turns").atMost(LAST_PATIENCE).pollDelay(Duration.ZERO)
                    .pollInterval(Duration.ofMillis(500))
                    .until(() -> checker.running() == 0);
        } catch (ConditionTimeoutException e) {
            // The check says which.
            history.note("driver", "some turns have not ended");
        }
    }

    /** Sends a message in every conversation: none is blocked by what happened in it. */
    private void freed(World world) throws InterruptedException {
        Semaphore atOnce = new Semaphore(FREED_AT_ONCE);
        Map<String, String> conversations = new TreeMap<>(world.conversations);
        for (Map.Entry<String, String> conversation : conversations.entrySet()) {
            atOnce.acquire();
            Random random = new Random(options.seed());
            History.Sent sent = new History.Sent("key-last-" + conversation.getKey(), conversation.getKey(),
                    Said.echo(world.mark(), random), new CopyOnWriteArrayList<>());
            Thread.startVirtualThread(() -> {
                try {
                    new Sender(world, "last", conversation.getValue(), new Reader(world, random), random).send(sent,
                            Dialect.AI_SDK, Json.object(), _ -> _ -> {});
                    history.sent.add(sent);
                } finally {
                    atOnce.release();
                }
            });
        }
        atOnce.acquire(FREED_AT_ONCE);
        history.count("conversations that took a last message", conversations.size());
    }

    private void report(long seconds) {
        System.out.println();
        history.counts().forEach((what, count) -> System.out.printf("%8d  %s%n", count.get(), what));
        System.out.println();
        if (history.violations() > 0) {
            System.out.println("Plan and messages again (the timing is the machine's): " + options.command());
        }
        System.out.printf(
                "crash test: %d rounds, seed %d, %d callers, %d s: %d turns, %d events read, %d streams cut, %d decisions, %d violations%n",
                options.rounds(), options.seed(), options.callers(), seconds, history.counted("turns ended"),
                history.counted("events read"), history.counted("streams cut"), history.counted("decisions told to Inkeep"),
                history.violations());
    }
}
