package io.chatrelay.approval;

import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.UUID;

import io.chatrelay.database.SqlArrays;
import io.chatrelay.event.ApprovalState;
import io.chatrelay.event.UnlimitedJson;
import io.chatrelay.upstream.Decision;

/**
 * The SQL that writes {@code tool_approval}, except the insert of a new row ({@link ApprovalInsert}). Every statement is a compare-and-set by its
 * {@code WHERE}: a later writer changes nothing, and a repeated statement has no further effect. Times are the database's.
 * <p>
 * Pending rows are locked before they are checked, in the order of their ids. This prevents deadlocks, and the expiry is checked only when no other
 * transaction can decide the row. An expired row can only become {@code expired}, whichever transaction writes it.
 * A transaction that stores an outcome also locks decided rows without an outcome: a decider that is too late still holds such a row while it waits
 * for its next row.
 */
public final class Ledger {

    /** A decision that the turn's replica has to send, or has sent with an unknown result. */
    public record Due(UUID id, UUID turn, String callId, String approvalId, Asker asker, ApprovalState state, String reason,
            int attempts, boolean acknowledged, Instant askedAt, Instant decidedAt) {

        public String toolName() {
            return asker.toolName();
        }

        Decision decision() {
            return new Decision(asker.number(), asker.callId(), asker.approvalId(), asker.toolName(),
                    state == ApprovalState.APPROVED, reason);
        }
    }

    /**
     * The call that requested approval, with the upstream's ids.
     *
     * @param number its position among the turn's calls; -1 if a version that did not store it recorded the request
     */
    public record Asker(int number, String callId, String approvalId, String toolName) {}

    /** The reason that the agent receives if an approval expires. */
    public static final String EXPIRED = "Nobody answered in time.";

    private static final String LOCK_PENDING = """
            select id from tool_approval where turn_id = any(?) and state = 'pending' order by id for update""";
    private static final String LOCK_UNSETTLED = """
            select id from tool_approval where turn_id = any(?) and outcome is null order by id for update""";

    /**
     * All or none, in one statement that is its own transaction: no row stays locked while the caller works, and the journal, which may need to close
     * the same row, waits for the database only.
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

    /** A locked row is being decided, or its turn continues; otherwise the next poll finds it. */
    private static final String EXPIRE_WHAT_IS_FREE = EXPIRE.formatted(" skip locked");
    private static final String EXPIRE_ALL = EXPIRE.formatted("");

    private static final String DUE = """
            select id, turn_id, call_id, approval_id, tool_name, state, reason, attempts, acknowledged_at is not null,
                   coalesce(call_number, -1), upstream_call_id, upstream_approval_id, asked_at, decided_at
            from tool_approval
            where turn_id = any(?) and state in ('approved', 'denied', 'expired') and outcome is null order by id""";

    private static final String LONGEST_WAIT = """
            select coalesce(extract(epoch from clock_timestamp() - min(asked_at)), 0)::float8 from tool_approval
            where turn_id = any(?) and state = 'pending'""";

    /**
     * Only the turn's owner sends, only while the turn runs, and never after the window. The owner must also know of every earlier try, because a
     * previous owner that was paused during a try may have recorded it later.
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
            where a.turn_id = any(?) and a.state = 'pending' and a.call_id = coalesce(?, a.call_id)""";

    private Ledger() {}

    private static String upstreamId(String stored, String ours) {
        return stored == null ? ours : UnlimitedJson.string(stored);
    }

    /** The decision to record for one approval. */
    record Wanted(UUID id, ApprovalState state, String reason) {}

    /** True if this call decides all of them first and in time; otherwise none is changed. */
    static boolean decide(Connection connection, List<Wanted> wanted, String by, String endUser) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(DECIDE)) {
            new SqlArrays<>(connection, update, wanted, 1).add("uuid", Wanted::id).add("text", one -> one.state().wireName())
                    .add("text", Wanted::reason);
            update.setString(4, by);
            update.setString(5, endUser);
            return update.executeUpdate() == wanted.size();
        }
    }

    /** Expires the due approvals of these turns that no other transaction has locked. */
    static int expire(Connection connection, Collection<UUID> turns) throws SQLException {
        return expire(connection, turns, EXPIRE_WHAT_IS_FREE);
    }

    /** Expires the due approvals of these turns, after it has waited for their locks: each is decided or expired when this method returns. */
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

    /** For how many seconds a call of these turns has waited for a decision at most; 0 if none waits. */
    static double longestWait(Connection connection, Collection<UUID> turns) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(LONGEST_WAIT)) {
            select.setArray(1, uuids(connection, turns));
            try (ResultSet row = select.executeQuery()) {
                row.next();
                return row.getDouble(1);
            }
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
                            rows.getString(7), rows.getInt(8), rows.getBoolean(9),
                            rows.getObject(13, OffsetDateTime.class).toInstant(),
                            rows.getObject(14, OffsetDateTime.class).toInstant()));
                }
            }
        }
        return due;
    }

    /**
     * Records that the decision is about to be sent. True if it may be sent.
     *
     * @param attempts that the owner knows of
     */
    static boolean send(Connection connection, UUID id, UUID owner, int attempts) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(SEND)) {
            update.setObject(1, id);
            update.setObject(2, owner);
            update.setInt(3, attempts);
            return update.executeUpdate() == 1;
        }
    }

    /** Whether the decision can no longer be sent because its window has closed. */
    static boolean late(Connection connection, UUID id) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(LATE)) {
            select.setObject(1, id);
            try (ResultSet rows = select.executeQuery()) {
                return rows.next();
            }
        }
    }

    /** How often the decision was recorded as about to be sent; 0 if the approval no longer exists. */
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
     * Stores the outcome of a call from the stream. If the approval was pending, the upstream continued without a decision, and the approval is
     * closed.
     */
    static void settle(Connection connection, UUID turn, String callId, String outcome) throws SQLException {
        // Lock all rows first: one transaction may settle several calls, in the order of their outcomes.
        Array turns = uuids(connection, List.of(turn));
        lock(connection, turns, LOCK_UNSETTLED);
        close(connection, turns, callId);
        try (PreparedStatement update = connection.prepareStatement(SETTLE)) {
            update.setString(1, outcome);
            update.setObject(2, turn);
            update.setString(3, callId);
            update.executeUpdate();
        }
    }

    /** Closes the pending approvals of these turns: no approval outlives its turn. */
    public static void supersede(Connection connection, Collection<UUID> turns) throws SQLException {
        Array ids = uuids(connection, turns);
        if (lock(connection, ids, LOCK_PENDING)) {
            close(connection, ids, null);
        }
    }

    /** @param callId or null for all calls of the turns */
    private static void close(Connection connection, Array turns, String callId) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(CLOSE)) {
            update.setString(1, EXPIRED);
            update.setArray(2, turns);
            update.setString(3, callId);
            update.executeUpdate();
        }
    }

    /** Holds some of the turns' approvals until the transaction ends. True if there are any. */
    private static boolean lock(Connection connection, Array turns, String sql) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(sql)) {
            select.setArray(1, turns);
            try (ResultSet locked = select.executeQuery()) {
                return locked.next();
            }
        }
    }

    private static Array uuids(Connection connection, Collection<UUID> ids) throws SQLException {
        return connection.createArrayOf("uuid", ids.toArray());
    }
}
