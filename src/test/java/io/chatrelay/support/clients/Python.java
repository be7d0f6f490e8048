package io.chatrelay.support.clients;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Python with OpenAI's SDK. Where it is not installed, pip is asked for it once; where pip cannot have it a test is skipped, unless
 * {@code CHAT_RELAY_REQUIRE_PYTHON=true} insists on it.
 */
public final class Python {

    private static final String SDK = "openai==3.22.1";
    private static final Path PACKAGES = Path.of("target", "python").toAbsolutePath();
    private static final Map<String, String> ENVIRONMENT = Map.of("PYTHONPATH", PACKAGES.toString(), "PYTHONUTF8", "1");
    /** Why there is none; empty if there is, null before the first look. */
    private static String missing;

    private Python() {}

    /** Runs a program. */
    public static Program.Result run(String code, String... arguments) {
        require();
        List<String> command = new ArrayList<>(List.of("python3", "-c", code));
        command.addAll(List.of(arguments));
        return Program.run(Path.of("").toAbsolutePath(), ENVIRONMENT, command);
    }

    /** Ends the test where there is no SDK. */
    static synchronized void require() {
        if (missing == null) {
            missing = installed() || install() ? ""
                    : "there is no OpenAI SDK for Python: 'pip install " + SDK + "' does not work here";
        }
        if (!missing.isEmpty()) {
            if (Boolean.parseBoolean(System.getenv("CHAT_RELAY_REQUIRE_PYTHON"))) {
                fail(missing);
            }
            abort(missing);
        }
    }

    private static boolean installed() {
        return works("-c", "import openai");
    }

    /** One of the test JVMs at a time. */
    private static boolean install() {
        try {
            Files.createDirectories(PACKAGES);
            try (FileChannel file = FileChannel.open(PACKAGES.resolve(".lock"), CREATE, WRITE); FileLock _ = file.lock()) {
                return installed() || works("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input",
                        "--retries", "0", "--timeout", "10", "--target", PACKAGES.toString(), SDK) && installed();
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean works(String... arguments) {
        boolean there = List.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)).stream()
                .anyMatch(path -> Files.isExecutable(Path.of(path, "python3")));
        if (!there) {
            return false;
        }
        List<String> command = new ArrayList<>(List.of("python3"));
        command.addAll(List.of(arguments));
        return Program.run(Path.of("").toAbsolutePath(), ENVIRONMENT, command).exit() == 0;
    }
}
