package io.chatrelay.crash;

import java.net.URI;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;

import io.chatrelay.dev.InkeepEmulator;
import io.chatrelay.support.it.OwnPostgres;
import io.chatrelay.support.it.RelayProcess;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;

/** Two replicas, their PostgreSQL and their Inkeep. The emulator lives through everything, as Inkeep would. */
final class Cluster implements AutoCloseable {

    /**
     * Short, so that rounds are. Not shorter: a decision is sent within 3 s of its leave and by the turn's owner alone, so a lease that was
     * renewed just before has to outlive those.
     */
    static final Duration LEASE = Duration.ofSeconds(4);
    static final Duration EXPIRY = Duration.ofSeconds(6);
    /** Short, so that a silence of a second or two has several. */
    static final Duration HEARTBEAT = Duration.ofMillis(500);

    static final String AGENTS = "agents";
    static final String DURABLE = "agents-durable";
    /** Durable too, and told of decisions by its executions. */
    static final String EXECUTIONS = "agents-executions";
    /** A server of before March 2026. */
    static final String LEGACY = "agents-legacy";
    static final String CLOUD = "cloud";

    final OwnPostgres database = OwnPostgres.started();
    private final Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1).setWorkerPoolSize(1));
    private final InkeepEmulator inkeep = new InkeepEmulator(vertx).listen(0);
    private final RelayProcess[] replicas = new RelayProcess[2];
    private final URI[] apis = new URI[2];

    /** Starts all of it. */
    Cluster() {
        Runtime.getRuntime().addShutdownHook(new Thread(this::killAll, "crash-test-end"));
        // One after the other: the first sets the database up.
        start(0);
        start(1);
    }

    URI inkeep() {
        return URI.create("http://127.0.0.1:" + inkeep.port());
    }

    /** Where that replica is, or was before it went. */
    synchronized URI api(int replica) {
        return apis[replica];
    }

    private RelayProcess.Setup setup(int replica) {
        RelayProcess.Setup setup = RelayProcess.on(database, inkeep).agents(DURABLE, inkeep.agentsUrl())
                .with("chat-relay.upstreams.agents-durable.execution-mode", "durable")
                .agents(EXECUTIONS, inkeep.agentsUrl())
                .with("chat-relay.upstreams.agents-executions.execution-mode", "durable")
                .with("chat-relay.upstreams.agents-executions.approvals", "executions")
                .agents(LEGACY, inkeep.legacyUrl()).with("chat-relay.upstreams.agents-legacy.approvals", "legacy")
                .with("chat-relay.lease.duration", LEASE).with("chat-relay.lease.renew-every", "PT1S")
                // Others take over long before a process whose lease was taken looks after it: only the fence is between them.
                .with("chat-relay.lease.sweep-every", "PT0.25S")
                .with("quarkus.datasource.jdbc.new-connection-sql",
                        "set idle_in_transaction_session_timeout = '2s'; set lock_timeout = '1s'")
                .with("quarkus.datasource.jdbc.additional-jdbc-properties.ApplicationName", application(replica))
                .with("chat-relay.approvals.expiry", EXPIRY).with("chat-relay.approvals.catch-up", "PT1S")
                .with("chat-relay.api.heartbeat", HEARTBEAT).with("chat-relay.shutdown.grace", "PT3S")
                .jvm("-Xmx256m");
        String jar = System.getProperty("crash.jar");
        return jar == null ? setup : setup.jar(Path.of(jar));
    }

    private static String application(int replica) {
        return "crash-" + replica;
    }

    RelayProcess replica(int replica) {
        return replicas[replica];
    }

    /** Launches another process in its place, and returns when it is ready. */
    void start(int replica) {
        RelayProcess started = setup(replica).start();
        synchronized (this) {
            replicas[replica] = started;
            apis[replica] = started.api();
        }
    }

    /** From here until it is closed nothing can be stored in the journal. */
    Connection lockJournal() throws SQLException {
        Connection lock = database.connect();
        lock.setAutoCommit(false);
        lock.createStatement().execute("lock table turn_event in share row exclusive mode");
        return lock;
    }

    /** What a dead process had sent and not committed is rolled back: the database finds out that nobody is there. */
    void forget(int replica) {
        database.execute("select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = '%s'"
                .formatted(application(replica)));
    }

    /** Marks one of the leases that live as ended, as another replica would: it waits for what is being written under that lease. */
    void takeLease(int which) {
        database.execute("""
                with taken as (
                    select incarnation from replica where incarnation in (
                        select incarnation from replica where alive and lease_end > clock_timestamp()
                        order by started_at offset %d limit 1) for update)
                update replica set alive = false from taken where replica.incarnation = taken.incarnation""".formatted(which));
    }

    /** Whoever interrupts the test leaves no process behind. */
    private void killAll() {
        for (RelayProcess replica : replicas) {
            if (replica != null && replica.isAlive()) {
                replica.kill9();
            }
        }
    }

    @Override
    public void close() {
        for (RelayProcess replica : replicas) {
            if (replica != null) {
                replica.close();
            }
        }
        inkeep.close();
        vertx.close();
        database.close();
    }
}
