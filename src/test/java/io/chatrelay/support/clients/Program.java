package io.chatrelay.support.clients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** A program of a caller, run as its users run it. */
public final class Program {

    private static final Duration PATIENCE = Duration.ofSeconds(90);

    /** How it ended. */
    public record Result(int exit, String out, String err) {

        /** What it printed; it must have ended well. */
        public String printed() {
            assertThat(exit).as(err).isZero();
            return out;
        }
    }

    private Program() {}

    public static Result run(Path directory, Map<String, String> environment, List<String> command) {
        return run(directory, environment, command, PATIENCE);
    }

    static Result run(Path directory, Map<String, String> environment, List<String> command, Duration patience) {
        try {
            Path out = Files.createTempFile("chat-relay-program", ".out");
            Path err = Files.createTempFile("chat-relay-program", ".err");
            try {
                ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile())
                        .redirectOutput(out.toFile()).redirectError(err.toFile());
                builder.environment().putAll(environment);
                Process process = builder.start();
                process.getOutputStream().close();
                if (!process.waitFor(patience)) {
                    process.destroyForcibly();
                    fail(command + " did not end: " + Files.readString(err));
                }
                return new Result(process.exitValue(), Files.readString(out), Files.readString(err));
            } finally {
                Files.delete(out);
                Files.delete(err);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
