package io.chatrelay.benchmark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** What one run of the comparison measured, and the files that it is kept in. */
final class Figures {

    /** What a target was asked to do. */
    enum Load {
        STREAMS, TURNS, ANSWERS
    }

    /** What was measured: events and commits a second, microseconds an event, milliseconds. */
    enum Measure {
        EVENTS, CPU, DATABASE_CPU, COMMITS, DELAY_P50, DELAY_P99, FIRST_P50, FIRST_P99, FAILED
    }

    private record Key(Target target, Load load, int count, Measure measure) {}

    /** The figures of one target under one load. @param count of how many streams or turns */
    record Row(Figures figures, Target target, Load load, int count) {

        void put(Measure measure, double value) {
            figures.values.put(new Key(target, load, count, measure), value);
        }

        /** Not a number where it was not measured. */
        double get(Measure measure) {
            return figures.values.getOrDefault(new Key(target, load, count, measure), Double.NaN);
        }
    }

    private static final String HEAD = "target,load,count,measure,value";

    private final Map<Key, Double> values = new LinkedHashMap<>();

    Row of(Target target, Load load, int count) {
        return new Row(this, target, load, count);
    }

    boolean has(Target target) {
        return values.keySet().stream().anyMatch(key -> key.target() == target);
    }

    /** How many streams or turns there were under that load, the fewest first. */
    List<Integer> counts(Load load) {
        return values.keySet().stream().filter(key -> key.load() == load).map(Key::count).distinct().sorted().toList();
    }

    void write(Path folder, int run) throws IOException {
        Stream<String> lines = values.entrySet().stream().map(figure -> "%s,%s,%d,%s,%s".formatted(figure.getKey().target(),
                figure.getKey().load(), figure.getKey().count(), figure.getKey().measure(), figure.getValue()));
        Files.write(folder.resolve("run-%02d.csv".formatted(run)), Stream.concat(Stream.of(HEAD), lines).toList());
    }

    /** Those of all runs. */
    static List<Figures> readAll(Path folder) throws IOException {
        List<Figures> all = new ArrayList<>();
        for (Path file : files(folder)) {
            Figures figures = new Figures();
            for (String line : Files.readAllLines(file).stream().skip(1).toList()) {
                String[] columns = line.split(",");
                figures.of(Target.valueOf(columns[0]), Load.valueOf(columns[1]), Integer.parseInt(columns[2]))
                        .put(Measure.valueOf(columns[3]), Double.parseDouble(columns[4]));
            }
            all.add(figures);
        }
        if (all.isEmpty()) {
            throw new IOException("There are no figures in " + folder);
        }
        return all;
    }

    /** Makes the folder, and takes away what an earlier comparison has left in it. */
    static void clear(Path folder) throws IOException {
        Files.createDirectories(folder);
        for (Path file : files(folder)) {
            Files.delete(file);
        }
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.getFileName().toString().startsWith("run-")).sorted().toList();
        }
    }
}
