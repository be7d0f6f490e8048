package io.chatrelay.support.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

import org.awaitility.Awaitility;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.clients.Installed;

/** A Prometheus with the configuration and the alerts that come with the service, which asks it every second. */
public final class Prometheus implements AutoCloseable {

    private static final Path CONFIGURATION = Path.of("docker/prometheus");

    private final Process process;
    private final URI api;

    private Prometheus(Process process, URI api) {
        this.process = process;
        this.api = api;
    }

    public static Prometheus of(RelayProcess relay) throws IOException {
        String program = Installed.PROMETHEUS.require();
        Path folder = Files.createTempDirectory("chat-relay-prometheus").toAbsolutePath();
        String configuration = Files.readString(CONFIGURATION.resolve("prometheus.yml"));
        Files.writeString(folder.resolve("prometheus.yml"),
                replace(replace(configuration, "chat-relay:9000", relay.management().getAuthority()), "scrape_interval: 5s",
                        "scrape_interval: 1s\n  evaluation_interval: 1s"));
        Files.copy(CONFIGURATION.resolve("alerts.yml"), folder.resolve("alerts.yml"));
        String address = "127.0.0.1:" + FreePort.find();
        Process process = new ProcessBuilder(program, "--config.file=" + folder.resolve("prometheus.yml"),
                "--storage.tsdb.path=" + folder.resolve("data"), "--web.listen-address=" + address).redirectErrorStream(true)
                .redirectOutput(folder.resolve("log").toFile()).start();
        Prometheus started = new Prometheus(process, URI.create("http://" + address));
        Awaitility.await("Prometheus, see " + folder).atMost(Duration.ofSeconds(30)).until(started::isReady);
        return started;
    }

    private static String replace(String text, String what, String by) {
        if (!text.contains(what)) {
            throw new IllegalStateException("no " + what + " in the configuration");
        }
        return text.replace(what, by);
    }

    private boolean isReady() {
        try {
            return RelayProcess.get(api.resolve("/-/ready")).statusCode() == 200;
        } catch (UncheckedIOException e) {
            return false;
        }
    }

    /** What an expression results in now: one entry for each series. */
    public JsonNode query(String expression) {
        return data("/api/v1/query?query=" + URLEncoder.encode(expression, StandardCharsets.UTF_8)).path("result");
    }

    /** The alerts, each with whether it could be evaluated. */
    public JsonNode rules() {
        return data("/api/v1/rules").path("groups");
    }

    private JsonNode data(String path) {
        JsonNode answer = Json.read(RelayProcess.get(api.resolve(path)).body());
        if (!answer.path("status").asText().equals("success")) {
            throw new IllegalStateException(path + " -> " + answer);
        }
        return answer.path("data");
    }

    @Override
    public void close() {
        process.destroy();
        try {
            process.waitFor(10, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
