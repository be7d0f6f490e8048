package io.chatrelay.build;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;

/** The vendor is named in the room that speaks to it and in its emulator's: another upstream is another room, and no text to a caller is wrong then. */
class VendorTest {

    private static final Path SOURCES = Path.of("src/main/java/io/chatrelay");
    private static final List<Path> DOORS = List.of(SOURCES.resolve("inkeep"), SOURCES.resolve("dev"));
    /** Comments name the sources of protocols, a client has a header of its own, and the start looks at everyone's configuration. */
    private static final Pattern IGNORED = Pattern
            .compile(
                    "(?s)/\\*.*?\\*/|(?m)^\\s*//.*$|import io\\.chatrelay\\.inkeep\\.UpstreamsConfig[.\\w]*;|\"x-inkeep-[a-z-]+\"");

    @Test
    void isNamedAtTheDoorAlone() throws IOException {
        try (Stream<Path> files = Files.walk(SOURCES)) {
            for (Path file : files.filter(path -> path.toString().endsWith(".java"))
                    .filter(path -> DOORS.stream().noneMatch(path::startsWith)).toList()) {
                assertThat(IGNORED.matcher(Files.readString(file)).replaceAll("")).as(file.toString())
                        .doesNotContainIgnoringCase("inkeep");
            }
        }
    }
}
