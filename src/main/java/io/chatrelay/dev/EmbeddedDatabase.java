package io.chatrelay.dev;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;

/** An embedded PostgreSQL 18 for as long as this JVM lives; in dev mode its data stay for the next one. */
public final class EmbeddedDatabase {

    private static final String URL = "jdbc:postgresql://localhost:%d/postgres?user=postgres";

    /** It recovers first if it was killed, and a busy machine takes more than the ten seconds that are the library's default. */
    private static final Duration START = Duration.ofMinutes(1);

    private EmbeddedDatabase() {}

    /** Starts it, or takes up the one that a killed JVM left running, and returns its JDBC URL. */
    public static String start(boolean forgetful) throws IOException {
        if (forgetful) {
            return started(durable());
        }
        Path data = Path.of(System.getProperty("chatrelay-dev.data", ".chat-relay")).toAbsolutePath().resolve("postgres-18");
        Optional<String> running = takeUp(data.resolve("postmaster.pid"));
        if (running.isPresent()) {
            return running.get();
        }
        Files.createDirectories(data.getParent());
        return started(durable().setDataDirectory(data).setCleanDataDirectory(false));
    }

    /** One that keeps what it has committed. It comes with both off; a service that promises durability is tried with both on. */
    public static EmbeddedPostgres.Builder durable() {
        return EmbeddedPostgres.builder().setServerConfig("fsync", "on").setServerConfig("synchronous_commit", "on")
                .setServerConfig("max_connections", "200").setPGStartupWait(START);
    }

    private static String started(EmbeddedPostgres.Builder builder) throws IOException {
        EmbeddedPostgres database = builder.start();
        atExit(() -> {
            try {
                database.close();
            } catch (IOException e) {
                // The JVM is going; the next start takes up what is still running.
                System.err.println("embedded PostgreSQL: " + e.getMessage());
            }
        });
        return URL.formatted(database.getPort());
    }

    /** A server outlives a JVM that was killed. Source: lines 1 and 4 of {@code postmaster.pid} are its process and its port. */
    private static Optional<String> takeUp(Path pidFile) throws IOException {
        if (!Files.exists(pidFile)) {
            return Optional.empty();
        }
        List<String> lines = Files.readAllLines(pidFile);
        Optional<ProcessHandle> server = ProcessHandle.of(Long.parseLong(lines.get(0).strip()))
                .filter(EmbeddedDatabase::isPostgres);
        server.ifPresent(handle -> atExit(handle::destroy));
        return server.map(_ -> URL.formatted(Integer.parseInt(lines.get(3).strip())));
    }

    private static boolean isPostgres(ProcessHandle process) {
        return process.isAlive() && process.info().command().orElse("").endsWith("postgres");
    }

    private static void atExit(Runnable task) {
        Runtime.getRuntime().addShutdownHook(new Thread(task, "embedded-postgres-stop"));
    }
}
