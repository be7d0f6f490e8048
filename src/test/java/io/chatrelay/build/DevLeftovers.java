package io.chatrelay.build;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * What of the room {@code dev} is in an artefact for production: {@code java -cp target/test-classes io.chatrelay.build.DevLeftovers
 * FOLDER} exits with 1 where a jar below the folder holds any.
 */
public final class DevLeftovers {

    private static final List<String> DEV = List.of("io/chatrelay/dev/", "emulator/", "io/zonky/");

    private DevLeftovers() {}

    public static void main(String[] arguments) throws IOException {
        List<String> found = in(Path.of(arguments[0]));
        found.forEach(System.err::println);
        System.out.printf("%s: %d leftovers of dev%n", arguments[0], found.size());
        System.exit(found.isEmpty() ? 0 : 1);
    }

    /**
     * The entries of all jars below a folder that are of dev, each with its jar.
     *
     * @throws IllegalStateException if the service itself is in none of them: the folder was not what it should be
     */
    public static List<String> in(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            List<String> entries = files.filter(file -> file.toString().endsWith(".jar")).flatMap(DevLeftovers::entries)
                    .toList();
            if (entries.stream().noneMatch(entry -> entry.endsWith("!io/chatrelay/Main.class"))) {
                throw new IllegalStateException("No jar below " + folder + " holds the service");
            }
            return entries.stream().filter(DevLeftovers::isOfDev).toList();
        }
    }

    private static boolean isOfDev(String entry) {
        String name = entry.substring(entry.indexOf('!') + 1);
        return DEV.stream().anyMatch(name::startsWith);
    }

    private static Stream<String> entries(Path jar) {
        try (ZipFile zip = new ZipFile(jar.toFile())) {
            return zip.stream().map(ZipEntry::getName).map(name -> jar + "!" + name).toList().stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
