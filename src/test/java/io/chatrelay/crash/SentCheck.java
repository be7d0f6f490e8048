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
            if (turn == null) {
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
