package io.chatrelay.benchmark;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;

import io.chatrelay.support.it.FreePort;
import io.chatrelay.support.it.OwnPostgres;
import io.chatrelay.support.it.RelayProcess;

/**
 * What callers notice when a replica or the database goes away: replicas with the default leases on a PostgreSQL with fsync on, the
 * emulator, and readers that come back through a round-robin 100 ms after they were cut, or when they were told to. All share the
 * machine, so absolute numbers are the machine's.
 */
public final class Failover {

    private static final List<String> PARTS = List.of("lag", "terminate", "outage", "kill");
    private static final int STREAMS_AT_SHUTDOWN = 200;
    private static final int STREAMS_AT_OUTAGE = 100;
    private static final int OUTAGE_SECONDS = 30;
    private static final int WARM_UPS = 4;
    /** Longer than a lease: no replica takes over before it has held its own for so long. */
    private static final int SETTLE_SECONDS = 12;

    private final OwnPostgres database;
    private final RelayProcess.Setup setup;
    private RelayProcess owner;
    private RelayProcess other;
    /** Started a kill ahead, for the same reason; nobody reads there. */
    private RelayProcess spare;

    private Failover(OwnPostgres database, RelayProcess.Setup setup) {
        this.database = database;
        this.setup = setup;
        this.owner = setup.start();
        this.other = setup.start();
        this.spare = setup.start();
    }

    /** @param args how many kills, 20 unless told otherwise; then which parts, all unless told otherwise */
    public static void main(String... args) throws IOException, InterruptedException {
        int kills = args.length == 0 ? 20 : Integer.parseInt(args[0]);
        List<String> parts = args.length < 2 ? PARTS : List.of(args).subList(1, args.length);
        int port = FreePort.find();
        Process emulator = Benchmark.emulator(port);
        try (OwnPostgres database = OwnPostgres.started()) {
            new Failover(database, Benchmark.service(database, port)).run(kills, parts);
        } finally {
            emulator.destroy();
        }
        System.exit(0);
    }

    private void run(int kills, List<String> parts) throws InterruptedException {
        try {
            System.out.println("""
                    | Measured | n | p50 ms | p99 ms | max ms | Seen beside it |
                    |---|---:|---:|---:|---:|---|""");
            for (String part : parts) {
                switch (part) {
                    case "lag" -> lag();
                    case "terminate" -> terminate();
                    case "outage" -> outage();
                    case "kill" -> kill(kills);
                    default -> throw new IllegalArgumentException(part + " is none of " + PARTS);
                }
            }
        } finally {
            owner.close();
            other.close();
            spare.close();
        }
    }

    private void lag() throws InterruptedException {
        // The first one warms up.
        for (int followers : new int[]{ 1, 1, 4, 10 }) {
            System.out.println(new FollowerLag(owner, other, 50, followers).measure());
        }
    }

    /** Replicas that have served before, as those of a deployment have: each many turns, and readers that come back. */
    private void warmUp() throws InterruptedException {
        for (RelayProcess replica : List.of(owner, other)) {
            for (int round = 0; round < WARM_UPS; round++) {
                try (Answers answers = new Answers(replica, replica, "warm-up-%d-%d".formatted(replica.pid(), round),
                        STREAMS_AT_SHUTDOWN, "words 20 50")) {
                    answers.all().forEach(answer -> answer.reader().awaitStop());
                }
            }
        }
    }

    private void terminate() throws InterruptedException {
        warmUp();
        Comebacks comebacks = new Comebacks(database);
        try (Answers answers = new Answers(owner, other, "terminate", STREAMS_AT_SHUTDOWN, "words 200 100")) {
            answers.awaitEvents(30);
            answers.watchNewConnections();
            owner.terminate();
            comebacks.await(answers);
            String measured = "SIGTERM of the owner of %d streams".formatted(STREAMS_AT_SHUTDOWN);
            System.out.println(comebacks.returns(measured));
            System.out.println(comebacks.nexts(measured));
        }
        owner.exitCode();
        replace();
    }

    private void outage() throws InterruptedException {
        Comebacks comebacks = new Comebacks(database);
        try (Answers answers = new Answers(owner, other, "outage", STREAMS_AT_OUTAGE, "words 900 50")) {
            answers.awaitEvents(40);
            database.stop();
            String refused = new Refusals(owner).during(OUTAGE_SECONDS);
            answers.watch();
            database.start();
            comebacks.await(answers);
            System.out.println(comebacks.nexts("start of PostgreSQL after %d s without it, %d streams".formatted(OUTAGE_SECONDS,
                    STREAMS_AT_OUTAGE)) + " " + refused + " |");
        }
    }

    private void kill(int times) throws InterruptedException {
        Comebacks comebacks = new Comebacks(database);
        TimeUnit.SECONDS.sleep(SETTLE_SECONDS);
        for (int i = 0; i < times; i++) {
            try (Answers answers = new Answers(owner, other, "kill-" + i, 1, "words 700 20")) {
                answers.awaitEvents(40);
                // A lease is renewed every 2 s: it is killed at another moment in between each time.
                TimeUnit.MILLISECONDS.sleep(i * 617L % 2000);
                answers.watchNewConnections();
                owner.kill9();
                comebacks.await(answers);
            }
            replace();
        }
        System.out.println(comebacks.nexts("kill -9 of the owner"));
    }

    private void replace() {
        owner = other;
        other = spare;
        spare = setup.start();
    }
}
