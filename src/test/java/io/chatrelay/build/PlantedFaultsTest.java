package io.chatrelay.build;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The faults that {@code bench/crash --plant} plants, and the journal that {@code bench/compare} switches off, are patches of the sources: one that
 * no longer fits would show nothing.
 */
class PlantedFaultsTest {

    static List<Path> patches() throws IOException {
        List<Path> patches = new ArrayList<>();
        for (String folder : List.of("src/test/bench", "src/test/crash")) {
            try (Stream<Path> files = Files.list(Path.of(folder))) {
                files.filter(file -> file.toString().endsWith(".patch")).sorted().forEach(patches::add);
            }
        }
        return patches;
    }

    @ParameterizedTest
    @MethodSource("patches")
    void fitTheSources(Path patch) throws IOException {
        String source = "";
        List<String> hunks = new ArrayList<>();
        StringBuilder before = new StringBuilder();
        for (String line : Files.readAllLines(patch)) {
            if (line.startsWith("--- a/")) {
                take(before, hunks, source);
                source = read(Path.of(line.substring("--- a/".length())));
            } else if (line.startsWith("@@")) {
                take(before, hunks, source);
            } else if (!source.isEmpty() && !line.startsWith("+") && !line.startsWith("\\")) {
                before.append(line.isEmpty() ? "" : line.substring(1)).append('\n');
            }
        }
        take(before, hunks, source);

        assertThat(hunks).as("hunks of " + patch).isNotEmpty();
    }

    private static void take(StringBuilder before, List<String> hunks, String source) {
        if (!before.isEmpty()) {
            assertThat(source).as("what the patch changes").contains(before);
            hunks.add(before.toString());
            before.setLength(0);
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
