package io.chatrelay.cluster;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

import io.chatrelay.database.ScriptedDatabase;
import io.chatrelay.database.ScriptedDatabase.Call;
import io.chatrelay.database.ScriptedDatabase.Result;

/**
 * The table {@code replica} in memory, with the database's clock. It answers the statements of {@link Lease}. Those whose conditions a test is
 * about are named by their whole text, so that a changed condition needs a changed answer here.
 */
public final class StoredLeases {

    public static final String REGISTER = "register lease";
    public static final String RENEW = "renew lease";
    public static final String RELEASE = "release lease";
    public static final String CHECK = "check lease";
    public static final String MARK_ENDED = "mark ended leases";
    public static final String MARK_GONE = "mark gone replicas";
    public static final String GIVE_AWAY = "lease to give away";
    public static final String DEAD = "find dead owners";

    private static final String MARK = """
            with ended as ( select incarnation from replica where alive and %s and incarnation <> ? and exists ( \
            select 1 from replica me where me.incarnation = ? and me.alive \
            and me.renewed_at > clock_timestamp() - ? * interval '1 millisecond') for update) \
            update replica set alive = false from ended where replica.incarnation = ended.incarnation \
            returning replica.incarnation""";

    private record Row(long renewedAt, long leaseEnd, boolean alive) {

        Row dead() {
            return new Row(renewedAt, leaseEnd, false);
        }
    }

    private final ManualClock clock;
    private final Map<UUID, Row> rows = new ConcurrentHashMap<>();
    private final Set<UUID> owners = ConcurrentHashMap.newKeySet();

    /** @param clock the database's clock */
    public StoredLeases(ScriptedDatabase database, ManualClock clock) {
        this.clock = clock;
        database.knows(REGISTER, "insert into replica (incarnation, lease_end) values (?, clock_timestamp() + …",
                this::register)
                .knows(RENEW, """
                        update replica set lease_end = clock_timestamp() + ? * interval '1 millisecond', \
                        renewed_at = clock_timestamp() where incarnation = ? and alive""", this::renew)
                .knows(RELEASE, "with mine as (select incarnation from replica where incarnation = ? for update) …",
                        call -> Result.changed(end(call.uuid(1))))
                .knows(CHECK, Lease.FENCE, call -> Result.rows(isHeld(call.uuid(1)) ? List.of(List.of(1)) : List.of()))
                .knows(MARK_ENDED, MARK.formatted("lease_end < clock_timestamp()"), this::markEnded)
                .knows(MARK_GONE,
                        MARK.formatted(
                                "incarnation = any(?) and renewed_at < clock_timestamp() - ? * interval '1 millisecond'"),
                        this::markGone)
                .knows(GIVE_AWAY, "insert into replica (incarnation, lease_end, alive) values (?, clock_timestamp(), false) …",
                        _ -> Result.changed(1))
                .knows(DEAD, "select o.owner from (select distinct owner from turn …", _ -> Result.rows(owners.stream()
                        .filter(owner -> !isHeld(owner)).map(owner -> List.<Object>of(owner)).toList()));
    }

    /** Whether the row of a replica is there and no other has taken its lease away. */
    public boolean isHeld(UUID replica) {
        return rows.containsKey(replica) && rows.get(replica).alive();
    }

    /** Another replica takes the lease away, or the process gives it up. */
    public int end(UUID replica) {
        return rows.computeIfPresent(replica, (_, row) -> row.dead()) == null ? 0 : 1;
    }

    /** Another replica, which has no row, owns running turns. */
    public void isGoneWithTurns(UUID replica) {
        owners.add(replica);
    }

    /** Whether the time of a lease is over by the database's clock. */
    public boolean isOver(UUID replica) {
        return rows.get(replica).leaseEnd() < clock.getAsLong();
    }

    /** The rest of a lease, by the database's clock. */
    public long millisLeft(UUID replica) {
        return TimeUnit.NANOSECONDS.toMillis(rows.get(replica).leaseEnd() - clock.getAsLong());
    }

    int registered() {
        return rows.size();
    }

    private Row ending(long millis) {
        return new Row(clock.getAsLong(), clock.getAsLong() + TimeUnit.MILLISECONDS.toNanos(millis), true);
    }

    private Result register(Call call) {
        return Result.changed(rows.putIfAbsent(call.uuid(1), ending(call.number(2))) == null ? 1 : 0);
    }

    private Result renew(Call call) {
        boolean held = isHeld(call.uuid(2));
        if (held) {
            rows.put(call.uuid(2), ending(call.number(1)));
        }
        return Result.changed(held ? 1 : 0);
    }

    private Result markEnded(Call call) {
        return mark(call, 1, rows.keySet().stream().filter(this::isOver).toList());
    }

    private Result markGone(Call call) {
        return mark(call, 3, rows.keySet().stream()
                .filter(replica -> call.array(1).contains(replica) && !isRenewedWithin(replica, call.number(2))).toList());
    }

    private Result mark(Call call, int me, List<UUID> found) {
        boolean mayMark = isHeld(call.uuid(me + 1)) && isRenewedWithin(call.uuid(me + 1), call.number(me + 2));
        List<UUID> marked = found.stream()
                .filter(replica -> mayMark && isHeld(replica) && !replica.equals(call.uuid(me))).toList();
        marked.forEach(this::end);
        return Result.rows(marked.stream().map(replica -> List.<Object>of(replica)).toList());
    }

    private boolean isRenewedWithin(UUID replica, long millis) {
        return rows.get(replica).renewedAt() > clock.getAsLong() - TimeUnit.MILLISECONDS.toNanos(millis);
    }
}
