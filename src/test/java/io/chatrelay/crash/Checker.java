package io.chatrelay.crash;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * Reads what callers noted, what Inkeep heard and what is stored, and says where they differ. It uses nothing of the service's code, and
 * forgets what it has checked: a long run would not fit into memory.
 */
final class Checker {

    /** Longer than any answer, expiry and take-over of this test together. */
    private static final int STUCK_SECONDS = 150;
    /** From a cancel to the end of a turn whose replica is lost, with its successor's. */
    private static final int FORGOTTEN_SECONDS = 30;

    private final World world;
    private final TurnCheck turns;
    private final SentCheck messages;
    private final LedgerCheck ledger;
    private final Set<UUID> checked = new HashSet<>();
    private final Set<UUID> accepted = new HashSet<>();

    Checker(World world, InkeepLog inkeep) {
        this.world = world;
        this.turns = new TurnCheck(world);
        this.messages = new SentCheck(world);
        this.ledger = new LedgerCheck(world.history, inkeep);
    }

    /** @param over whether every caller has left and everything has healed */
    void check(boolean over) throws SQLException {
        try (Connection connection = world.cluster.database.connect()) {
            // Before the tables are read: what was noted before is stored, what comes later is for the next time.
            List<Sight> sights = world.history.sights.drain();
            List<History.Sent> sent = world.history.sent.drain();
            List<History.Whole> wholes = world.history.wholes.drain();
            Map<UUID, List<Sight>> byTurn = new HashMap<>();
            sights.forEach(sight -> byTurn.computeIfAbsent(sight.turn, _ -> new ArrayList<>()).add(sight));
            for (UUID id : ended(connection)) {
                if (checked.add(id)) {
                    world.history.count("turns ended");
                    StoredTurn turn = StoredTurn.load(connection, id);
                    world.history.count("turns " + turn.state());
                    turns.rows(turn);
                    ledger.announced(turn);
                }
            }
            for (Map.Entry<UUID, List<Sight>> seen : byTurn.entrySet()) {
                StoredTurn turn = StoredTurn.load(connection, seen.getKey());
                if (turn == null || !turn.ended()) {
                    world.history.violation("end", "told as ended, but stored as " + turn, seen.getValue().getFirst());
                } else {
                    turns.readers(turn, seen.getValue());
                }
            }
            for (History.Whole one : wholes) {
                whole(one, StoredTurn.load(connection, one.turn()));
            }
            for (History.Sent one : sent) {
                messages.check(connection, one);
            }
            if (over) {
                for (History.Waited one : world.history.waited.drain()) {
                    messages.waited(connection, one);
                }
            }
            ledger.check(connection, over);
            cancelled(connection);
            overlapping(connection);
            stuck(connection, over ? 0 : STUCK_SECONDS);
        }
        world.history.flush();
    }

    /** What was told in one piece is the stored end and the whole text, or that something waits, and what was said until then. */
    private void whole(History.Whole told, StoredTurn turn) {
        JsonNode message = told.body().at("/choices/0/message");
        String text = message.path("content").asText("");
        boolean right;
        if (turn == null) {
            right = false;
        } else if (told.status() != 200) {
            right = turn.ended() && turn.state().equals("cancelled") == (told.status() == 409)
                    && !turn.state().equals("completed")
                    && told.mayBeRepeated() == (told.status() != 409 && !turn.started());
        } else if (told.body().at("/chat_relay/state").asText().equals("awaiting_approval")) {
            world.history.count("whole answers that named approvals");
            right = turn.told().startsWith(text) && !message.path("tool_calls").isEmpty()
                    && message.path("tool_calls").valueStream()
                            .noneMatch(call -> turn.tool(call.path("id").asText()).isEmpty());
        } else {
            right = turn.ended() && turn.state().equals("completed") && turn.told().equals(text);
        }
        if (!right) {
            world.history.violation("end", "%s was told in one piece %d %s, but stored is %s".formatted(told.who(),
                    told.status(), told.body(), turn));
        }
    }

    /** A cancel that was accepted is not forgotten: the turn may end otherwise at that moment, but does not go on. */
    private void cancelled(Connection connection) throws SQLException {
        world.history.cancelled.drain().forEach(accepted::add);
        each(connection,
                """
                        select 'turn ' || id || ' is ' || state || ' at ' || coalesce(ended_at::text, '?') || ', cancelled at ' || cancel_asked_at
                        from turn where cancel_asked_at is not null and state <> 'cancelled'
                          and coalesce(ended_at, clock_timestamp()) > cancel_asked_at + interval '%d s'"""
                        .formatted(FORGOTTEN_SECONDS),
                "cancel");
        try (PreparedStatement select = connection.prepareStatement("""
                select id, cancel_asked_at is not null, state from turn where id = any(?) and ended_at is not null""")) {
            select.setArray(1, connection.createArrayOf("uuid", accepted.toArray()));
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    accepted.remove(row.getObject(1, UUID.class));
                    world.history.count("accepted cancels of turns that are " + row.getString(3));
                    if (!row.getBoolean(2)) {
                        world.history.violation("cancel", "accepted, and not stored: turn " + row.getObject(1));
                    }
                }
            }
        }
    }

    private static List<UUID> ended(Connection connection) throws SQLException {
        List<UUID> ended = new ArrayList<>();
        try (PreparedStatement select = connection.prepareStatement("select id from turn where ended_at is not null");
                ResultSet row = select.executeQuery()) {
            while (row.next()) {
                ended.add(row.getObject(1, UUID.class));
            }
        }
        return ended;
    }

    /** Turns that ran in one conversation at the same time. */
    private void overlapping(Connection connection) throws SQLException {
        each(connection, """
                select a.id || ' until ' || coalesce(a.ended_at::text, 'now') || ' and ' || b.id || ' from ' || b.started_at
                from turn a join turn b on b.conversation_id = a.conversation_id and b.id <> a.id
                where a.started_at <= b.started_at and coalesce(a.ended_at, 'infinity') > b.started_at""", "one turn");
    }

    private void stuck(Connection connection, int seconds) throws SQLException {
        each(connection, """
                select 'turn ' || id || ' is ' || state || ' since ' || started_at from turn
                where ended_at is null and started_at < clock_timestamp() - interval '%d s'""".formatted(seconds), "stuck");
    }

    private void each(Connection connection, String sql, String rule) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement(sql); ResultSet row = select.executeQuery()) {
            while (row.next()) {
                world.history.violation(rule, row.getString(1));
            }
        }
    }

    /** Turns that have not ended, and messages that wait for theirs. */
    long running() {
        return world.cluster.database
                .number("select (select count(*) from turn where ended_at is null) + (select count(*) from queued_message)");
    }
}
