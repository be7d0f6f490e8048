package io.chatrelay.benchmark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import io.chatrelay.support.it.RelayProcess;

/** What a process occupies, and of which classes its heap consists. */
final class Memory {

    /** Number, instances, bytes, name, and the module of what has one. Source: {@code jcmd PID GC.class_histogram}. */
    private static final Pattern CLASS = Pattern.compile("\\s*\\d+:\\s+(\\d+)\\s+(\\d+)\\s+(\\S+).*");

    /** Instances of a class, and their bytes. */
    record Instances(long count, long bytes) {

        Instances minus(Instances before) {
            return new Instances(count - before.count(), bytes - before.bytes());
        }
    }

    private Memory() {}

    /** Kilobytes of memory that the process occupies. Source: proc(5). */
    static long residentKilobytes(long pid) {
        return status(pid, "VmRSS");
    }

    static long threads(long pid) {
        return status(pid, "Threads");
    }

    private static long status(long pid, String name) {
        try {
            return Files.readAllLines(Path.of("/proc", Long.toString(pid), "status")).stream()
                    .filter(line -> line.startsWith(name + ":"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", ""))).findFirst().orElse(0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What is reachable, by class. */
    static Map<String, Instances> histogram(RelayProcess relay) {
        Map<String, Instances> classes = new HashMap<>();
        relay.jcmd("GC.class_histogram").lines().map(CLASS::matcher).filter(Matcher::matches)
                .forEach(line -> classes.put(line.group(3),
                        new Instances(Long.parseLong(line.group(1)), Long.parseLong(line.group(2)))));
        return classes;
    }
}
