package io.chatrelay.build;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.lang.classfile.ClassFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;

/** What is asked for by its name is in the image. */
class ByNameTest {

    /** The configuration source of dev mode, which the packaged service leaves out. */
    private static final Set<String> SERVICES_OF_DEV = Set.of("io.smallrye.config.ConfigSourceFactory");
    private static final String DEV = "io/chatrelay/dev/";

    static final class Asking {

        InputStream included(String name) {
            return Asking.class.getResourceAsStream("/emulator/" + name);
        }

        InputStream forgotten(String name) {
            return Asking.class.getResourceAsStream("/texts/" + name);
        }

        Class<?> known() throws ClassNotFoundException {
            return Class.forName("io.chatrelay.Known");
        }

        Class<?> unknown(String name) throws ClassNotFoundException {
            return Class.forName(name);
        }

        ServiceLoader<Runnable> services() {
            return ServiceLoader.load(Runnable.class);
        }
    }

    @Test
    void ofTheService() throws IOException {
        try (ClassPath classes = new ClassPath()) {
            assertThat(ByName.faults(
                    classes.add(Production.CLASSES).stream().filter(name -> !name.startsWith(DEV))
                            .map(name -> classes.find(name).orElseThrow()).toList(),
                    included(), Set.of())).isEmpty();
        }
    }

    @Test
    void isThere() throws IOException {
        for (String glob : included()) {
            assertThat(Production.CLASSES.resolve(glob.replaceAll("/?[*].*", ""))).as(glob).exists();
        }
    }

    @Test
    void thereAreNoServicesInProduction() throws IOException {
        try (Stream<Path> files = Files.list(Production.CLASSES.resolve("META-INF/services"))) {
            assertThat(files.map(file -> file.getFileName().toString())).isSubsetOf(SERVICES_OF_DEV);
        }
    }

    @Test
    void isMissedWhereItIsNotNamed() throws IOException {
        try (InputStream file = Asking.class.getResourceAsStream("ByNameTest$Asking.class")) {
            assertThat(ByName.faults(List.of(ClassFile.of().parse(file.readAllBytes())), List.of("emulator/**"),
                    Set.of("io.chatrelay.Known"))).satisfiesExactly(
                            each -> assertThat(each).contains("Asking.forgotten reads a resource"),
                            each -> assertThat(each).contains("Asking.services loads services"),
                            each -> assertThat(each).contains("Asking.unknown looks up a class"));
        }
    }

    private static List<String> included() throws IOException {
        Properties properties = new Properties();
        properties.load(new StringReader(Production.read(Production.CLASSES.resolve("application.properties"))));
        String includes = properties.getProperty("quarkus.native.resources.includes");
        return includes == null ? List.of() : List.of(includes.split(","));
    }
}
