package io.chatrelay.build;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The classes that a build answers for: the service's, and those of libraries that Quarkus' platform does not vouch for. */
final class Production {

    static final Path CLASSES = Path.of("target/classes");

    private static final Pattern DEPENDENCY = Pattern.compile("<dependency>.*?</dependency>", Pattern.DOTALL);

    private Production() {}

    /** The jars on the class path, in its order. */
    static List<Path> jars() {
        return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> entry.endsWith(".jar")).map(Path::of).toList();
    }

    /** Dependencies that the POM gives a version of its own, and that are packaged. */
    static List<Path> fromOutside() {
        String pom = read(Path.of("pom.xml"));
        String dependencies = pom.substring(pom.indexOf("</dependencyManagement>"), pom.indexOf("<build>"));
        return DEPENDENCY.matcher(dependencies).results().map(MatchResult::group)
                .filter(each -> each.contains("<version>") && !each.contains("<scope>test</scope>")
                        && !each.contains("<optional>true</optional>"))
                .map(each -> jar(tag(each, "artifactId"), tag(each, "version"))).toList();
    }

    private static Path jar(String artifact, String version) {
        return jars().stream().filter(jar -> jar.endsWith(artifact + "-" + version + ".jar")).findFirst().orElseThrow();
    }

    private static String tag(String xml, String name) {
        return xml.substring(xml.indexOf("<" + name + ">") + name.length() + 2, xml.indexOf("</" + name + ">"));
    }

    static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Whether the image's build is told to leave out the package. */
    static boolean isInitialisedAtRunTime(Class<?> type) {
        return read(CLASSES.resolve("application.properties")).lines()
                .anyMatch(
                        line -> line.matches(".*--initialize-at-run-time=" + Pattern.quote(type.getPackageName()) + "(,.*)?"));
    }

    /** Initialised, as the image's build does it; a class of a library whose own optional libraries are absent is left out. */
    static List<Class<?>> initialised(Iterable<String> names, boolean mayBeUnfit) throws ClassNotFoundException {
        List<Class<?>> classes = new ArrayList<>();
        for (String name : names) {
            try {
                Class<?> type = Class.forName(name.replace('/', '.'));
                type.getDeclaredFields();
                classes.add(type);
            } catch (LinkageError e) {
                if (!mayBeUnfit) {
                    throw e;
                }
            }
        }
        return classes;
    }
}
