package io.chatrelay.benchmark;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

import io.chatrelay.benchmark.Figures.Load;
import io.chatrelay.benchmark.Figures.Measure;

/**
 * The service beside what else could stand in its place, and beside itself without its journal, all in the same run: paced streams, turns that begin
 * at once, and short answers one after the other. Everything shares the machine, so that the ratios within a run count.
 */
public final class Compare {

    static final PacedStreams STREAMS = new PacedStreams(Duration.ofMillis(1500), 3);
    static final PacedStreams ANSWERS = new PacedStreams(Duration.ofMillis(1500), 2);
    static final int FRAMES = 64;
    static final Duration AT_ONCE = Duration.ofSeconds(2);

    private static final Path FOLDER = Path.of("target", "compare");
    private static final int RUNS = 5;
    private static final int[] LEVELS = { 50, 200, 500 };
    private static final int MOST_TO_WARM_UP = 200;
    /** Of 12 s each: after one of them a JVM still compiles for a fifth of its time. */
    private static final int WARM_UPS = 3;
    private static final int[] TURNS = { 200, 500 };
    private static final String TURN = "words 20 0";

    private Compare() {}

    /** @param args {@code --render}, or how many runs and then how many streams */
    public static void main(String... args) throws IOException, InterruptedException {
        if (!List.of(args).equals(List.of("--render"))) {
            int runs = args.length == 0 ? RUNS : Integer.parseInt(args[0]);
            measure(runs, args.length < 2 ? LEVELS : Stream.of(args).skip(1).mapToInt(Integer::parseInt).sorted().toArray());
        }
        new CompareDocument(Machine.read(FOLDER), Figures.readAll(FOLDER)).write(Path.of("docs", "performance"));
        System.exit(0);
    }

    private static void measure(int runs, int... levels) throws IOException, InterruptedException {
        Figures.clear(FOLDER);
        Machine.write(FOLDER);
        try (Targets targets = new Targets(Path.of(System.getProperty("compare.journal-off")))) {
            int streams = Math.min(MOST_TO_WARM_UP, Arrays.stream(levels).max().orElseThrow());
            for (int warmUp = 0; warmUp < WARM_UPS; warmUp++) {
                for (RunningTarget target : targets.inOrderOf(0)) {
                    PacedStreams.warmUp(target.chat(), streams);
                }
            }
            for (int run = 0; run < runs; run++) {
                Figures figures = new Figures();
                for (RunningTarget target : targets.inOrderOf(run)) {
                    measure(target, "run%d-%s".formatted(run, target.target()), figures, levels);
                }
                figures.write(FOLDER, run);
            }
        }
    }

    private static void measure(RunningTarget target, String run, Figures figures, int... levels) throws InterruptedException {
        long start = System.nanoTime();
        for (int streams : levels) {
            streams(target, run + "-" + streams, figures.of(target.target(), Load.STREAMS, streams));
        }
        for (int turns : TURNS) {
            turns(target, run + "-turn-" + turns, figures.of(target.target(), Load.TURNS, turns));
        }
        for (int streams : levels) {
            PacedStreams.Seen seen = ANSWERS.readAnswers(target.chat(), streams, run + "-answers-" + streams, FRAMES);
            delays(seen, figures.of(target.target(), Load.ANSWERS, streams));
        }
        System.err.printf("%s: measured in %d s%n", run, Duration.ofNanos(System.nanoTime() - start).toSeconds());
    }

    private static void streams(RunningTarget target, String run, Figures.Row row) throws InterruptedException {
        PacedStreams.Seen seen = STREAMS.read(target.chat(), row.count(), run, target.commits(), target.databaseCpu(),
                target.cpu());
        row.put(Measure.COMMITS, seen.perSecond(0));
        row.put(Measure.DATABASE_CPU, seen.perSecond(1) / seen.eventsPerSecond());
        row.put(Measure.CPU, seen.perSecond(2) / seen.eventsPerSecond());
        delays(seen, row);
    }

    private static void delays(PacedStreams.Seen seen, Figures.Row row) {
        row.put(Measure.EVENTS, seen.eventsPerSecond());
        row.put(Measure.DELAY_P50, seen.delayMillis(50));
        row.put(Measure.DELAY_P99, seen.delayMillis(99));
        row.put(Measure.FIRST_P50, seen.firstMillis(50));
        row.put(Measure.FIRST_P99, seen.firstMillis(99));
        row.put(Measure.FAILED, seen.failed());
    }

    private static void turns(RunningTarget target, String run, Figures.Row row) throws InterruptedException {
        Callers.Seen seen = new Callers(target.chat(), i -> run + "-" + i, TURN).burst(row.count(), AT_ONCE);
        row.put(Measure.FIRST_P50, seen.first().getValueAtPercentile(50) / 1e3);
        row.put(Measure.FIRST_P99, seen.first().getValueAtPercentile(99) / 1e3);
        row.put(Measure.FAILED, seen.failed());
    }
}
