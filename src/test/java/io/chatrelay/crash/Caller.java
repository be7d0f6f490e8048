package io.chatrelay.crash;

import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;

/** Somebody who chats, one turn after the other, for as long as the test lasts. Never stops because of a fault. */
final class Caller implements Runnable {

    private static final int MOST_TURNS = 6;
    private static final List<String> UPSTREAMS = List.of(Cluster.AGENTS, Cluster.AGENTS, Cluster.AGENTS, Cluster.CLOUD,
            Cluster.CLOUD, Cluster.CLOUD, Cluster.DURABLE, Cluster.EXECUTIONS, Cluster.LEGACY);

    private final World world;
    private final int number;
    private final String name;
    private final Random random;
    private final Queue<Thread> meanwhile = new ConcurrentLinkedQueue<>();
    private int begun;
    private int left;
    private String conversation;
    private String upstream;

    Caller(World world, long seed, int number) {
        this.world = world;
        this.number = number;
        this.name = "caller-" + number;
        this.random = new Random(seed * 1000 + number);
    }

    @Override
    public void run() {
        while (!world.isStopping()) {
            try {
                turn();
            } catch (RuntimeException e) {
                world.history.violation("test", "%s failed: %s at %s".formatted(name, e, e.getStackTrace()[0]));
            }
        }
    }

    /** Everything of a turn is drawn before it begins: how long things take must not change what is drawn next. */
    private void turn() {
        // Two callers share some conversations, and meet in them.
        boolean shared = random.nextInt(8) == 0;
        if (left-- == 0 || conversation == null) {
            left = random.nextInt(MOST_TURNS);
            conversation = "own-%d-%d".formatted(number, begun++);
            upstream = UPSTREAMS.get(random.nextInt(UPSTREAMS.size()));
        }
        String where = shared ? "shared-%d-%d".formatted(number / 2, begun / 5) : conversation;
        String at = shared ? Cluster.AGENTS : upstream;
        Said said = Said.draw(at, world.mark(), random);
        History.Sent sent = new History.Sent("key-%s-%d".formatted(name, random.nextLong() & Long.MAX_VALUE), where, said,
                new CopyOnWriteArrayList<>());
        Dialect dialect = random.nextInt(4) == 0 ? Dialect.OPENAI : Dialect.AI_SDK;
        ObjectNode options = Json.object();
        int whileRunning = random.nextInt(3);
        if (shared && whileRunning < 2) {
            options.put("onRunning", whileRunning == 0 ? "cancel" : "enqueue");
        }
        if (random.nextInt(15) == 0) {
            options.put("onDisconnect", "cancel");
        }
        boolean twin = random.nextInt(6) == 0;
        boolean again = random.nextInt(8) == 0;
        boolean whole = random.nextInt(6) == 0;
        int rest = random.nextInt(300);
        Random sending = own();
        Random repeating = own();
        Random others = own();
        Random asking = own();
        world.conversations.put(where, at);
        world.history.count("turns");
        if (twin) {
            // The same at the same moment.
            go(() -> sender(at, repeating, "-twin").send(sent, dialect, options, _ -> _ -> {}));
        }
        if (whole) {
            go(() -> sender(at, asking, "-whole").ask(sent, dialect, options));
        }
        History.Sent ahead = random.nextInt(5) != 0 ? null
                : new History.Sent("key-%s-ahead-%d".formatted(name, world.mark()), where,
                        Said.draw(at, world.mark(), random), new CopyOnWriteArrayList<>());
        Random waiting = own();
        boolean read = sender(at, sending, "").send(sent, dialect, options, sight -> {
            if (ahead != null) {
                go(() -> writeAhead(ahead, at, dialect, waiting));
            }
            return accompany(sight, said, others);
        });
        awaitAll();
        if (read && again) {
            Sender later = sender(at, repeating, "-again");
            if (whole) {
                later.ask(sent, dialect, options);
            } else {
                later.send(sent, dialect, options, _ -> _ -> {});
            }
        }
        world.history.sent.add(sent);
        World.pause(rest);
    }

    /** The next message, while the answer to this one runs. */
    private void writeAhead(History.Sent ahead, String at, Dialect dialect, Random own) {
        sender(at, own, "-ahead").send(ahead, dialect, Json.object().put("onRunning", "enqueue"),
                sight -> accompany(sight, ahead.said(), new Random(own.nextLong())));
        world.history.sent.add(ahead);
    }

    private Sender sender(String at, Random own, String role) {
        return new Sender(world, name + role, at, new Reader(world, own), own);
    }

    /** Others look on or stop it, and what asks is decided. */
    private Consumer<Asking> accompany(Sight sight, Said said, Random others) {
        if (others.nextInt(3) == 0) {
            Random own = new Random(others.nextLong());
            Dialect dialect = own.nextInt(3) == 0 ? Dialect.OPENAI : Dialect.AI_SDK;
            go(() -> {
                World.pause(own.nextInt(1500));
                new Reader(world, own).read(new Sight(name + "-watcher", sight.conversation, sight.turn, dialect, 0),
                        null,
                        _ -> {});
            });
        }
        if (others.nextInt(10) == 0) {
            Random own = new Random(others.nextLong());
            go(() -> {
                World.pause(own.nextInt(2500));
                new Canceller(world, name).cancel(sight, own);
            });
        }
        return asking -> {
            world.history.count("approvals seen");
            Random own = new Random(others.nextLong());
            go(() -> new Decider(world, name, sight, said.reusesIds()).decide(asking, own));
        };
    }

    private Random own() {
        return new Random(random.nextLong());
    }

    private void go(Runnable task) {
        meanwhile.add(Thread.ofVirtual().start(() -> {
            try {
                task.run();
            } catch (RuntimeException e) {
                world.history.violation("test", "%s failed: %s at %s".formatted(name, e, e.getStackTrace()[0]));
            }
        }));
    }

    private void awaitAll() {
        for (Thread thread = meanwhile.poll(); thread != null; thread = meanwhile.poll()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException(e);
            }
        }
    }
}
