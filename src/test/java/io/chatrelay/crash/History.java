package io.chatrelay.crash;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

import com.fasterxml.jackson.databind.JsonNode;

/** What the callers did and saw, in memory for the checker and as lines in a file for whoever looks for a reason. */
final class History implements AutoCloseable {

    /**
     * A message under its idempotency key.
     *
     * @param acknowledged the turns that somebody was told as its own, by a success
     */
    record Sent(String key, String conversation, Said said, List<UUID> acknowledged) {}

    /** A message that was acknowledged before its turn began, whose id it has. */
    record Waited(UUID turn, String conversation, String text) {}

    /** What somebody was told in one piece. */
    record Whole(String who, UUID turn, int status, boolean mayBeRepeated, JsonNode body) {}

    /** @param status of a definite answer @param state that the answer says is recorded, or empty */
    record Decision(UUID turn, String call, boolean approved, String reason, int status, String state) {}

    /** Printed, and kept with what was seen; the rest is counted, and is in the log. */
    private static final int MOST_VIOLATIONS = 50;
    private static final int MOST_CHARACTERS = 600;

    final Queue<Sight> sights = new Queue<>();
    final Queue<Sent> sent = new Queue<>();
    final Queue<Waited> waited = new Queue<>();
    final Queue<Whole> wholes = new Queue<>();
    final Queue<Decision> decisions = new Queue<>();
    /** Turns whose cancel was accepted. */
    final Queue<UUID> cancelled = new Queue<>();
    private final List<String> violations = new CopyOnWriteArrayList<>();
    private final AtomicInteger found = new AtomicInteger();
    private final Map<String, AtomicInteger> counts = new ConcurrentHashMap<>();
    private final Path folder;
    private final BufferedWriter log;
    private volatile String round = "before the first round";

    /** What was put in since it was last emptied. */
    static final class Queue<T> {

        private final ConcurrentLinkedQueue<T> all = new ConcurrentLinkedQueue<>();

        void add(T one) {
            all.add(one);
        }

        List<T> drain() {
            List<T> drained = new ArrayList<>();
            for (T one = all.poll(); one != null; one = all.poll()) {
                drained.add(one);
            }
            return drained;
        }
    }

    History(Path folder) {
        this.folder = folder;
        try {
            Files.createDirectories(folder);
            log = Files.newBufferedWriter(folder.resolve("callers.log"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    Path folder() {
        return folder;
    }

    void round(String what) {
        round = what;
        note("driver", what);
    }

    void note(String who, String what) {
        synchronized (log) {
            try {
                log.append(Instant.now().toString()).append(' ').append(who).append(' ').append(what).append('\n');
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    void count(String what) {
        count(what, 1);
    }

    void count(String what, int times) {
        counts.computeIfAbsent(what, _ -> new AtomicInteger()).addAndGet(times);
    }

    int counted(String what) {
        return counts.getOrDefault(what, new AtomicInteger()).get();
    }

    Map<String, AtomicInteger> counts() {
        return new TreeMap<>(counts);
    }

    /** @param rule which of the checks; its name leads the line */
    void violation(String rule, String what) {
        String line = "[%s] %s (%s, found at %s)".formatted(rule, what, round, Instant.now());
        note("VIOLATION", line);
        count("violation " + rule);
        found.incrementAndGet();
        if (violations.size() < MOST_VIOLATIONS) {
            violations.add(line);
            System.out.println("VIOLATION " + shortened(line));
        }
    }

    private static String shortened(String line) {
        return line.length() > MOST_CHARACTERS ? line.substring(0, MOST_CHARACTERS) + " …" : line;
    }

    /** With all that a reader saw, in a file of its own. */
    void violation(String rule, String what, Sight sight) {
        violation(rule, what + ": " + sight);
        if (found.get() < MOST_VIOLATIONS) {
            StringBuilder seen = new StringBuilder(sight.toString()).append('\n').append(what).append('\n');
            sight.frames.forEach(frame -> seen.append(frame.id()).append(' ').append(frame.data()).append('\n'));
            try {
                Files.writeString(folder.resolve("violation-%d-%s.txt".formatted(found.get(), sight.turn)), seen);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    int violations() {
        return found.get();
    }

    List<String> lines() {
        return violations;
    }

    void flush() {
        synchronized (log) {
            try {
                log.flush();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    @Override
    public void close() {
        try {
            log.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
