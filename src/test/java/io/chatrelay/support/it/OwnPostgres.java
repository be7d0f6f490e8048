package io.chatrelay.support.it;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;

import io.chatrelay.dev.EmbeddedDatabase;
import io.chatrelay.it.Plans;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;

/**
 * An embedded PostgreSQL of a test's own, with fsync, full_page_writes and synchronous_commit on, that goes away and comes back: on the
 * same folder and the same port.
 */
public final class OwnPostgres extends Postgres implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String LOG_FOLDER = "log";
    private static final String LOG_FILE = "postgres.log";
    private static final AtomicInteger CREATED = new AtomicInteger();
    /** Kept, for who configures a logger that nobody holds configures nothing. */
    private static final Logger LOG = Logger.getLogger(EmbeddedPostgres.class.getName());

    private final Path folder = Path.of("target", "postgres-%d-%d".formatted(ProcessHandle.current().pid(),
            CREATED.incrementAndGet())).toAbsolutePath();
    private final int port = freePort();
    private final Map<String, String> settings;
    private EmbeddedPostgres server;
    private List<ProcessHandle> ended = List.of();

    private OwnPostgres(Map<String, String> settings) {
        this.settings = settings;
    }

    /** A server with nothing in it, which has started. */
    public static OwnPostgres started() {
        return started(Map.of());
    }

    /**
     * The same, with what {@link Plans} reads: while {@link #explain} is on, its log tells the plan of each statement that it executes, with
     * what it read. Source: PostgreSQL's module auto_explain.
     */
    public static OwnPostgres explaining() {
        return started(Map.of("session_preload_libraries", "auto_explain", "auto_explain.log_analyze", "on",
                "auto_explain.log_timing", "off", "auto_explain.log_nested_statements", "on", "auto_explain.log_format", "json",
                "logging_collector", "on", "log_directory", LOG_FOLDER, "log_filename", LOG_FILE, "log_line_prefix",
                Plans.PREFIX));
    }

    private static OwnPostgres started(Map<String, String> settings) {
        OwnPostgres postgres = new OwnPostgres(settings);
        postgres.start();
        return postgres;
    }

    /** Whether its log tells the plans of statements from now on. */
    public void explain(boolean on) {
        execute("alter system set auto_explain.log_min_duration = " + (on ? 0 : -1), "select pg_reload_conf()");
    }

    /** What it logged. */
    public Path log() {
        return folder.resolve(LOG_FOLDER).resolve(LOG_FILE);
    }

    @Override
    public String url() {
        return "jdbc:postgresql://127.0.0.1:%d/postgres".formatted(port);
    }

    /** Starts it again, and returns when it answers: after a kill, when it has recovered. */
    public void start() {
        letGo();
        try {
            EmbeddedPostgres.Builder builder = EmbeddedDatabase.durable().setServerConfig("full_page_writes", "on");
            settings.forEach(builder::setServerConfig);
            server = builder.setDataDirectory(folder).setCleanDataDirectory(false).setPort(port).start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** SIGKILL to the server and all its processes, as the kernel does when memory is short: nothing is flushed, no client is told. */
    public void kill9() {
        ended = processes();
        // The server first, or it would begin to recover from the death of the others.
        ended.forEach(ProcessHandle::destroyForcibly);
        await("nobody listens").atMost(PATIENCE).pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(5))
                .until(() -> !listens());
    }

    /** Ends it as an operator does: clients are told, and what they have not committed is rolled back. */
    public void stop() {
        ended = processes();
        close(server);
    }

    /** SIGSTOP: connections stay open, and nothing answers. */
    public void pause() {
        // The server first: it starts no others then.
        Signal.STOP.to(processes().subList(0, 1));
        Signal.STOP.to(processes());
    }

    /** SIGCONT. */
    public void resume() {
        Signal.CONTINUE.to(processes());
    }

    /** Stops it and removes its folder. */
    @Override
    public void close() {
        if (ended.isEmpty()) {
            stop();
        }
        letGo();
        try (Stream<Path> files = Files.walk(folder)) {
            files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The server, and after it its processes. Source: line 1 of {@code postmaster.pid} is the server's. */
    private List<ProcessHandle> processes() {
        try {
            long pid = Long.parseLong(Files.readAllLines(folder.resolve("postmaster.pid")).getFirst().strip());
            ProcessHandle postmaster = ProcessHandle.of(pid).orElseThrow();
            return Stream.concat(Stream.of(postmaster), postmaster.descendants()).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private boolean listens() {
        try (Socket _ = new Socket(InetAddress.getLoopbackAddress(), port)) {
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /** Of the folder, for the next start. A process that has ended is there until the system's first one has taken note of it. */
    private void letGo() {
        await("the end of PostgreSQL").atMost(PATIENCE).pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(10))
                .until(() -> ended.stream().noneMatch(ProcessHandle::isAlive));
        ended = List.of();
        if (server != null) {
            // That one that was killed cannot be stopped is no error.
            LOG.setLevel(Level.OFF);
            close(server);
            LOG.setLevel(null);
        }
    }

    private static void close(EmbeddedPostgres server) {
        try {
            server.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * One that no client is given by chance: Linux gives them ports from 32768, and one that asks again and again for a port on which
     * nobody listens would in the end be connected to itself.
     */
    private static int freePort() {
        while (true) {
            int port = ThreadLocalRandom.current().nextInt(15_000, 30_000);
            try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
                return socket.getLocalPort();
            } catch (IOException e) {
                // Somebody has it.
                continue;
            }
        }
    }
}
