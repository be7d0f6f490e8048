package io.chatrelay.turn;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;

import io.chatrelay.database.SqlArrays;
import io.chatrelay.event.Jsonb;
import io.chatrelay.journal.TurnOwnership;

/**
 * The SQL that writes the table {@code turn}; {@link TurnRow} inserts a row, too. Every statement finds its rows by an index and changes them by
 * compare-and-set in its {@code WHERE}, so a repeated statement changes nothing. All statements run in the caller's transaction.
 */
final class TurnStore implements TurnOwnership {

    private static final String RUNNING = "state in ('running', 'awaiting_approval')";

    /**
     * Inserts the turns of new commands, and returns them. A part of {@link Admission}'s statement, whose parts {@code command} and {@code known} it
     * reads. A turn that runs and a used key conflict in the table's indexes; they leave the command out, as do an edit (the id of a known message),
     * another upstream, a conversation that another transaction holds, and a caller whose turns run already ({@link #COUNT_LIMITED}). A turn that ran
     * when the statement began leaves it out though it ends meanwhile, because it would end after the new one's start; so does a message that waits,
     * which the command may repeat. The subselects are scalar,
     * because of "not exists" the planner may make a hash of the whole table.
     */
    static final String INSERT_ADMITTED = """
            insert into turn (id, tenant, conversation_id, ordinal, state, owner, upstream, model, message_id, message_position,
                              request, caller, end_user, idempotency_key, command_digest, client_repeats, trace_context, started_at)
            select n.turn_id, n.tenant, coalesce(k.id, n.conversation_id), coalesce(k.turns, 0) + 1, 'running', ?::uuid,
                   n.upstream, n.model, n.answer_id,
                   coalesce(k.next_position, 1 + n.earlier) + n.asked, n.request, n.caller, n.end_user, n.idempotency_key, n.digest,
                   n.client_repeats, n.trace, n.at
            from command n left join known k on k.tenant = n.tenant and k.external_id = n.external_id
                 left join limited l on l.tenant = n.tenant and l.caller = n.caller
            where n.unlocked and (n.most is null or l.running < n.most)
                and (select q.id from queued_message q where q.tenant = n.tenant and q.caller = n.caller
                     and q.idempotency_key = n.idempotency_key) is null
                and case
                when k.id is not null then n.as_known and k.upstream = n.upstream
                    and (select m.id from message m where m.conversation_id = k.id
                         and m.external_id = n.message_external_id and m.superseded_by is null) is null
                    and (select t.id from turn t where t.conversation_id = k.id
                         and t.state in ('running', 'awaiting_approval')) is null
                    and (select q.id from queued_message q where q.conversation_id = k.id limit 1) is null
                else n.as_new and (select c.id from conversation c
                                   where c.tenant = n.tenant and c.external_id = n.external_id) is null end
            on conflict do nothing
            returning id, conversation_id, ordinal, message_position, started_at""";

    /**
     * How many turns run of the commands' callers that may have so many only, as {@code limited}. Where a turn more is allowed, the function holds a
     * lock of the caller until the end of the transaction, so that the figure stays true on all replicas; in the order of the callers, so that two
     * statements do not wait for each other. A part of {@link Admission}'s statement.
     */
    static final String COUNT_LIMITED = """
            select c.tenant, c.caller, running_turns(c.tenant, c.caller, c.most) as running
            from (select tenant, caller, max(most) as most from command where most is not null
                  group by tenant, caller order by tenant, caller) c""";

    private static final String COUNT = "select running_turns(?, ?, ?)";

    private static final String OF_OWNER = "select id from turn where owner = ? and " + RUNNING;

    private static final String CANCEL_REQUESTED = OF_OWNER + " and cancel_asked_at is not null";

    private static final String CLAIM = """
            update turn set owner = ? where id in (
                select id from turn where owner = any(?) and state in ('running', 'awaiting_approval')
                limit 200 for update skip locked)
            returning id""";

    private static final String GIVE_AWAY = "update turn set owner = ? where id = any(?) and owner = ? and " + RUNNING;

    /** Marks the turn before its rows are rewritten, so that a turn whose rows cannot be rewritten is not retried forever. */
    private static final String NEXT_TO_COMPACT = """
            update turn set compacted = true where id in (
                select id from turn where ended_at < clock_timestamp() - interval '1 minute' and not compacted
                order by ended_at limit 1 for update skip locked)
            returning id""";

    private static final String REQUEST_CANCEL = "update turn set cancel_asked_at = coalesce(cancel_asked_at, clock_timestamp())"
            + " where id = ? and " + RUNNING;

    private static final String AWAIT_APPROVAL = """
            update turn set state = w.state
            from (select case when exists (select 1 from tool_approval where turn_id = ? and state = 'pending')
                         then 'awaiting_approval' else 'running' end as state) w
            where turn.id = ? and turn.state in ('running', 'awaiting_approval') and turn.state <> w.state""";

    private static final String POSITION = """
            update turn set upstream_position = p.position from unnest(?::uuid[], ?::text[]) as p(id, position)
            where turn.id = p.id and turn.upstream_position is null and turn.ended_at is null""";

    /** Ends the turns of the part {@code ended}. By the primary key: the index of running turns is full of turns that have just ended. */
    static final String END_ALL = """
            update turn set state = e.state, finish_reason = e.finish_reason, error_code = e.error_code,
                   error_message = e.error_message,
                   last_event = (select last from turn_event where turn_id = turn.id order by first desc limit 1),
                   idempotency_key = case when e.counts then idempotency_key end,
                   command_digest = case when e.counts then command_digest end,
                   request = null,
                   ended_at = clock_timestamp()
            from ended e where turn.id = e.turn_id and turn.ended_at is null""";

    @Override
    public List<UUID> running(Connection connection, UUID owner) throws SQLException {
        return ids(connection, OF_OWNER, owner);
    }

    @Override
    public List<UUID> cancelRequested(Connection connection, UUID owner) throws SQLException {
        return ids(connection, CANCEL_REQUESTED, owner);
    }

    @Override
    public List<UUID> claim(Connection connection, List<UUID> gone, UUID owner) throws SQLException {
        return ids(connection, CLAIM, owner, connection.createArrayOf("uuid", gone.toArray()));
    }

    @Override
    public void giveAway(Connection connection, List<UUID> turns, UUID from, UUID to) throws SQLException {
        update(connection, GIVE_AWAY, to, connection.createArrayOf("uuid", turns.toArray()), from);
    }

    @Override
    public UUID nextToCompact(Connection connection) throws SQLException {
        return ids(connection, NEXT_TO_COMPACT).stream().findFirst().orElse(null);
    }

    @Override
    public boolean lock(Connection connection, UUID turn) throws SQLException {
        return !ids(connection, "select id from turn where id = ? for update", turn).isEmpty();
    }

    /**
     * How many turns of a caller run. If it is less than the limit, it stays true until the transaction ends: no other transaction begins a turn of a
     * caller that is limited.
     */
    static int running(Connection connection, String tenant, String caller, int limit) throws SQLException {
        try (PreparedStatement count = connection.prepareStatement(COUNT)) {
            count.setString(1, tenant);
            count.setString(2, caller);
            count.setInt(3, limit);
            try (ResultSet row = count.executeQuery()) {
                row.next();
                return row.getInt(1);
            }
        }
    }

    /** Stores the cancel request. Returns false if the turn has already ended. */
    static boolean requestCancel(Connection connection, UUID turn) throws SQLException {
        return update(connection, REQUEST_CANCEL, turn) == 1;
    }

    /** Stores whether the turn waits for approvals, according to its approvals. */
    static void updateWaiting(Connection connection, UUID turn) throws SQLException {
        update(connection, AWAIT_APPROVAL, turn, turn);
    }

    /** Stores the upstream's own ids of turns' answers, which identify the runs when they are resumed; by turn. */
    static void positions(Connection connection, Map<UUID, String> upstreamMessageIds) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(POSITION)) {
            new SqlArrays<>(connection, update, List.copyOf(upstreamMessageIds.entrySet()), 1).add("uuid", Map.Entry::getKey)
                    .add("text", id -> Jsonb.clean(id.getValue()));
            update.executeUpdate();
        }
    }

    private static int update(Connection connection, String sql, Object... parameters) throws SQLException {
        try (PreparedStatement update = connection.prepareStatement(sql)) {
            bind(update, parameters);
            return update.executeUpdate();
        }
    }

    private static List<UUID> ids(Connection connection, String sql, Object... parameters) throws SQLException {
        List<UUID> ids = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            bind(statement, parameters);
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    ids.add(rows.getObject(1, UUID.class));
                }
            }
        }
        return ids;
    }

    private static void bind(PreparedStatement statement, Object... parameters) throws SQLException {
        for (int i = 0; i < parameters.length; i++) {
            if (parameters[i] instanceof String || parameters[i] == null) {
                statement.setString(i + 1, (String) parameters[i]);
            } else {
                statement.setObject(i + 1, parameters[i]);
            }
        }
    }
}
