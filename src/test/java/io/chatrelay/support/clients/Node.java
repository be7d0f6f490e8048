package io.chatrelay.support.clients;

import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.Json;

/** The scripts of {@code src/test/node}. Without Node a test is skipped, unless {@code CHAT_RELAY_REQUIRE_NODE=true} insists on it. */
public final class Node {

    private static final Path SCRIPTS = Path.of("src/test/node");
    private static final long PATIENCE_SECONDS = 90;

    private Node() {}

    /** Runs a script, and gives the document that it prints. */
    public static JsonNode run(String script, String... arguments) {
        return run(PATIENCE_SECONDS, script, arguments);
    }

    /** The same for a script that does many things. */
    public static JsonNode run(long patienceSeconds, String script, String... arguments) {
        require();
        List<String> command = new ArrayList<>(List.of("node", script));
        command.addAll(List.of(arguments));
        // Its own is for whoever runs it by hand.
        command.addAll(List.of("--max-ms", Long.toString(TimeUnit.SECONDS.toMillis(patienceSeconds - 5))));
        return Json.read(Program.run(SCRIPTS, Map.of(), command, Duration.ofSeconds(patienceSeconds)).printed());
    }

    /** Ends the test where there is no Node. */
    public static void require() {
        String missing = missing();
        if (missing != null) {
            if (Boolean.parseBoolean(System.getenv("CHAT_RELAY_REQUIRE_NODE"))) {
                fail(missing);
            }
            abort(missing);
        }
    }

    private static String missing() {
        if (!Files.isDirectory(SCRIPTS.resolve("node_modules"))) {
            return "the stock clients are not installed: run 'npm ci' in " + SCRIPTS;
        }
        try {
            return new ProcessBuilder("node", "--version").redirectErrorStream(true).start().waitFor() == 0 ? null
                    : "'node --version' failed";
        } catch (IOException e) {
            return "there is no 'node' on the path";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "interrupted";
        }
    }
}
