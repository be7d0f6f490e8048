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
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Holds the ledger of approvals against what deciders were told, and what Inkeep was. */
final class LedgerCheck {

    /** From the service's last look to the emulator's note of a request: both are busy, and share a machine. */
    private static final long ON_ITS_WAY_MICROS = 150_000;
    private static final Set<String> DECIDED = Set.of("approved", "denied");

    private record Row(String call, String turn, boolean turnEnded, String state, String reason, int attempts,
            boolean acknowledged, String outcome, Timestamp outcomeAt) {}

    private final History history;
    private final InkeepLog inkeep;
    private final Map<String, List<History.Decision>> decisions = new HashMap<>();
    private final Map<String, String> recorded = new HashMap<>();
    private final Map<String, String> announced = new HashMap<>();
    private Map<String, List<InkeepLog.Told>> told = Map.of();

    LedgerCheck(History history, InkeepLog inkeep) {
        this.history = history;
        this.inkeep = inkeep;
    }

    /** What a turn's stream told of the decisions on its calls. */
    void announced(StoredTurn turn) {
        turn.lines().stream().filter(line -> line.path("t").asText().equals("decided"))
                .forEach(line -> announced.put(line.path("call").asText(), line.path("state").asText()));
    }

    /** @param over whether everybody has been answered, and everything has healed */
    void check(Connection connection, boolean over) throws SQLException {
        history.decisions.drain().forEach(decision -> decisions.computeIfAbsent(decision.call(), _ -> new ArrayList<>())
                .add(decision));
        // What was acknowledged before this is in what is copied now.
        Timestamp copied = Timestamp.from(Instant.now());
        told = inkeep.told();
        Set<String> known = new HashSet<>();
        try (PreparedStatement select = connection.prepareStatement(
                """
                        select a.call_id, a.turn_id::text, t.ended_at is not null, a.state, a.reason, a.attempts,
                               a.acknowledged_at, a.outcome, a.outcome_at
                        from tool_approval a join turn t on t.id = a.turn_id""");
                ResultSet row = select.executeQuery()) {
            while (row.next()) {
                Row one = new Row(row.getString(1), row.getString(2), row.getBoolean(3), row.getString(4), row.getString(5),
                        row.getInt(6), row.getTimestamp(7) != null && row.getTimestamp(7).before(copied), row.getString(8),
                        row.getTimestamp(9));
                known.add(one.call());
                check(one, over);
            }
        }
        decisions.forEach((call, said) -> {
            if (!known.contains(call)) {
                history.violation("ledger", "a decision was answered that is not in the ledger: " + said.getFirst());
            }
        });
    }

    private void check(Row row, boolean over) {
        String before = recorded.put(row.call(), row.state());
        if (before != null && !before.equals("pending") && !before.equals(row.state())) {
            wrong("was %s before".formatted(before), row);
        }
        if (row.turnEnded() && row.state().equals("pending")) {
            wrong("waits, but its turn has ended", row);
        }
        if (!announced.getOrDefault(row.call(), row.state()).equals(row.state())) {
            wrong("the stream told that it is " + announced.get(row.call()), row);
        }
        List<History.Decision> said = decisions.getOrDefault(row.call(), List.of());
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
        told(row);
    }

    private void told(Row row) {
        List<InkeepLog.Told> told = this.told.getOrDefault(row.call(), List.of());
        if (told.stream().map(one -> one.approved() + " " + one.reason()).distinct().count() > 1) {
            wrong("Inkeep was told different things: " + told, row);
        }
        if (told.stream().anyMatch(one -> !row.state().equals(one.approved() ? "approved" : "denied")
                && !(row.state().equals("expired") && !one.approved()))) {
            wrong("Inkeep was told something else: " + told, row);
        }
        if (row.acknowledged() && told.isEmpty()) {
            wrong("Inkeep acknowledged what it was not told", row);
        }
        if (told.size() > row.attempts()) {
            wrong("Inkeep was told more often than is recorded: " + told, row);
        }
        if ("executed".equals(row.outcome()) && !row.state().equals("approved")) {
            wrong("its tool ran", row);
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
