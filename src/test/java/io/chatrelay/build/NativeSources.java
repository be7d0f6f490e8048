package io.chatrelay.build;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * Checks all that {@code native-image} would be given, without it: {@code java -cp target/test-classes io.chatrelay.build.NativeSources
 * target/native-sources src/test/resources/native/optional-packages.txt}. It exits with 1 where a reference does not link.
 */
final class NativeSources {

    /** Quarkus puts another class in the place of the first one, for native images; its inner class is not reached any more. */
    private static final String REPLACED = "io/netty/util/internal/CleanerJava9";

    private NativeSources() {}

    public static void main(String[] arguments) throws IOException {
        Path sources = Path.of(arguments[0]);
        List<String> optional = Files.readAllLines(Path.of(arguments[1])).stream().filter(line -> !line.startsWith("#"))
                .toList();
        if (!Files.readString(sources.resolve("native-image.args")).contains("--link-at-build-time")) {
            throw new IllegalStateException("native-image.args no longer ask that everything links at build time");
        }
        System.exit(link(sources, optional) ? 0 : 1);
    }

    private static boolean link(Path sources, List<String> optional) throws IOException {
        try (ClassPath classes = new ClassPath()) {
            List<String> checked = new ArrayList<>();
            for (Path jar : jars(sources)) {
                checked.addAll(classes.add(jar));
            }
            Linkage.Result found = Linkage.of(classes, checked);
            List<String> broken = found.broken().stream().filter(each -> !each.startsWith(REPLACED)).toList();
            Set<String> unknown = new TreeSet<>(found.missing());
            unknown.removeIf(missing -> optional.stream().anyMatch(missing::startsWith));
            broken.forEach(System.err::println);
            unknown.forEach(missing -> System.err.println("missing, and of no optional library that is known: " + missing));
            System.out.printf("%d classes, %d references that do not link, %d unknown missing classes%n", checked.size(),
                    broken.size(), unknown.size());
            return broken.isEmpty() && unknown.isEmpty();
        }
    }

    /** The service's own classes come first, as Quarkus arranges it. */
    private static List<Path> jars(Path sources) throws IOException {
        try (Stream<Path> runner = Files.list(sources); Stream<Path> libraries = Files.list(sources.resolve("lib"))) {
            return Stream.concat(runner, libraries.sorted()).filter(file -> file.toString().endsWith(".jar")).toList();
        }
    }
}
