package io.chatrelay.support.it;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.awaitility.Awaitility;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.dev.InkeepEmulator;
import io.chatrelay.support.Json;

/** The packaged service as a process of its own, in its production profile, on ports that were free. */
public final class RelayProcess implements AutoCloseable {

    /** What it is started with. */
    public static final class Setup {

        private final Map<String, String> properties = new LinkedHashMap<>();
        private final List<String> jvm = new ArrayList<>(List.of("-XX:+ExitOnOutOfMemoryError"));
        private Path jar = JAR;
        private boolean cached;

        private Setup() {
            properties.put("quarkus.http.port", "0");
            properties.put("quarkus.http.host", "127.0.0.1");
            properties.put("quarkus.management.port", "0");
            properties.put("quarkus.management.host", "127.0.0.1");
        }

        public Setup with(String property, Object value) {
            properties.put(property, value.toString());
            return this;
        }

        public Setup without(String prefix) {
            properties.keySet().removeIf(property -> property.startsWith(prefix));
            return this;
        }

        /** An option of the JVM, such as {@code -Xmx}. */
        public Setup jvm(String option) {
            jvm.add(option);
            return this;
        }

        /** For what lives for seconds: no more is compiled than pays within them, and its classes come from the cache. */
        public Setup quick() {
            cached = true;
            return jvm("-XX:TieredStopAtLevel=1").jvm("-XX:CompileThresholdScaling=3").jvm("-XX:+UseSerialGC");
        }

        Setup uncached() {
            cached = false;
            return this;
        }

        /** Another build of it. */
        public Setup jar(Path other) {
            jar = other;
            return this;
        }

        public Setup database(Postgres database) {
            return with("quarkus.datasource.jdbc.url", database.url()).with("quarkus.datasource.username", Postgres.USER)
                    .with("quarkus.datasource.password", Postgres.PASSWORD);
        }

        /** Both kinds of upstream, named as their kind. */
        public Setup upstreams(URI agents, URI cloud) {
            return agents("agents", agents).with("chat-relay.upstreams.cloud.kind", "cloud")
                    .with("chat-relay.upstreams.cloud.url", cloud)
                    .with("chat-relay.upstreams.cloud.api-key", "emulator-key");
        }

        /** An Agents upstream on that server. */
        public Setup agents(String name, URI url) {
            String prefix = "chat-relay.upstreams." + name;
            return with(prefix + ".kind", "agents").with(prefix + ".url", url).with(prefix + ".api-key", "emulator-key");
        }

        public Setup key() {
            return with("chat-relay.access.keys.it.sha256", RelayClient.KEY_SHA256).with("chat-relay.access.keys.it.tenant",
                    "it");
        }

        /** For tests that wait for a take-over whose time is not the point. */
        public Setup shortLease() {
            return with("chat-relay.lease.duration", "4s").with("chat-relay.lease.renew-every", "1s")
                    .with("chat-relay.lease.sweep-every", "500ms");
        }

        /** Starts it and returns at once. */
        public RelayProcess launch() {
            return new RelayProcess(this);
        }

        /** Starts it and returns when it is ready. */
        public RelayProcess start() {
            return launch().awaitReady();
        }
    }

    private static final Path JAR = Path.of("target/quarkus-app/quarkus-run.jar");
    private static final Duration START = Duration.ofSeconds(60);
    private static final Pattern LISTENING = Pattern
            .compile("Listening on: (http://\\S+?)\\.? Management interface listening on (http://[^\\s\"]+?)\\.?[\\s\"]");
    private static final AtomicInteger STARTED = new AtomicInteger();
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private final Path log = Path.of("target", "relay-%d-%d.log".formatted(ProcessHandle.current().pid(),
            STARTED.incrementAndGet()));
    private final Process process;
    private URI api;
    private URI management;

    private RelayProcess(Setup setup) {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(setup.jvm);
        if (setup.cached && setup.jar.equals(JAR)) {
            command.add("-XX:AOTCache=" + AotCache.get());
            // A stub of the cache's that does not fit is a warning on standard output, and compiled anew.
            command.add("-Xlog:aot*=error");
        }
        setup.properties.forEach((name, value) -> command.add("-D" + name + "=" + value));
        command.addAll(List.of("-jar", setup.jar.toString()));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
        // Whoever runs the tests may have the service configured for themselves.
        builder.environment().keySet().removeIf(name -> name.startsWith("CHAT_RELAY_") || name.startsWith("QUARKUS_")
                || name.startsWith("OTEL_"));
        try {
            process = builder.start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** With nothing that an operator has to set. */
    public static Setup unconfigured() {
        return new Setup();
    }

    /** With all that it needs, for seconds. */
    public static Setup on(Postgres database, InkeepEmulator inkeep) {
        return unconfigured().quick().database(database).upstreams(inkeep.agentsUrl(), inkeep.cloudUrl()).key();
    }

    RelayProcess awaitReady() {
        Awaitility.await("a ready service, see " + log).atMost(START).pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(50)).until(() -> {
                    if (!process.isAlive()) {
                        throw new IllegalStateException(
                                "The service ended with %d: %s".formatted(process.exitValue(), output()));
                    }
                    return listens() && isReady();
                });
        return this;
    }

    private boolean listens() {
        Matcher line = LISTENING.matcher(output());
        if (api == null && line.find()) {
            api = URI.create(line.group(1));
            management = URI.create(line.group(2));
        }
        return api != null;
    }

    public URI api() {
        return api;
    }

    /** Where health, metrics and the API's description are. */
    public URI management() {
        return management;
    }

    public long pid() {
        return process.pid();
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    /** Everything that it printed. */
    public String output() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The lines of its log, each a JSON object; what the JVM prints is none, nor is a line that is being written. */
    public List<JsonNode> log() {
        return output().lines().filter(line -> line.startsWith("{") && line.endsWith("}")).map(Json::read).toList();
    }

    /** SIGKILL: it learns nothing of it. */
    public void kill9() {
        process.destroyForcibly();
        exitCode();
    }

    /** SIGTERM. */
    public void terminate() {
        process.destroy();
    }

    /** SIGSTOP: its connections stay open, and nothing of it moves. */
    public void pause() {
        Signal.STOP.to(List.of(process.toHandle()));
    }

    /** SIGCONT. */
    public void resume() {
        Signal.CONTINUE.to(List.of(process.toHandle()));
    }

    /** Whether it is ready for traffic, as a load balancer asks. */
    public boolean isReady() {
        return status(management.resolve("/q/health/ready")) == 200;
    }

    /** Waits for its end. */
    public int exitCode() {
        try {
            if (!process.waitFor(150, TimeUnit.SECONDS)) {
                throw new IllegalStateException("The service still runs, see " + log);
            }
            return process.exitValue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** All samples of a metric, added up; 0 where there is none. */
    public double metric(String name, String... labels) {
        return get(management.resolve("/q/metrics")).body().lines()
                .filter(line -> line.startsWith(name + "{") || line.startsWith(name + " "))
                .filter(line -> List.of(labels).stream().allMatch(line::contains))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1))).sum();
    }

    /** What a diagnostic command of the JVM says. */
    public String jcmd(String... arguments) {
        List<String> command = new ArrayList<>(
                List.of(Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(), Long.toString(pid())));
        command.addAll(List.of(arguments));
        try {
            return new String(new ProcessBuilder(command).redirectErrorStream(true).start().getInputStream().readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Bytes of heap in use after a full collection. */
    public long heapAfterCollection() {
        jcmd("GC.run");
        return (long) metric("jvm_memory_used_bytes", "area=\"heap\"");
    }

    private static int status(URI uri) {
        try {
            return get(uri).statusCode();
        } catch (UncheckedIOException e) {
            return -1;
        }
    }

    /** What a server answers to whoever has no key. */
    public static HttpResponse<String> get(URI uri) {
        try {
            return HTTP.send(HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(20)).build(),
                    HttpResponse.BodyHandlers.ofString());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** Ends it as an operator would, and by force if it does not listen. */
    @Override
    public void close() {
        terminate();
        try {
            if (!process.waitFor(30, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            process.destroyForcibly();
        }
    }

    @Override
    public String toString() {
        return "the service at %s, process %d, log %s".formatted(api, pid(), log);
    }
}
