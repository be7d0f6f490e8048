package io.chatrelay.approval;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

import io.chatrelay.event.Scope;

/**
 * The SQL that finds what a reader of the inbox is to be told, without its content. Each statement also says what it sees, so that the position after
 * its rows is exact. It reads all tenants' changes: one statement serves all readers, and each gets what its scope covers.
 */
final class InboxChanges {

    /** Rows of one statement: a reader that comes back after a month reads a month's changes, and not all in one transaction. */
    static final int MOST_ROWS = 100;

    /**
     * A row to tell.
     *
     * @param endUser      of its conversation, or null
     * @param conversation the callers' id of its conversation
     * @param transaction  that wrote it last; 0 in the list
     * @param bytes        of the upstream's content
     */
    record Row(UUID id, String tenant, String endUser, String conversation, long transaction, long bytes) {

        boolean isIn(Scope scope) {
            return scope.covers(tenant, endUser);
        }
    }

    /**
     * Rows in the order in which they are told.
     *
     * @param now  all that the statement saw
     * @param more whether there are further rows
     */
    record Page(InboxPosition now, List<Row> rows, boolean more) {}

    private static final String BEFORE_LIST = """
            select pg_current_snapshot()::text, coalesce((
                select max(changed) from tool_approval where changed < pg_snapshot_xmax(pg_current_snapshot())), '0')::text""";

    /** A row that another database wrote, from which this one was restored, may have an id that is not given yet. */
    private static final String CHANGED = """
            select seen.now::text, c.id, c.tenant, c.end_user, c.external_id, c.changed::text, c.bytes
            from (select pg_current_snapshot() as now) seen left join lateral (
                select a.id, a.tenant, v.end_user, v.external_id, a.changed, coalesce(a.size, octet_length(a.input)) as bytes
                from tool_approval a join conversation v on v.id = a.conversation_id
                where a.changed >= ?::xid8 and a.changed < pg_snapshot_xmax(seen.now)
                  and not pg_visible_in_snapshot(a.changed, ?::pg_snapshot) and (a.changed <> ?::xid8 or a.id > ?)
                order by a.changed, a.id limit ?) c on true
            order by c.changed, c.id""";

    private static final String PENDING = """
            select pg_current_snapshot()::text, a.id, a.tenant, v.end_user, v.external_id, '0',
                   coalesce(a.size, octet_length(a.input))
            from tool_approval a join conversation v on v.id = a.conversation_id
            where a.tenant = ? and a.state = 'pending' and a.id > ?
            order by a.id limit ?""";

    private InboxChanges() {}

    static InboxPosition beforeList(Connection connection) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(BEFORE_LIST); ResultSet row = select.executeQuery()) {
            row.next();
            return InboxPosition.beforeList(InboxPosition.ofSnapshot(row.getString(1)), Long.parseLong(row.getString(2)));
        }
    }

    /** The rows that a position does not cover, in the order of their transactions. */
    static Page changed(Connection connection, InboxPosition after, long maxBytes) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(CHANGED)) {
            select.setString(1, Long.toString(after.oldest()));
            select.setString(2, after.snapshot());
            select.setString(3, Long.toString(after.partOrNone().transaction()));
            select.setObject(4, after.partOrNone().upTo());
            select.setInt(5, MOST_ROWS + 1);
            return page(select, after, maxBytes);
        }
    }

    /** The list of a tenant's pending approvals after an entry, oldest first. */
    static Page pending(Connection connection, String tenant, InboxPosition after, long maxBytes) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(PENDING)) {
            select.setString(1, tenant);
            select.setObject(2, after.partOrNone().upTo());
            select.setInt(3, MOST_ROWS + 1);
            return page(select, after, maxBytes);
        }
    }

    /** As many rows as fit into both limits, but at least one if there is one. */
    private static Page page(PreparedStatement select, InboxPosition otherwise, long maxBytes) throws SQLException {
        InboxPosition now = otherwise;
        List<Row> rows = new ArrayList<>();
        long bytes = 0;
        try (ResultSet found = select.executeQuery()) {
            while (found.next()) {
                now = InboxPosition.ofSnapshot(found.getString(1));
                UUID id = found.getObject(2, UUID.class);
                if (id == null) {
                    break;
                }
                bytes += found.getLong(7);
                if (rows.size() == MOST_ROWS || !rows.isEmpty() && bytes > maxBytes) {
                    return new Page(now, rows, true);
                }
                rows.add(new Row(id, found.getString(3), found.getString(4), found.getString(5),
                        Long.parseLong(found.getString(6)), found.getLong(7)));
            }
        }
        return new Page(now, rows, false);
    }
}
