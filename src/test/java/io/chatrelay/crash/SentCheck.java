package io.chatrelay.crash;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/** Holds every message that somebody was told as taken against what is stored, and a completed answer against what Inkeep said. */
final class SentCheck {

    private final World world;

    SentCheck(World world) {
        this.world = world;
    }

    void check(Connection connection, History.Sent sent) throws SQLException {
        Set<UUID> told = new HashSet<>(sent.acknowledged());
        List<StoredTurn> begun = new ArrayList<>();
        for (UUID id : told) {
            StoredTurn turn = StoredTurn.load(connection, id);
            if (turn == null && waits(connection, id)) {
                world.history.count("messages that wait still");
            } else if (turn == null) {
                wrong("acknowledged", "the turn %s was acknowledged and is not there".formatted(id), sent);
            } else if (turn.started()) {
                begun.add(turn);
            }
        }
        world.history.count("messages acknowledged", told.isEmpty() ? 0 : 1);
        if (begun.size() > 1) {
            wrong("key", "one key, and several turns that told something: " + begun, sent);
        }
        for (StoredTurn turn : begun) {
            if (!sent.key().equals(turn.key())) {
                wrong("key", "the key of %s is %s".formatted(turn, turn.key()), sent);
            }
            message(connection, turn, sent);
            answer(connection, turn, sent);
        }
    }

    private static boolean waits(Connection connection, UUID id) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement("""
                select exists (select 1 from queued_message where id = ?) or exists (select 1 from turn where id = ?)""")) {
            select.setObject(1, id);
            select.setObject(2, id);
            try (ResultSet row = select.executeQuery()) {
                return row.next() && row.getBoolean(1);
            }
        }
    }

    /** A message that waited has had its turn, and is there once, whatever became of the turn. */
    void waited(Connection connection, History.Waited waited) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement("""
                select (select count(*) from turn where id = ? and ended_at is not null),
                       (select count(*) from queued_message where id = ?),
                       (select count(*) from message where turn_id = ? and role = 'user' and superseded_by is null
                        and parts -> 0 ->> 'text' = ?)""")) {
            for (int i = 1; i <= 3; i++) {
                select.setObject(i, waited.turn());
            }
            select.setString(4, waited.text());
            try (ResultSet row = select.executeQuery()) {
                row.next();
                if (row.getLong(1) != 1 || row.getLong(2) != 0 || row.getLong(3) != 1) {
                    world.history.violation("acknowledged",
                            "a message that waited is %d turns, %d waiting and %d stored messages: %s".formatted(row.getLong(1),
                                    row.getLong(2), row.getLong(3), waited));
                }
            }
        }
    }

    private void message(Connection connection, StoredTurn turn, History.Sent sent) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement("""
                select count(*), count(*) filter (where m.turn_id = ?)
                from message m join conversation c on c.id = m.conversation_id
                where c.external_id = ? and m.role = 'user' and m.superseded_by is null and m.parts -> 0 ->> 'text' = ?""")) {
            select.setObject(1, turn.id());
            select.setString(2, sent.conversation());
            select.setString(3, sent.said().text());
            try (ResultSet row = select.executeQuery()) {
                row.next();
                if (row.getLong(1) != 1 || row.getLong(2) != 1) {
                    wrong("acknowledged", "the message is stored %d times, and %d times with %s".formatted(row.getLong(1),
                            row.getLong(2), turn), sent);
                }
            }
        }
    }

    private void answer(Connection connection, StoredTurn turn, History.Sent sent) throws SQLException {
        if (!turn.state().equals("completed")) {
            return;
        }
        Map<String, String> reasons = new java.util.HashMap<>();
        try (PreparedStatement select = connection
                .prepareStatement("select call_id, reason from tool_approval where turn_id = ?")) {
            select.setObject(1, turn.id());
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    reasons.put(row.getString(1), row.getString(2) == null ? "" : row.getString(2));
                }
            }
        }
        String whole = sent.said().answer().apply(turn.calls(reasons));
        if (whole != null && !Said.comparable(turn.told()).equals(whole)) {
            wrong("answer", "Inkeep said '%s', but '%s' is the whole answer of %s".formatted(whole, turn.told(), turn), sent);
        }
        if (whole != null && !turn.thought().equals(sent.said().reasoning())) {
            wrong("answer",
                    "Inkeep thought '%s', but '%s' is all of %s".formatted(sent.said().reasoning(), turn.thought(), turn),
                    sent);
        }
        world.history.count("whole answers compared with what Inkeep said");
    }

    private void wrong(String rule, String what, History.Sent sent) {
        world.history.violation(rule, "%s: message %s in %s, '%s'".formatted(what, sent.key(), sent.conversation(),
                sent.said().text()));
    }
}
