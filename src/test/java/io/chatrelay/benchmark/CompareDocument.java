package io.chatrelay.benchmark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleBiFunction;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

import io.chatrelay.benchmark.Bars.Series;
import io.chatrelay.benchmark.Figures.Load;
import io.chatrelay.benchmark.Figures.Measure;

/** The comparison as a page and its pictures, made of nothing but the kept figures. */
final class CompareDocument {

    private static final double SUSTAINED_MILLIS = 100;

    private final Map<String, String> machine;
    private final List<Figures> runs;
    private final List<Target> targets;
    private final StringBuilder page = new StringBuilder();

    CompareDocument(Map<String, String> machine, List<Figures> runs) {
        this.machine = machine;
        this.runs = runs;
        this.targets = Stream.of(Target.values()).filter(runs.getFirst()::has).toList();
    }

    /** A figure of each target, in each run. */
    private record Column(String title, ToDoubleBiFunction<Figures, Target> figure) {}

    void write(Path folder) throws IOException {
        head();
        ratios("CPU per event, PostgreSQL included", CompareDocument::cpu);
        ratios("Delay p99", row -> row.get(Measure.DELAY_P99));
        streams();
        turns();
        answers();
        limits();
        Files.writeString(folder.resolve("compare.md"), page);
        Files.writeString(folder.resolve("compare-cpu.svg"),
                bars("CPU per event, PostgreSQL included, µs", false, Load.STREAMS, "streams", CompareDocument::cpu).svg());
        Files.writeString(folder.resolve("compare-delay.svg"),
                bars("Delay of an event, p99, ms (logarithmic)", true, Load.STREAMS, "streams",
                        row -> row.get(Measure.DELAY_P99)).svg());
        Files.writeString(folder.resolve("compare-burst.svg"),
                bars("Time to the first event, p99, ms (logarithmic)", true, Load.TURNS, "turns within 2 s",
                        row -> row.get(Measure.FIRST_P99)).svg());
    }

    private static double cpu(Figures.Row row) {
        return row.get(Measure.CPU) + row.get(Measure.DATABASE_CPU);
    }

    private List<Integer> counts(Load load) {
        return runs.getFirst().counts(load);
    }

    private void head() {
        add("""
                # Beside other ways to pass a stream on

                Written by `bench/compare`: every target was measured in every run, in rotating order, before the same emulator. Cells are the median of %d run%s, with \
                the least and the most in brackets. [README.md](README.md) has the service's other figures. `bench/compare --render` writes this page again.

                | | |
                |---|---|""",
                runs.size(), runs.size() == 1 ? "" : "s");
        machine.forEach((what, value) -> add("| %s | %s |", what, value));
        add("""

                **The targets:** %s. nginx has `proxy_buffering off`, HTTP/1.1 and kept connections to the upstream, and a worker for each core. The pipe \
                ([bench/baselines/pipe](../../bench/baselines/pipe)) is what a team writes first: the `Multi` of a REST client is what the resource returns; its connections \
                to the upstream are not kept, for the client fails requests on kept ones when streams end. The gateway \
                ([bench/baselines/gateway](../../bench/baselines/gateway)) has one route. chat-relay is the packaged jar with its defaults; its journal is off by a patch \
                of its sources ([journal-off.patch](../../src/test/bench/journal-off.patch)): turns begin and end in the database, and of their events only the last row is written. Every \
                JVM but the emulator's has the options above, and all were warmed by the same streams for half a minute.""",
                String.join("; ", targets.stream().map(Target::title).toList()));
        add("""

                ![CPU per event](compare-cpu.svg)

                ![Delay of an event](compare-delay.svg)

                ![First event of a burst](compare-burst.svg)

                ## Ratios

                To nginx and to the plain pipe in the same run.""");
    }

    private void ratios(String title, ToDoubleFunction<Figures.Row> figure) {
        List<Column> columns = new ArrayList<>();
        for (int streams : counts(Load.STREAMS)) {
            for (Target other : List.of(Target.NGINX, Target.PIPE)) {
                columns.add(new Column("%d streams ÷ %s".formatted(streams, other == Target.NGINX ? "nginx" : "pipe"),
                        (run, target) -> figure.applyAsDouble(run.of(target, Load.STREAMS, streams))
                                / figure.applyAsDouble(run.of(other, Load.STREAMS, streams))));
            }
        }
        table(title, targets.stream().filter(target -> target != Target.DIRECT).toList(), columns);
    }

    private void streams() {
        add("""

                ## Streams

                Streams of 50 events/s, read for %d s once all are open. Events/s are what the readers saw; CPU is of the target's processes, in the first row the \
                emulator's own; the delay of an event is from its sending by the emulator until it is read.""",
                Compare.STREAMS.seconds());
        for (int streams : counts(Load.STREAMS)) {
            table("%d streams".formatted(streams), targets, List.of(
                    column("Events/s", Load.STREAMS, streams, Measure.EVENTS),
                    column("CPU µs/event", Load.STREAMS, streams, Measure.CPU),
                    column("PostgreSQL, µs/event", Load.STREAMS, streams, Measure.DATABASE_CPU),
                    column("Delay p50 ms", Load.STREAMS, streams, Measure.DELAY_P50),
                    column("p99 ms", Load.STREAMS, streams, Measure.DELAY_P99),
                    column("Commits/s", Load.STREAMS, streams, Measure.COMMITS),
                    column("Failed", Load.STREAMS, streams, Measure.FAILED)));
        }
    }

    private void turns() {
        add("""

                ## Turns that begin at once

                Turns of 20 events, each on a connection of its own, that begin within %d s: from a request to the first byte of its answer's body.""",
                Compare.AT_ONCE.toSeconds());
        List<Column> columns = new ArrayList<>();
        for (int turns : counts(Load.TURNS)) {
            columns.add(column(turns + " turns, p50 ms", Load.TURNS, turns, Measure.FIRST_P50));
            columns.add(column("p99 ms", Load.TURNS, turns, Measure.FIRST_P99));
            columns.add(column("Failed", Load.TURNS, turns, Measure.FAILED));
        }
        table("Target", targets, columns);
    }

    private void answers() {
        add("""

                ## Answers of %d frames at 50 a second

                So many streams at once, each followed by another one, measured for %d s. Added is the time to the first delta (p99) less the emulator's own in the same run. \
                Sustained are the most of the tried streams whose events have a delay below %.0f ms (p99) and of which none failed.""",
                Compare.FRAMES, Compare.ANSWERS.seconds(), SUSTAINED_MILLIS);
        List<Column> columns = new ArrayList<>();
        for (int streams : counts(Load.ANSWERS)) {
            columns.add(new Column("%d streams, added ms".formatted(streams),
                    (run, target) -> run.of(target, Load.ANSWERS, streams).get(Measure.FIRST_P99)
                            - run.of(Target.DIRECT, Load.ANSWERS, streams).get(Measure.FIRST_P99)));
            columns.add(column("delay p99 ms", Load.ANSWERS, streams, Measure.DELAY_P99));
            columns.add(column("failed", Load.ANSWERS, streams, Measure.FAILED));
        }
        columns.add(new Column("Sustained", CompareDocument::sustained));
        table("Target", targets, columns);
    }

    private static double sustained(Figures run, Target target) {
        return run.counts(Load.ANSWERS).stream().mapToInt(Integer::intValue).filter(streams -> {
            Figures.Row row = run.of(target, Load.ANSWERS, streams);
            return row.get(Measure.DELAY_P99) < SUSTAINED_MILLIS && row.get(Measure.FAILED) == 0;
        }).max().orElse(0);
    }

    private void limits() {
        add("""

                ## What the figures do not say

                - Readers, emulator, PostgreSQL and the target share the machine, over loopback and without TLS. What the first row of a table cannot do, no other can; a figure is what \
                is left over for a target. Compare ratios within a run, not machines.
                - A target that cannot keep up is read more slowly, and the emulator waits: its events/s fall, its delays grow with the time of the run, and its CPU per event is that of a \
                process that handles many events at once.
                - nginx and the gateway pass bytes on. The pipe takes events apart and writes them again; an error of the upstream becomes an empty 200 there. None of the three stores, \
                numbers, resumes or authorizes anything.
                - CPU is what `/proc` says, in ticks of 10 ms: with few streams it is off by some percent for a target that needs little.
                - All targets run until the end, and those that are not read have something to do now and then. PostgreSQL serves both services; its CPU holds what the idle one asks of it.
                - Without the journal nobody can read again what has been sent: a reader that falls far behind loses its stream, and counts as failed.
                - Of 200 turns, or of the few answers that begin in %d s, p99 is one of the two or three slowest.""",
                Compare.ANSWERS.seconds());
    }

    private static Column column(String title, Load load, int count, Measure measure) {
        return new Column(title, (run, target) -> run.of(target, load, count).get(measure));
    }

    private void table(String title, List<Target> rows, List<Column> columns) {
        add("\n| %s | %s |", title, String.join(" | ", columns.stream().map(Column::title).toList()));
        add("|---|%s", String.join("", Collections.nCopies(columns.size(), "---:|")));
        for (Target target : rows) {
            add("| %s | %s |", target.title(), String.join(" | ", columns.stream()
                    .map(column -> Range.over(runs, run -> column.figure().applyAsDouble(run, target)).toString()).toList()));
        }
    }

    private Bars bars(String title, boolean logarithmic, Load load, String what, ToDoubleFunction<Figures.Row> figure) {
        List<Series> series = targets.stream().map(target -> new Series(target.title(), target.color(), counts(load).stream()
                .map(count -> Range.over(runs, run -> figure.applyAsDouble(run.of(target, load, count)))).toList())).toList();
        return new Bars(title, logarithmic, counts(load).stream().map(count -> count + " " + what).toList(), series);
    }

    private void add(String format, Object... values) {
        page.append(String.format(Locale.ROOT, format, values)).append('\n');
    }
}
