package io.chatrelay.it;

import static org.awaitility.Awaitility.await;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The packaged emulator of Inkeep, with the packaged service's libraries, as a process of its own. */
final class EmulatorProcess implements AutoCloseable {

    private static final Path JAR = Path.of("target/chat-relay-dev.jar");
    private static final Path LIBRARIES = Path.of("target/quarkus-app/lib");
    private static final Pattern ADDRESS = Pattern.compile("Inkeep Agents at (http://[^/]+)/");

    private final Path log;
    private final Process process;
    private URI address;

    private EmulatorProcess(Path log, Process process) {
        this.log = log;
        this.process = process;
    }

    /** Returns when it answers. */
    static EmulatorProcess start() {
        String classes = String.join(File.pathSeparator, JAR.toString(), LIBRARIES + "/main/*", LIBRARIES + "/boot/*");
        try {
            Path log = Files.createTempFile("emulator", ".log");
            List<String> command = List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp", classes,
                    "io.chatrelay.dev.EmulatorMain", "0");
            EmulatorProcess emulator = new EmulatorProcess(log,
                    new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start());
            await("the emulator").atMost(Duration.ofSeconds(60)).until(emulator::listens);
            return emulator;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private boolean listens() throws IOException {
        String output = Files.readString(log);
        if (!process.isAlive()) {
            throw new IllegalStateException("The emulator ended: " + output);
        }
        Matcher line = ADDRESS.matcher(output);
        if (line.find()) {
            address = URI.create(line.group(1));
        }
        return address != null;
    }

    URI at(String path) {
        return address.resolve(path);
    }

    @Override
    public void close() {
        process.destroy();
    }
}
