package io.chatrelay.cluster;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/**
 * Detects a dead process before its lease ends: when a process ends, its PostgreSQL sessions end. Each of two of its sessions (clock and writer)
 * holds a shared advisory lock on its incarnation, and other replicas check whether any session holds that lock.
 *
 * <pre>
 * unknown ── its lock is seen ──▶ present ── no session holds it ──▶ absent ── for {@link LeaseConfig#absence}, not renewed ──▶ gone
 *    ▲                              ▲                                  │
 *    │                              └──────── its lock is seen ────────┘
 *    └── the observer's own session broke, or it did not look for too long
 * </pre>
 *
 * <p>This is only a hint; the fence decides. An outage of the database ends all sessions, including the observer's; the observer then discards
 * what it saw. A replica that holds no visible lock (an earlier version, a pooler that mixes sessions) stays unknown, and only its lease
 * counts.
 */
public final class Presence {

    /** A shorter delay between two checks hides no outage: an outage of the database would have broken the observer's own session. */
    private static final Duration LOOKED_WITHIN = Duration.ofSeconds(3);

    /** Another replica whose row is marked alive. */
    record Sighting(UUID incarnation, boolean present, boolean silent) {}

    /** pg_locks splits the key of an advisory lock into two halves. Source: PostgreSQL, pg_locks. */
    private static final String SIGHTINGS = """
            select incarnation,
                   ('x' || translate(left(incarnation::text, 18), '-', ''))::bit(64)::bigint in (
                       select (classid::bigint << 32) | objid::bigint from pg_locks
                       where locktype = 'advisory' and objsubid = 1 and granted
                         and database = (select oid from pg_database where datname = current_database())),
                   renewed_at < clock_timestamp() - ? * interval '1 millisecond'
            from replica where alive and incarnation <> ?""";

    private final Duration absence;
    private final Set<UUID> seen = new HashSet<>();
    private final Map<UUID, Long> absentSince = new HashMap<>();
    private long lookedAt;

    /** @param absence zero disables presence: no locks are taken, and no replica counts as gone */
    public Presence(Duration absence) {
        this.absence = absence;
    }

    public boolean enabled() {
        return absence.isPositive();
    }

    /** Holds the shared lock of an incarnation until the connection closes. Never waits: no session requests this lock exclusively. */
    void show(Connection connection, UUID incarnation) throws SQLException {
        if (enabled()) {
            try (PreparedStatement lock = connection.prepareStatement("select pg_try_advisory_lock_shared(?)")) {
                lock.setLong(1, incarnation.getMostSignificantBits());
                lock.execute();
            }
        }
    }

    /** The replicas that were seen and are now gone. */
    public List<UUID> gone(Connection connection, UUID me) throws SQLException {
        List<Sighting> sightings = new ArrayList<>();
        try (PreparedStatement select = connection.prepareStatement(SIGHTINGS)) {
            select.setLong(1, absence.toMillis());
            select.setObject(2, me);
            try (ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    sightings.add(new Sighting(rows.getObject(1, UUID.class), rows.getBoolean(2), rows.getBoolean(3)));
                }
            }
        }
        return gone(sightings, System.nanoTime());
    }

    public List<UUID> gone(List<Sighting> sightings, long now) {
        // After a gap between checks the earlier sightings are no longer valid: the database may have been unavailable to every replica.
        if (now - lookedAt > Math.max(absence.toNanos(), LOOKED_WITHIN.toNanos())) {
            forget();
        }
        lookedAt = now;
        Set<UUID> alive = new HashSet<>();
        List<UUID> gone = new ArrayList<>();
        for (Sighting sighting : sightings) {
            UUID incarnation = sighting.incarnation();
            alive.add(incarnation);
            if (sighting.present()) {
                seen.add(incarnation);
                absentSince.remove(incarnation);
            } else if (seen.contains(incarnation)) {
                long since = absentSince.computeIfAbsent(incarnation, _ -> now);
                if (sighting.silent() && now - since >= absence.toNanos()) {
                    gone.add(incarnation);
                }
            }
        }
        seen.retainAll(alive);
        absentSince.keySet().retainAll(alive);
        return gone;
    }

    /** The observer's own session broke: earlier sightings no longer show whether other replicas have sessions. */
    public void forget() {
        seen.clear();
        absentSince.clear();
    }
}
