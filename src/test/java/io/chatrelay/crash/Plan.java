package io.chatrelay.crash;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;

/**
 * Which fault comes in which round, and how long after the one before. Drawn from bags of twenty, so that every kind is met in any
 * twenty rounds.
 */
final class Plan {

    /** @param afterMillis how long all is well before it */
    record Round(Fault fault, int afterMillis) {}

    private final Random random;

    private Plan(long seed) {
        this.random = new Random(seed);
    }

    static List<Round> of(Options options) {
        return new Plan(options.seed()).rounds(options);
    }

    private List<Round> rounds(Options options) {
        List<Round> rounds = new ArrayList<>();
        while (rounds.size() < options.rounds()) {
            List<Fault> bag = bag().stream().filter(fault -> options.only().isEmpty() || options.only().contains(fault.kind()))
                    .toList();
            if (bag.isEmpty()) {
                throw new IllegalArgumentException("--only names no kind of fault: " + options.only());
            }
            bag.forEach(fault -> rounds.add(new Round(fault, 300 + random.nextInt(900))));
        }
        return rounds.subList(0, options.rounds());
    }

    /** The first ten are one of each kind; shuffled apart from the rest, so that a short run meets all of them. */
    private List<Fault> bag() {
        List<Fault> each = new ArrayList<>(List.of(new Fault.Kill(replica()), new Fault.KillBoth(), new Fault.Stop(replica()),
                pause(), new Fault.Hiccup(replica(), 300 + random.nextInt(1500)), new Fault.TakeLease(replica()),
                committing(), new Fault.KillDatabase(), outage(),
                new Fault.FreezeDatabase(1000 + random.nextInt(5000))));
        List<Fault> more = new ArrayList<>();
        add(more, 3, () -> new Fault.Kill(replica()));
        add(more, 2, () -> new Fault.Stop(replica()));
        add(more, 3, this::pause);
        add(more, 1, () -> new Fault.TakeLease(replica()));
        add(more, 1, this::committing);
        Collections.shuffle(each, random);
        Collections.shuffle(more, random);
        each.addAll(more);
        return each;
    }

    private static void add(List<Fault> bag, int times, Supplier<Fault> fault) {
        for (int i = 0; i < times; i++) {
            bag.add(fault.get());
        }
    }

    private int replica() {
        return random.nextInt(2);
    }

    private Fault pause() {
        return new Fault.Pause(replica(), (int) Cluster.LEASE.toMillis() + 700 + random.nextInt(1800));
    }

    private Fault committing() {
        return new Fault.KillWhileCommitting(replica(), 200 + random.nextInt(500));
    }

    private Fault outage() {
        return new Fault.StopDatabase(1000 + random.nextInt(4000));
    }
}
