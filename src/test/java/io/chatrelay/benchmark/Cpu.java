package io.chatrelay.benchmark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** CPU time of processes, from {@code /proc}. Source: proc(5); a tick is 10 ms. */
final class Cpu {

    private static final long MICROS_A_TICK = 10_000;
    /** Fields after the command's name, which may hold blanks: the 4th to the 17th of proc(5). */
    private static final int PARENT = 1;
    private static final int USER = 11;
    private static final int SYSTEM = 12;
    private static final int USER_OF_ENDED = 13;
    private static final int SYSTEM_OF_ENDED = 14;

    private Cpu() {}

    /** Microseconds that the process has used. */
    static long micros(long pid) {
        List<String> stat = stat(Path.of("/proc", Long.toString(pid)));
        return stat.isEmpty() ? 0 : (ticks(stat, USER) + ticks(stat, SYSTEM)) * MICROS_A_TICK;
    }

    /** Microseconds that the process, its children and those of them that have ended have used. */
    static long microsOfFamily(long pid) {
        List<String> parent = stat(Path.of("/proc", Long.toString(pid)));
        long ended = parent.isEmpty() ? 0 : (ticks(parent, USER_OF_ENDED) + ticks(parent, SYSTEM_OF_ENDED)) * MICROS_A_TICK;
        try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
            return micros(pid) + ended + processes.filter(path -> path.getFileName().toString().matches("\\d+"))
                    .filter(path -> {
                        List<String> stat = stat(path);
                        return !stat.isEmpty() && ticks(stat, PARENT) == pid;
                    }).mapToLong(path -> micros(Long.parseLong(path.getFileName().toString()))).sum();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long ticks(List<String> stat, int field) {
        return Long.parseLong(stat.get(field));
    }

    private static List<String> stat(Path process) {
        try {
            String stat = Files.readString(process.resolve("stat"));
            return List.of(stat.substring(stat.lastIndexOf(')') + 2).split(" "));
        } catch (IOException e) {
            // It has ended since it was listed.
            return List.of();
        }
    }
}
