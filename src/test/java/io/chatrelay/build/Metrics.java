package io.chatrelay.build;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The names of the service's metrics, as Prometheus has them: read from its source, for many of them appear only with their first event. */
final class Metrics {

    private static final Path SOURCES = Path.of("src/main/java/io/chatrelay");
    private static final Pattern NAME = Pattern.compile("\"(chat\\.relay\\.[a-z.]+)\"");
    /** What is added to such a name in the same class. */
    private static final Pattern REST = Pattern.compile("\\+ \"(\\.[a-z.]+)\"");
    /** Of counters, timers and summaries. */
    private static final Pattern SUFFIX = Pattern.compile("(_seconds)?(_total|_bucket|_count|_sum|_max)$");

    private Metrics() {}

    /** With dots, and without what a kind of metric adds. */
    static Set<String> ofTheService() throws IOException {
        Set<String> names = new TreeSet<>();
        try (Stream<Path> files = Files.walk(SOURCES)) {
            for (Path file : files.filter(each -> each.toString().endsWith(".java")).toList()) {
                String source = Production.read(file);
                List<String> rests = all(REST, source);
                all(NAME, source).forEach(name -> {
                    names.add(name);
                    rests.forEach(rest -> names.add(name + rest));
                });
            }
        }
        return names;
    }

    private static List<String> all(Pattern pattern, String source) {
        return pattern.matcher(source).results().map((MatchResult match) -> match.group(1)).toList();
    }

    static boolean isOf(Set<String> names, String inPrometheus) {
        return names.contains(inPrometheus.replace('_', '.'))
                || names.contains(SUFFIX.matcher(inPrometheus).replaceFirst("").replace('_', '.'));
    }
}
