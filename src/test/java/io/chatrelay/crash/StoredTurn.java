package io.chatrelay.crash;

import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;

import io.chatrelay.support.Json;

/**
 * A turn as its tables have it.
 *
 * @param ordinal its place in its conversation
 * @param open   the calls of the message that have no outcome, and that its caller does not run
 * @param reasoning of the assistant's message; null without one
 * @param text   of the assistant's message; null without one
 * @param lines  the events, the first one is number 1
 * @param broken what is wrong with the rows themselves; null if nothing is
 */
record StoredTurn(UUID id, int ordinal, String conversation, String state, long lastEvent, boolean ended, String key,
        String text, String reasoning,
        List<String> open,
        List<JsonNode> lines, String broken) {

    static StoredTurn load(Connection connection, UUID id) throws SQLException {
        try (PreparedStatement select = connection.prepareStatement("""
                select t.state, t.last_event, t.ended_at is not null, t.idempotency_key, c.external_id,
                       (select coalesce(string_agg(p.part ->> 'text', '' order by p.place), '')
                        from jsonb_array_elements(m.parts) with ordinality p(part, place) where p.part ->> 'type' = 'text'),
                       m.id is not null, t.ordinal, m.parts::text
                from turn t join conversation c on c.id = t.conversation_id left join message m on m.id = t.message_id
                where t.id = ?""")) {
            select.setObject(1, id);
            try (ResultSet row = select.executeQuery()) {
                if (!row.next()) {
                    return null;
                }
                List<JsonNode> lines = new ArrayList<>();
                String broken = lines(connection, id, lines);
                JsonNode parts = row.getString(9) == null ? MissingNode.getInstance() : Json.read(row.getString(9));
                return new StoredTurn(id, row.getInt(8), row.getString(5), row.getString(1), row.getLong(2), row.getBoolean(3),
                        row.getString(4),
                        row.getBoolean(7) ? row.getString(6) : null, row.getBoolean(7) ? reasoning(parts) : null,
                        open(parts, lines), lines, broken);
            }
        }
    }

    private static String reasoning(JsonNode parts) {
        return parts.valueStream().filter(part -> part.path("type").asText().equals("reasoning"))
                .map(part -> part.path("text").asText()).collect(Collectors.joining());
    }

    private static List<String> open(JsonNode parts, List<JsonNode> lines) {
        Set<String> own = lines.stream().filter(line -> line.path("own").asInt() == 1).map(line -> line.path("id").asText())
                .collect(Collectors.toSet());
        return parts.valueStream().filter(part -> part.has("toolCallId") && !own.contains(part.path("toolCallId").asText())
                && !part.path("state").asText().startsWith("output-"))
                .map(part -> part.path("toolCallId").asText() + " is " + part.path("state").asText()).toList();
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
                        lines.add(Json.read(event));
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
        return told("text");
    }

    /** What was thought aloud, as its events tell it. */
    String thought() {
        return told("reasoning");
    }

    private String told(String kind) {
        StringBuilder told = new StringBuilder();
        lines.stream().filter(line -> line.path("t").asText().equals(kind))
                .forEach(line -> told.append(line.path("d").asText()));
        return told.toString();
    }

    /** The calls that have an outcome, in the order of those. @param reasons of denials, by calls */
    List<Said.Call> calls(java.util.Map<String, String> reasons) {
        List<Said.Call> calls = new ArrayList<>();
        for (JsonNode line : lines) {
            String kind = line.path("t").asText();
            if (kind.equals("output") || kind.equals("output-denied") || kind.equals("output-error")) {
                String id = line.path("id").asText();
                calls.add(new Said.Call(upstream(id), tool(id), !kind.equals("output-denied"), reasons.getOrDefault(id, "")));
            }
        }
        return calls;
    }

    /** The name of the tool of a call that was told; empty if none was. */
    String tool(String call) {
        return lines.stream().filter(line -> isCall(line, call)).map(line -> line.path("name").asText()).findFirst().orElse("");
    }

    /** By which id Inkeep knows it. */
    private String upstream(String call) {
        return lines.stream().filter(line -> isCall(line, call)).map(line -> line.path("up").asText(call)).findFirst()
                .orElse(call);
    }

    private static boolean isCall(JsonNode line, String call) {
        return line.path("t").asText().equals("call") && line.path("id").asText().equals(call);
    }

    @Override
    public String toString() {
        return "turn %s in %s, %s with %d events".formatted(id, conversation, state, lines.size());
    }
}
