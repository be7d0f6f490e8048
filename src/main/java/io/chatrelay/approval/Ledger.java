package io.chatrelay.approval;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.UUID;

import io.chatrelay.event.ApprovalState;
import io.chatrelay.event.StoredJson;
import io.chatrelay.upstream.Decision;

/**
 * The SQL that writes {@code tool_approval}, but for the row of a new one ({@link ApprovalInsert}). Every statement changes a row by its {@code WHERE}, so whoever comes second changes
 * nothing, and a statement that is run again does no more than once. Times are the database's.
 * <p>
 * What is pending is locked before it is looked at, in the order of the ids: nobody waits for another in a ring, and whether its
 * time has passed is asked when nobody else can decide it any more. What has passed can only become expired, whoever writes it.
 * Whoever tells an outcome locks what is decided and has none, too: who wanted to decide it, and comes too late, still holds it while he
 * waits for the next one.
 */
public final class Ledger {

    /** A decision that its turn's replica has to send, or has sent without knowing what became of it. */
    public record Due(UUID id, UUID turn, String callId, String approvalId, Asker asker, ApprovalState state, String reason,
            int attempts, boolean acknowledged) {

        Decision decision() {
            return new Decision(asker.number(), asker.callId(), asker.approvalId(), asker.toolName(),
                    state == ApprovalState.APPROVED, reason);
        }
    }

    /**
     * The call that asked, as its upstream knows it.
     *
     * @param number its place among the turn's calls; -1 where a version that did not store it asked
     */
    public record Asker(int number, String callId, String approvalId, String toolName) {}

    /** Told to the agent where nobody answered. */
    public static final String EXPIRED = "Nobody answered in time.";

    private static final String LOCK_PENDING = """
            select id from tool_approval where turn_id = ? and state = 'pending' order by id for update""";
    private static final String LOCK_UNSETTLED = """
            select id from tool_approval where turn_id = ? and outcome is null order by id for update""";

    /**
     * All or none, in one statement that is a transaction by itself: no row stays locked while its caller thinks, and the journal,
     * which may want to close the same row, waits for the database at the most.
     */
    private static final String DECIDE = """
            with wanted as (
                select * from unnest(?::uuid[], ?::text[], ?::text[]) as w(id, state, reason)
            ), pending as (
                select id, turn_id, expires_at from tool_approval
                where id in (select id from wanted) and state = 'pending' order by id for update
            ), open as materialized (
                select p.id from pending p
                where p.expires_at > clock_timestamp()
                  and exists (select 1 from turn t where t.id = p.turn_id and t.ended_at is null)
            )
            update tool_approval a
            set state = w.state, decided_at = clock_timestamp(), decided_by = ?, decided_for = ?, reason = w.reason
            from wanted w
            where a.id = w.id and a.id in (select id from open)
              and (select count(*) from open) = (select count(*) from wanted)""";

    private static final String EXPIRE = """
            with due as (
                select id from tool_approval
                where turn_id = any(?) and state = 'pending' and expires_at <= clock_timestamp()
                order by id for update%s)
            update tool_approval a set state = 'expired', decided_at = clock_timestamp(), reason = ?
            from due where a.id = due.id""";

    /** What is locked is being decided, or its turn goes on: the next look finds it if not. */
    private static final String EXPIRE_WHAT_IS_FREE = EXPIRE.formatted(" skip locked");
    private static final String EXPIRE_ALL = EXPIRE.formatted("");

    private static final String DUE = """
            select id, turn_id, call_id, approval_id, tool_name, state, reason, attempts, acknowledged_at is not null,
                   coalesce(call_number, -1), upstream_call_id, upstream_approval_id
            from tool_approval
            where turn_id = any(?) and state in ('approved', 'denied', 'expired') and outcome is null order by id""";

    /**
     * Only the turn's owner sends, only while the turn runs, and never past the window; and only if it knows of every earlier try, which
     * an owner that was paused in the middle of one may have recorded since.
     */
    private static final String SEND = """
            update tool_approval a
            set attempts = a.attempts + 1, sent_at = coalesce(a.sent_at, clock_timestamp())
            from turn t join replica r on r.incarnation = t.owner
            where a.id = ? and t.id = a.turn_id and t.owner = ? and r.alive and t.ended_at is null
              and a.state in ('approved', 'denied', 'expired') and a.outcome is null and a.acknowledged_at is null
              and a.attempts = ? and a.send_before > clock_timestamp()""";

    private static final String LATE = """
            select 1 from tool_approval
            where id = ? and outcome is null and acknowledged_at is null and send_before <= clock_timestamp()""";

    private static final String ACKNOWLEDGE = """
            update tool_approval set acknowledged_at = clock_timestamp() where id = ? and acknowledged_at is null""";

    private static final String SETTLE = """
            update tool_approval set outcome = ?, outcome_at = clock_timestamp()
            where turn_id = ? and call_id = ? and outcome is null""";

    private static final String CLOSE = """
            update tool_approval a
            set state = case when a.expires_at <= now.at then 'expired' else 'superseded' end, decided_at = now.at,
                reason = case when a.expires_at <= now.at then ? end
            from (select clock_timestamp() as at) now
            where a.turn_id = ? and a.state = 'pending' and a.call_id = coalesce(?, a.call_id)""";

    private Ledger() {}

    private static String upstreamId(String stored, String ours) {
        return stored == null ? ours : StoredJson.string(stored);
    }

    /** What is to be recorded of one approval. */
    record Wanted(UUID id, ApprovalState state, String reason) {}

    /** True for whoever decides all of them first, in time; else none is changed. */
    static boolean decide(Connection connection, List<Wanted> wanted, String by, String endUser) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(DECIDE)) {
            update.setArray(1, uuids(connection, wanted.stream().map(Wanted::id).toList()));
            update.setArray(2, connection.createArrayOf("text", wanted.stream().map(one -> one.state().wireName()).toArray()));
            update.setArray(3, connection.createArrayOf("text", wanted.stream().map(Wanted::reason).toArray()));
            update.setString(4, by);
            update.setString(5, endUser);
            return update.executeUpdate() == wanted.size();
        }
    }

    /** Expires what is due in these turns and is not being changed by anyone. */
    static int expire(Connection connection, Collection<UUID> turns) throws SQLException {
        return expire(connection, turns, EXPIRE_WHAT_IS_FREE);
    }

    /** Expires what is due in these turns, after whoever is changing it: it is decided or expired when this returns. */
    static int expireAll(Connection connection, Collection<UUID> turns) throws SQLException {
        return expire(connection, turns, EXPIRE_ALL);
    }

    private static int expire(Connection connection, Collection<UUID> turns, String sql) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(sql)) {
            update.setArray(1, uuids(connection, turns));
            update.setString(2, EXPIRED);
            return update.executeUpdate();
        }
    }

    /** The decisions of these turns whose outcome is not known yet. */
    static List<Due> due(Connection connection, Collection<UUID> turns) throws SQLException {
        List<Due> due = new ArrayList<>();
        try (PreparedStatement select = connection.prepareStatement(DUE)) {
            select.setArray(1, uuids(connection, turns));
            try (ResultSet rows = select.executeQuery()) {
                while (rows.next()) {
                    Asker asker = new Asker(rows.getInt(10), upstreamId(rows.getString(11), rows.getString(3)),
                            upstreamId(rows.getString(12), rows.getString(4)), rows.getString(5));
                    due.add(new Due(rows.getObject(1, UUID.class), rows.getObject(2, UUID.class), rows.getString(3),
                            rows.getString(4), asker, ApprovalState.of(rows.getString(6)).orElseThrow(),
                            rows.getString(7), rows.getInt(8), rows.getBoolean(9)));
                }
            }
        }
        return due;
    }

    /**
     * Records that it is about to be sent. True if it may be.
     *
     * @param attempts of which the owner knows
     */
    static boolean send(Connection connection, UUID id, UUID owner, int attempts) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(SEND)) {
            update.setObject(1, id);
            update.setObject(2, owner);
            update.setInt(3, attempts);
            return update.executeUpdate() == 1;
        }
    }

    /** Whether it can be sent no more because its window has closed. */
    static boolean late(Connection connection, UUID id) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(LATE)) {
            select.setObject(1, id);
            try (ResultSet rows = select.executeQuery()) {
                return rows.next();
            }
        }
    }

    /** How often it was recorded as about to be sent; 0 where it is gone. */
    static int attempts(Connection connection, UUID id) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement("select attempts from tool_approval where id = ?")) {
            select.setObject(1, id);
            try (ResultSet rows = select.executeQuery()) {
                return rows.next() ? rows.getInt(1) : 0;
            }
        }
    }

    static void acknowledge(Connection connection, UUID id) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(ACKNOWLEDGE)) {
            update.setObject(1, id);
            update.executeUpdate();
        }
    }

    /**
     * The outcome of a call, as the stream told it. Where nobody had decided, the upstream went on by itself, and there is nothing left to
     * decide.
     */
    static void settle(Connection connection, UUID turn, String callId, String outcome) throws SQLException {
        // All of them, for one transaction may settle several calls, in the order in which they went on.
        lock(connection, turn, LOCK_UNSETTLED);
        close(connection, turn, callId);
        try (PreparedStatement update = connection.prepareStatement(SETTLE)) {
            update.setString(1, outcome);
            update.setObject(2, turn);
            update.setString(3, callId);
            update.executeUpdate();
        }
    }

    /** Closes what nobody has decided: no approval outlives its turn. */
    public static void supersede(Connection connection, UUID turn) throws SQLException {
        lock(connection, turn, LOCK_PENDING);
        close(connection, turn, null);
    }

    /** @param callId or null for all calls of the turn */
    private static void close(Connection connection, UUID turn, String callId) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(CLOSE)) {
            update.setString(1, EXPIRED);
            update.setObject(2, turn);
            update.setString(3, callId);
            update.executeUpdate();
        }
    }

    /** Holds some of the turn's approvals until the transaction ends. */
    private static void lock(Connection connection, UUID turn, String sql) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(sql)) {
            select.setObject(1, turn);
            select.execute();
        }
    }

    private static java.sql.Array uuids(Connection connection, Collection<UUID> ids) throws SQLException {
        return connection.createArrayOf("uuid", ids.toArray());
    }
}
