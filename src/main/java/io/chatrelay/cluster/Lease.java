package io.chatrelay.cluster;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

import org.jboss.logging.Logger;

/**
 * This process' lease on its turns, by the database's clock. One row a process, not a turn:
 *
 * <pre>
 * registered ── renewed every few seconds ──▶ held ── lease_end passes and another replica sets alive = false ──▶ lost
 *     │                                        ▲                                                                  │
 *     │                                        └──────────────── registered anew, as another incarnation ◀────────┘
 *     └── given up, by a process that stops ──▶ over
 * </pre>
 *
 * Whoever writes to the journal reads its own row {@code FOR KEY SHARE} in the same transaction ({@link #isHeld}); whoever takes
 * over first sets {@code alive = false}, which waits for those transactions. A lease that nobody took may be renewed late.
 */
public final class Lease {

    /** First statement of every transaction that writes to a turn; no row means that this process may not. */
    public static final String FENCE = "select 1 from replica where incarnation = ? and alive for key share";

    private static final Logger LOG = Logger.getLogger(Lease.class);

    /** Of others only, and only while the own lease is fresh by the database's clock. */
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
    private volatile UUID incarnation = UUID.randomUUID();
    private volatile boolean registered;
    private volatile long unbrokenSince = Long.MAX_VALUE;
    private volatile long renewedAt;
    private final UUID nobody = UUID.randomUUID();
    private boolean over;

    public Lease(LeaseConfig config, Runnable onLost) {
        this.config = config;
        this.onLost = onLost;
    }

    public UUID incarnation() {
        return incarnation;
    }

    public boolean registered() {
        return registered;
    }

    /** Whether the lease was renewed within its own length, by this process' clock. */
    public boolean isFresh() {
        return registered && System.nanoTime() - renewedAt <= config.duration().toNanos();
    }

    /**
     * How long one answer of the database may be waited for: a renewal that hangs is given up and tried again on another connection, twice,
     * before the lease ends.
     */
    public static Duration patience(LeaseConfig config) {
        return unbroken(config).dividedBy(2);
    }

    /** Registers this process, or prolongs its lease; learns that it was taken away. */
    public void renew(Connection connection) throws SQLException {
        if (over) {
            return;
        }
        long asked = System.nanoTime();
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
     * This process' turns are another's now. It drops them and goes on as a new incarnation.
     *
     * @param which the incarnation that was found without its lease: what is no longer ours cannot be lost again
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

    /** Whether an incarnation may write to turns, for as long as the connection's transaction lasts. */
    public static boolean isHeld(Connection connection, UUID incarnation) throws SQLException {
        try (PreparedStatement fence = connection.prepareStatement(FENCE)) {
            fence.setObject(1, incarnation);
            try (ResultSet held = fence.executeQuery()) {
                return held.next();
            }
        }
    }

    /**
     * Marks replicas whose lease has ended. Only a process that has itself renewed without a break for a whole lease marks
     * others, and only while its own lease is fresh: after an outage of the database every lease looks ended.
     */
    public void sweep(Connection connection) throws SQLException {
        long now = System.nanoTime();
        if (registered && now - unbrokenSince > config.duration().toNanos() && now - renewedAt <= unbroken().toNanos()) {
            mark(connection);
        }
    }

    /** Marks replicas of which no session is left and that have not renewed for so long. Only a process whose own lease is fresh does. */
    public void markGone(Connection connection, List<UUID> gone, Duration silent) throws SQLException {
        if (!registered || System.nanoTime() - renewedAt > unbroken().toNanos()) {
            return;
        }
        try (PreparedStatement update = connection.prepareStatement(MARK.formatted(GONE))) {
            update.setArray(1, connection.createArrayOf("uuid", gone.toArray()));
            update.setLong(2, silent.toMillis());
            markWith(update, 3, "The process of replica %s has ended; its turns are taken over");
        }
    }

    /**
     * The longest time between two renewals that counts as no break. The others' renewals, too, may have been due when it began and may
     * come a little after ours when it is over: so much shorter than a lease it has to be.
     */
    private Duration unbroken() {
        return unbroken(config);
    }

    private static Duration unbroken(LeaseConfig config) {
        return config.duration().minus(config.renewEvery().multipliedBy(2));
    }

    /**
     * Replicas that are gone and whose turns nobody has claimed. Asked often: the few owners of running turns are looked up. One without a
     * row is gone as well, for whoever may write to a turn holds its row.
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
     * Removes the rows of replicas that ended long ago, some at a time. None that owns a turn which runs: it is claimed by its owner's row.
     * None that another process is about to give turns to: that holds the row, and its lease has just ended. A store may have thousands
     * from before they were removed.
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

    /** Tells the others that this process stops, and takes nothing over any more. */
    public void leave(Connection connection) throws SQLException {
        try (PreparedStatement update = connection
                .prepareStatement("update replica set leaving = true where incarnation = ?")) {
            update.setObject(1, incarnation);
            update.executeUpdate();
        }
    }

    /** Whether another process is there that could take turns over: one that renews in time, and stays. */
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

    /** A lease that has ended already: turns that are given to it are claimed by the next replica that looks. In the caller's transaction. */
    public UUID ended(Connection connection) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement("""
                insert into replica (incarnation, lease_end, alive) values (?, clock_timestamp(), false)
                on conflict (incarnation) do update set lease_end = excluded.lease_end""")) {
            insert.setObject(1, nobody);
            insert.executeUpdate();
        }
        return nobody;
    }

    /** Gives the lease up at once, for a process that stops: its turns need not wait for its end. It does not register again. */
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
