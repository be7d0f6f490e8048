package io.chatrelay.crash;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.Json;

/** Holds the ledger of approvals against what deciders were told, and what Inkeep was. */
final class LedgerCheck {

    /** From the service's last look to the emulator's note of a request: both are busy, and share a machine. */
    private static final long ON_ITS_WAY_MICROS = 150_000;
    private static final Set<String> DECIDED = Set.of("approved", "denied");

    private static final Map<String, String> OUTCOMES = Map.of("output", "executed", "output-error", "failed", "output-denied",
            "denied");

    /** @param call as callers know it @param upstream as Inkeep does, which may know others of the conversation by it, too */
    private record Row(String id, String call, String upstream, String turn, boolean turnEnded, String state, String reason,
            int attempts, boolean acknowledged, String outcome, Timestamp outcomeAt) {

        /** Callers know a call by its id only in its turn. */
        String key() {
            return turn + " " + call;
        }

        /** Whether that is what Inkeep had to be told. */
        boolean isTold(InkeepLog.Told told) {
            return told.reason().equals(reason == null ? "" : reason)
                    && (state.equals(told.approved() ? "approved" : "denied") || state.equals("expired") && !told.approved());
        }
    }

    private final History history;
    private final InkeepLog inkeep;
    private final Map<String, List<History.Decision>> decisions = new HashMap<>();
    private final Map<String, String> recorded = new HashMap<>();
    /** What streams of turns that have ended told, by calls. */
    private final Map<String, String> announced = new HashMap<>();
    private final Map<String, String> outcomes = new HashMap<>();
    /** States by turns. */
    private final Map<String, String> ended = new HashMap<>();

    LedgerCheck(History history, InkeepLog inkeep) {
        this.history = history;
        this.inkeep = inkeep;
    }

    /** What a turn's stream told of the decisions on its calls, and of their outcomes. */
    void announced(StoredTurn turn) {
        ended.put(turn.id().toString(), turn.state());
        for (int i = 0; i < turn.lines().size(); i++) {
            JsonNode line = turn.lines().get(i);
            if (turn.kind(i).equals("decided")) {
                announced.put(turn.id() + " " + line.path("call").asText(), line.path("state").asText());
            } else if (OUTCOMES.containsKey(turn.kind(i))) {
                outcomes.put(turn.id() + " " + line.path("id").asText(), OUTCOMES.get(turn.kind(i)));
            }
        }
    }

    /** @param over whether everybody has been answered, and everything has healed */
    void check(Connection connection, boolean over) throws SQLException {
        history.decisions.drain().forEach(decision -> decisions
                .computeIfAbsent(decision.turn() + " " + decision.call(), _ -> new ArrayList<>()).add(decision));
        // What was acknowledged before this is in what is copied now.
        Timestamp copied = Timestamp.from(Instant.now());
        Map<String, List<InkeepLog.Told>> told = inkeep.told();
        Map<String, List<Row>> byUpstream = new HashMap<>();
        Set<String> known = new HashSet<>();
        try (PreparedStatement select = connection.prepareStatement(
                """
                        select a.call_id, a.turn_id::text, t.ended_at is not null, a.state, a.reason, a.attempts,
                               a.acknowledged_at, a.outcome, a.outcome_at, a.upstream_call_id, a.id::text
                        from tool_approval a join turn t on t.id = a.turn_id order by a.id""");
                ResultSet row = select.executeQuery()) {
            while (row.next()) {
                String upstream = row.getString(10) == null ? row.getString(1) : Json.read(row.getString(10)).asText();
                Row one = new Row(row.getString(11), row.getString(1), upstream, row.getString(2), row.getBoolean(3),
                        row.getString(4), row.getString(5), row.getInt(6),
                        row.getTimestamp(7) != null && row.getTimestamp(7).before(copied), row.getString(8),
                        row.getTimestamp(9));
                known.add(one.key());
                byUpstream.computeIfAbsent(upstream, _ -> new ArrayList<>()).add(one);
                check(one, over);
            }
        }
        byUpstream.forEach((upstream, rows) -> told(rows, told.getOrDefault(upstream, List.of())));
        decisions.forEach((call, said) -> {
            if (!known.contains(call)) {
                history.violation("ledger", "a decision was answered that is not in the ledger: " + said.getFirst());
            }
        });
        history.count("calls that asked under an id which others had", (int) byUpstream.values().stream()
                .filter(rows -> rows.size() > 1 && over).mapToLong(List::size).sum());
    }

    private void check(Row row, boolean over) {
        String before = recorded.put(row.id(), row.state());
        if (before != null && !before.equals("pending") && !before.equals(row.state())) {
            wrong("was %s before".formatted(before), row);
        }
        if (row.turnEnded() && row.state().equals("pending")) {
            wrong("waits, but its turn has ended", row);
        }
        if (!announced.getOrDefault(row.key(), row.state()).equals(row.state())) {
            wrong("the stream told that it is " + announced.get(row.key()), row);
        }
        if (ended.containsKey(row.turn()) && !isToldAs(row, outcomes.get(row.key()))) {
            wrong("the stream of its turn, which is %s, told that it is %s".formatted(ended.get(row.turn()),
                    outcomes.get(row.key())), row);
        }
        List<History.Decision> said = decisions.getOrDefault(row.key(), List.of());
        for (History.Decision decision : said) {
            if (decision.status() == 200 && !row.state().equals(decision.approved() ? "approved" : "denied")) {
                wrong("another decision was taken: " + decision, row);
            }
            // Where its time has just passed, an answer may still show it as it waited.
            String state = decision.status() == 410 ? "expired" : decision.state();
            if (decision.status() != 200 && !state.equals(row.state())) {
                wrong("a decision was refused with another record: " + decision, row);
            }
        }
        if (DECIDED.contains(row.state()) && over && said.stream().noneMatch(decision -> decision.status() == 200
                && decision.approved() == row.state().equals("approved"))) {
            wrong("nobody was told that this decision was taken", row);
        }
        if (DECIDED.contains(row.state()) && over
                && said.stream().noneMatch(decision -> decision.reason().equals(row.reason()))) {
            wrong("nobody gave this reason", row);
        }
        if ("executed".equals(row.outcome()) && !row.state().equals("approved")) {
            wrong("its tool ran", row);
        }
        if ("denied".equals(row.outcome()) && row.state().equals("approved")) {
            wrong("it was denied", row);
        }
    }

    /** The end of a turn settles what Inkeep has not: in the stream alone, for nobody knows whether the tool ran. */
    private boolean isToldAs(Row row, String outcome) {
        return Objects.equals(outcome, row.outcome())
                || row.outcome() == null && "failed".equals(outcome) && !ended.get(row.turn()).equals("completed");
    }

    /**
     * What Inkeep was told under one id, of one call or of several, is what is recorded of one of them, no more often than is recorded:
     * reasons tell them apart.
     */
    private void told(List<Row> rows, List<InkeepLog.Told> told) {
        Map<Row, List<InkeepLog.Told>> each = new LinkedHashMap<>();
        rows.forEach(row -> each.put(row, new ArrayList<>()));
        for (InkeepLog.Told one : told) {
            rows.stream().filter(row -> row.isTold(one) && each.get(row).size() < row.attempts()).findFirst().ifPresentOrElse(
                    row -> each.get(row).add(one),
                    () -> wrong("Inkeep was told what is not recorded, or more often: %s of %s".formatted(one, told),
                            rows.getLast()));
        }
        each.forEach(this::told);
    }

    private void told(Row row, List<InkeepLog.Told> told) {
        if (row.acknowledged() && told.isEmpty()) {
            wrong("Inkeep acknowledged what it was not told", row);
        }
        if (row.outcomeAt() != null) {
            long at = ChronoUnit.MICROS.between(Instant.EPOCH, row.outcomeAt().toInstant());
            told.stream().filter(one -> one.at() > at + ON_ITS_WAY_MICROS).forEach(one -> wrong(
                    "Inkeep was told %d µs after its outcome was stored: %s".formatted(one.at() - at, told), row));
        }
    }

    private void wrong(String what, Row row) {
        history.violation("ledger", what + ": " + row);
    }
}
