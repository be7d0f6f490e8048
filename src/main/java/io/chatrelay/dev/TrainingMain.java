package io.chatrelay.dev;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import io.vertx.core.Vertx;

/**
 * Makes the AOT cache (JEP 514, 515) of the packaged service, by a training run: starts the service beside the emulator, sends what callers send, and
 * stops it by SIGTERM, whereupon the JVM writes the cache. From the root of the repository, after {@code ./mvnw package}:
 *
 * <pre>
 *   java -cp 'target/chat-relay-dev.jar:target/quarkus-app/lib/main/*:target/quarkus-app/lib/boot/*' io.chatrelay.dev.TrainingMain \
 *     target/quarkus-app target/chat-relay.aot 'jdbc:postgresql://localhost/postgres?user=postgres&amp;password=…'
 * </pre>
 *
 * The cache fits only the JVM that made it, the jars with the times that they had, and a heap of less than 32 GiB; to any other it is a warning, and
 * a start without it. The service gets the options of the environment variable {@code JAVA_OPTS}, and its output is in a {@code .log} beside the cache.
 */
public final class TrainingMain {

    /** The key is dev-key: the service is reached by nobody else, and is gone with the training. */
    private static final String KEY_SHA256 = "7e9f8fd111802be56c379d597842e29b2cebd35ff2133d431a49fa556a18704e";
    private static final String ANY_KEY = "training";
    /** The cache is written within the end of the process. */
    private static final long END_MINUTES = 10;

    private TrainingMain() {}

    /**
     * @param args the folder of the packaged service, the cache to write, and a database; without one an embedded PostgreSQL is started, whose
     *             libraries must then be on the class path
     */
    public static void main(String[] args) {
        try {
            train(Path.of(args[0]), Path.of(args[1]).toAbsolutePath(),
                    args.length > 2 ? args[2] : EmbeddedDatabase.start(true));
            System.exit(0);
        } catch (IOException | InterruptedException | RuntimeException e) {
            e.printStackTrace();
            System.exit(1);
        }
    }

    private static void train(Path folder, Path cache, String database) throws IOException, InterruptedException {
        Files.deleteIfExists(cache);
        Path log = cache.resolveSibling(cache.getFileName() + ".log");
        int port = freePort();
        int managementPort = freePort();
        InkeepEmulator inkeep = new InkeepEmulator(Vertx.vertx()).listen(0);
        Process service = service(folder, cache, log, settings(database, inkeep, port, managementPort));
        try {
            int turns = new TrainingCallers(port, managementPort).run(service::isAlive);
            service.destroy();
            if (!service.waitFor(END_MINUTES, TimeUnit.MINUTES) || !Files.exists(cache)) {
                throw new IllegalStateException("The service ended without a cache, see " + log);
            }
            System.out.printf("%s: %d MB, trained by %d turns%n", cache, Files.size(cache) >> 20, turns);
        } finally {
            service.destroyForcibly();
        }
    }

    private static List<String> settings(String database, InkeepEmulator inkeep, int port, int managementPort) {
        return List.of("quarkus.http.host=127.0.0.1", "quarkus.http.port=" + port, "quarkus.management.host=127.0.0.1",
                "quarkus.management.port=" + managementPort, "quarkus.datasource.jdbc.url=" + database,
                "chat-relay.upstreams.agents.kind=agents", "chat-relay.upstreams.agents.url=" + inkeep.agentsUrl(),
                "chat-relay.upstreams.agents.api-key=" + ANY_KEY, "chat-relay.upstreams.cloud.kind=cloud",
                "chat-relay.upstreams.cloud.url=" + inkeep.cloudUrl(), "chat-relay.upstreams.cloud.api-key=" + ANY_KEY,
                "chat-relay.access.keys.training.sha256=" + KEY_SHA256, "chat-relay.access.keys.training.tenant=training");
    }

    private static Process service(Path folder, Path cache, Path log, List<String> settings) throws IOException {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:AOTCacheOutput=" + cache));
        Stream.of(System.getenv().getOrDefault("JAVA_OPTS", "").split("\\s+")).filter(option -> !option.isEmpty())
                .forEach(command::add);
        settings.forEach(setting -> command.add("-D" + setting));
        // By its whole path: of a cache whose jars had none, the folder can be no other.
        command.addAll(List.of("-jar", folder.toAbsolutePath().resolve("quarkus-run.jar").toString()));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true)
                .redirectOutput(log.toFile());
        // Whoever trains may have the service configured for themselves.
        builder.environment().keySet().removeIf(name -> name.startsWith("CHAT_RELAY_") || name.startsWith("QUARKUS_"));
        return builder.start();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }
}
