package io.chatrelay.cluster;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.LongSupplier;

import org.jboss.logging.Logger;

/**
 * The lease of this process on its turns, measured by the database's clock. There is one row per process, not one per turn:
 *
 * <pre>
 * registered ── renewed every few seconds ──▶ held ── lease_end passes and another replica sets alive = false ──▶ lost
 *     │                                        ▲                                                                  │
 *     │                                        └────────── registers again with a new incarnation ◀───────────────┘
 *     └── released by a process that stops ──▶ over
 * </pre>
 *
 * A transaction that writes to the journal reads the row of its own process {@code FOR KEY SHARE} ({@link #isHeld}). A replica that takes over
 * first sets {@code alive = false}; this update waits for those transactions. An expired lease may still be renewed if no replica has taken it
 * over.
 */
public final class Lease {

    /** First statement of every transaction that writes to a turn. If it returns no row, this process must not write. */
    public static final String FENCE = "select 1 from replica where incarnation = ? and alive for key share";

    private static final Logger LOG = Logger.getLogger(Lease.class);

    /** Marks only other replicas, and only while this replica's own lease is fresh by the database's clock. */
    private static final String MARK = """
            with ended as (
                select incarnation from replica
                where alive and %s and incarnation <> ? and exists (
                    -- Asked before an outage, and executed after it.
                    select 1 from replica me
                    where me.incarnation = ? and me.alive
                      and me.renewed_at > clock_timestamp() - ? * interval '1 millisecond')
                for update)
            update replica set alive = false from ended where replica.incarnation = ended.incarnation
            returning replica.incarnation""";
    private static final String ENDED = "lease_end < clock_timestamp()";
    private static final String GONE = "incarnation = any(?) and renewed_at < clock_timestamp() - ? * interval '1 millisecond'";

    private final LeaseConfig config;
    private final Runnable onLost;
    private final LongSupplier nanoTime;
    private volatile UUID incarnation = UUID.randomUUID();
    private volatile boolean registered;
    private volatile long unbrokenSince = Long.MAX_VALUE;
    private volatile long renewedAt;
    private final UUID nobody = UUID.randomUUID();
    private boolean over;

    /** @param nanoTime the process' own clock. It only bounds what this process asks for; the database's clock decides whose lease has ended */
    public Lease(LeaseConfig config, Runnable onLost, LongSupplier nanoTime) {
        this.config = config;
        this.onLost = onLost;
        this.nanoTime = nanoTime;
    }

    public UUID incarnation() {
        return incarnation;
    }

    public boolean registered() {
        return registered;
    }

    /** Whether the lease was renewed within the lease duration, by this process' clock. */
    public boolean isFresh() {
        return registered && nanoTime.getAsLong() - renewedAt <= config.duration().toNanos();
    }

    /**
     * The longest time to wait for one answer of the database. A renewal that hangs can be abandoned and retried on another connection twice
     * before the lease ends.
     */
    public static Duration patience(LeaseConfig config) {
        return unbroken(config).dividedBy(2);
    }

    /** Registers this process, or renews its lease. If another replica has taken the lease away, drops the turns and registers again. */
    public void renew(Connection connection) throws SQLException {
        if (over) {
            return;
        }
        long asked = nanoTime.getAsLong();
        if (!registered) {
            register(connection);
        } else if (!prolong(connection)) {
            lost(incarnation);
            register(connection);
        }
        if (asked - renewedAt > unbroken().toNanos()) {
            unbrokenSince = asked;
        }
        renewedAt = asked;
    }

    /**
     * Another replica owns this process' turns now. This process drops them and continues with a new incarnation.
     *
     * @param which the incarnation that lost its lease. Ignored unless it is the current one: a lease cannot be lost twice
     */
    public synchronized void lost(UUID which) {
        if (registered && which.equals(incarnation)) {
            LOG.warnf("Lost the lease of replica %s: its turns are dropped, their streams end, and it registers anew",
                    incarnation);
            registered = false;
            incarnation = UUID.randomUUID();
            unbrokenSince = Long.MAX_VALUE;
            renewedAt = 0;
            onLost.run();
        }
    }

    /** Whether an incarnation may write to turns. The answer is valid until the connection's transaction ends. */
    public static boolean isHeld(Connection connection, UUID incarnation) throws SQLException {
        try (PreparedStatement fence = connection.prepareStatement(FENCE)) {
            fence.setObject(1, incarnation);
            try (ResultSet held = fence.executeQuery()) {
                return held.next();
            }
        }
    }

    /**
     * Marks replicas whose lease has ended. A process marks others only if it has renewed its own lease without a break for a whole lease
     * duration, and only while its own lease is fresh: after an outage of the database every lease appears to have ended.
     */
    public void sweep(Connection connection) throws SQLException {
        long now = nanoTime.getAsLong();
        if (registered && now - unbrokenSince > config.duration().toNanos() && now - renewedAt <= unbroken().toNanos()) {
            mark(connection);
        }
    }

    /** Marks replicas that have no session left and have not renewed for this long. Does nothing unless the own lease is fresh. */
    public void markGone(Connection connection, List<UUID> gone, Duration silent) throws SQLException {
        if (!registered || nanoTime.getAsLong() - renewedAt > unbroken().toNanos()) {
            return;
        }
        try (PreparedStatement update = connection.prepareStatement(MARK.formatted(GONE))) {
            update.setArray(1, connection.createArrayOf("uuid", gone.toArray()));
            update.setLong(2, silent.toMillis());
            markWith(update, 3, "The process of replica %s has ended; its turns are taken over");
        }
    }

    /**
     * The longest time between two renewals that does not count as a break. It must be this much shorter than a lease: renewals of other
     * replicas may have been due when an outage began, and may arrive shortly after this replica's renewal when the outage ends.
     */
    private Duration unbroken() {
        return unbroken(config);
    }

    private static Duration unbroken(LeaseConfig config) {
        return config.duration().minus(config.renewEvery().multipliedBy(2));
    }

    /**
     * Replicas that are gone and still own running turns. Called often, so it looks up only the few owners of running turns. An owner without a
     * row is gone as well, because a replica needs its row to write to a turn.
     */
    public static List<UUID> dead(Connection connection) throws SQLException {
        List<UUID> dead = new ArrayList<>();
        try (PreparedStatement select = connection.prepareStatement("""
                select o.owner from (select distinct owner from turn where state in ('running', 'awaiting_approval')) o
                where not coalesce((select r.alive from replica r where r.incarnation = o.owner), false)""");
                ResultSet rows = select.executeQuery()) {
            while (rows.next()) {
                dead.add(rows.getObject(1, UUID.class));
            }
        }
        return dead;
    }

    private void mark(Connection connection) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(MARK.formatted(ENDED))) {
            markWith(update, 1, "The lease of replica %s has ended; its turns are taken over");
        }
    }

    private void markWith(PreparedStatement update, int index, String said) throws SQLException {
        update.setObject(index, incarnation);
        update.setObject(index + 1, incarnation);
        update.setLong(index + 2, unbroken().toMillis());
        try (ResultSet rows = update.executeQuery()) {
            while (rows.next()) {
                LOG.infof(said, rows.getObject(1));
            }
        }
    }

    /**
     * Deletes the rows of replicas whose lease ended long ago, a limited number per call. Skips the owner of a running turn: the turn is
     * claimed through its owner's row. Skips a row to which another process is handing over turns: that process locks the row, and its lease
     * has only just ended. A database may hold thousands of rows from before this cleanup existed.
     */
    public int forget(Connection connection) throws SQLException {
        try (PreparedStatement delete = connection.prepareStatement("""
                delete from replica where incarnation in (
                    select r.incarnation from replica r
                    where not r.alive and r.lease_end < statement_timestamp() - ? * interval '1 millisecond'
                      -- Its lease ended later than it began: the index is by that.
                      and r.started_at < statement_timestamp() - ? * interval '1 millisecond'
                      and not exists (select 1 from turn t
                                      where t.owner = r.incarnation and t.state in ('running', 'awaiting_approval'))
                    limit 1000 for update skip locked)""")) {
            delete.setLong(1, config.forgetAfter().toMillis());
            delete.setLong(2, config.forgetAfter().toMillis());
            return delete.executeUpdate();
        }
    }

    /** Marks this process as leaving, so that other replicas do not count on it to take over turns. */
    public void leave(Connection connection) throws SQLException {
        try (PreparedStatement update = connection
                .prepareStatement("update replica set leaving = true where incarnation = ?")) {
            update.setObject(1, incarnation);
            update.executeUpdate();
        }
    }

    /** Whether another replica can take over turns: it renews in time and is not leaving. */
    public boolean hasPeers(Connection connection) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement("""
                select 1 from replica
                where alive and not leaving and incarnation <> ?
                  and renewed_at > clock_timestamp() - ? * 1.5 * interval '1 millisecond' limit 1""")) {
            select.setObject(1, incarnation);
            select.setLong(2, config.renewEvery().toMillis());
            try (ResultSet row = select.executeQuery()) {
                return row.next();
            }
        }
    }

    /** Inserts a lease that has already ended. The next replica that checks claims the turns assigned to it. Runs in the caller's transaction. */
    public UUID ended(Connection connection) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement("""
                insert into replica (incarnation, lease_end, alive) values (?, clock_timestamp(), false)
                on conflict (incarnation) do update set lease_end = excluded.lease_end""")) {
            insert.setObject(1, nobody);
            insert.executeUpdate();
        }
        return nobody;
    }

    /**
     * Releases the lease at once when the process stops, so that its turns need not wait for the lease to end. The process does not register
     * again.
     */
    public void release(Connection connection) throws SQLException {
        over = true;
        if (registered) {
            try (PreparedStatement update = connection
                    .prepareStatement("""
                            with mine as (select incarnation from replica where incarnation = ? for update)
                            update replica set alive = false from mine where replica.incarnation = mine.incarnation""")) {
                update.setObject(1, incarnation);
                update.executeUpdate();
            }
            registered = false;
        }
    }

    public Duration renewEvery() {
        return config.renewEvery();
    }

    private void register(Connection connection) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement("""
                insert into replica (incarnation, lease_end) values (?, clock_timestamp() + ? * interval '1 millisecond')
                on conflict (incarnation) do nothing""")) {
            insert.setObject(1, incarnation);
            insert.setLong(2, config.duration().toMillis());
            insert.executeUpdate();
        }
        registered = true;
    }

    private boolean prolong(Connection connection) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement("""
                update replica set lease_end = clock_timestamp() + ? * interval '1 millisecond', renewed_at = clock_timestamp()
                where incarnation = ? and alive""")) {
            update.setLong(1, config.duration().toMillis());
            update.setObject(2, incarnation);
            return update.executeUpdate() == 1;
        }
    }
}
