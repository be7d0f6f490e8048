package io.chatrelay.crash;

import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * A turn as its tables have it.
 *
 * @param ordinal its place in its conversation
 * @param text   of the assistant's message; null without one
 * @param lines  the events, the first one is number 1
 * @param broken what is wrong with the rows themselves; null if nothing is
 */
record StoredTurn(UUID id, int ordinal, String conversation, String state, long lastEvent, boolean ended, String key,
        String text,
        List<JsonNode> lines, String broken) {

    static StoredTurn load(Connection connection, UUID id) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement("""
                select t.state, t.last_event, t.ended_at is not null, t.idempotency_key, c.external_id,
                       (select coalesce(string_agg(p.part ->> 'text', '' order by p.place), '')
                        from jsonb_array_elements(m.parts) with ordinality p(part, place) where p.part ->> 'type' = 'text'),
                       m.id is not null, t.ordinal
                from turn t join conversation c on c.id = t.conversation_id left join message m on m.id = t.message_id
                where t.id = ?""")) {
            select.setObject(1, id);
            try (ResultSet row = select.executeQuery()) {
                if (!row.next()) {
                    return null;
                }
                List<JsonNode> lines = new ArrayList<>();
                String broken = lines(connection, id, lines);
                return new StoredTurn(id, row.getInt(8), row.getString(5), row.getString(1), row.getLong(2), row.getBoolean(3),
                        row.getString(4),
                        row.getBoolean(7) ? row.getString(6) : null, lines, broken);
            }
        }
    }

    private static String lines(Connection connection, UUID id, List<JsonNode> lines) throws SQLException {
        String broken = null;
        try (PreparedStatement select = connection
                .prepareStatement("select first, last, events from turn_event where turn_id = ? order by first")) {
            select.setObject(1, id);
            try (ResultSet row = select.executeQuery()) {
                while (row.next()) {
                    String[] events = new String(row.getBytes(3), StandardCharsets.UTF_8).split("\n");
                    if (row.getLong(1) != lines.size() + 1 || row.getLong(2) != lines.size() + events.length) {
                        broken = "row %d to %d with %d events follows event %d".formatted(row.getLong(1), row.getLong(2),
                                events.length, lines.size());
                    }
                    for (String event : events) {
                        lines.add(Frame.parse(event));
                    }
                }
            }
        }
        return broken;
    }

    String kind(int index) {
        return lines.get(index).path("t").asText();
    }

    /** Whether it told anything before its end: else its key was given back. */
    boolean started() {
        return lines.stream().anyMatch(line -> line.path("t").asText().equals("start"));
    }

    /** What was said, as its events tell it. */
    String told() {
        StringBuilder told = new StringBuilder();
        lines.stream().filter(line -> line.path("t").asText().equals("text"))
                .forEach(line -> told.append(line.path("d").asText()));
        return told.toString();
    }

    /** The calls that have an outcome, in the order of those. @param reasons of denials, by calls */
    List<Said.Call> calls(java.util.Map<String, String> reasons) {
        List<Said.Call> calls = new ArrayList<>();
        for (JsonNode line : lines) {
            String kind = line.path("t").asText();
            if (kind.equals("output") || kind.equals("output-denied")) {
                String id = line.path("id").asText();
                calls.add(new Said.Call(id, tool(id), kind.equals("output"), reasons.getOrDefault(id, "")));
            }
        }
        return calls;
    }

    /** The name of the tool of a call that was told; empty if none was. */
    String tool(String call) {
        return lines.stream().filter(line -> line.path("t").asText().equals("call") && line.path("id").asText().equals(call))
                .map(line -> line.path("name").asText()).findFirst().orElse("");
    }

    @Override
    public String toString() {
        return "turn %s in %s, %s with %d events".formatted(id, conversation, state, lines.size());
    }
}
