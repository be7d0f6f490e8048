package io.chatrelay.turn;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import io.chatrelay.ServiceTest;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.Ids;
import io.chatrelay.event.Turn;
import io.chatrelay.journal.TransactionalEffect;
import io.chatrelay.support.Events;
import io.quarkus.test.junit.QuarkusTest;

/** Turns that end in one transaction end as each would alone. */
@QuarkusTest
class TurnEndTest extends ServiceTest {

    private static final String PARTS = "[{\"type\":\"text\",\"text\":\"hi\"}]";
    private static final String ROWS = """
            select t.state, t.finish_reason, t.error_code, t.error_message, t.last_event, t.idempotency_key is null,
                   t.command_digest is null, t.request is null, t.ended_at is null, t.upstream_position,
                   c.updated_at > c.created_at, m.role, m.parts::text, m.usage::text, m.finish_reason, m.model, m.position, m.size > 0,
                   m.superseded_by is null, (select string_agg(a.state, ',') from tool_approval a where a.turn_id = t.id)
            from turn t join conversation c on c.id = t.conversation_id left join message m on m.turn_id = t.id
            where t.id = ? order by m.position""";

    private final UUID replica = UUID.randomUUID();

    /** How a turn ends. @param asks whether it waits for an approval */
    private record Case(Ended ended, boolean started, String parts, boolean asks) {}

    private static final List<Case> CASES = List.of(new Case(Events.COMPLETED, true, PARTS, false),
            new Case(Events.COMPLETED, true, null, true), new Case(Events.FAILED, false, null, false),
            new Case(Events.FAILED, true, PARTS, false), new Case(Events.CANCELLED, false, null, true),
            new Case(Events.INTERRUPTED, true, PARTS, false));

    @BeforeEach
    void aReplicaWhoseTurnsNobodyTakesOver() {
        execute("insert into replica (incarnation, lease_end) values (?, clock_timestamp() + interval '1 hour')", replica);
    }

    private Turn running(Case of) {
        Turn turn = new Turn(Ids.next(), "dev", "dev", Ids.next(), newId(), 1, "agents", "agents", Ids.next(), Instant.now());
        execute("""
                insert into conversation (id, tenant, external_id, caller, upstream, created_at, updated_at)
                select ?, 'dev', ?, 'dev', 'agents', at, at from (select now() - interval '1 minute' as at) as earlier""",
                turn.conversation(), turn.conversationId());
        execute("""
                insert into turn (id, tenant, conversation_id, state, owner, upstream, model, message_id, message_position, caller,
                                  idempotency_key, command_digest, request, started_at)
                values (?, 'dev', ?, 'running', ?, 'agents', 'agents', ?, 2, 'dev', ?, '\\x01', '{}', now())""",
                turn.id(), turn.conversation(), replica, turn.messageId(), newId());
        execute("insert into message (id, conversation_id, turn_id, position, role, parts, created_at) values (?, ?, ?, 1, 'user', '[]', now())",
                Ids.next(), turn.conversation(), turn.id());
        execute("insert into turn_event (turn_id, first, last, events) values (?, 1, 7, '{}')", turn.id());
        if (of.asks()) {
            execute("""
                    insert into tool_approval (id, tenant, conversation_id, turn_id, call_id, approval_id, tool_name, input, input_digest,
                                               asked_at, expires_at, send_before)
                    values (?, 'dev', ?, ?, 'call-1', 'a-1', 'refund', '{}', '\\x01', now(), now() + interval '1 hour', now() + interval '1 hour')""",
                    Ids.next(), turn.conversation(), turn.id());
        }
        return turn;
    }

    private static TurnEnd end(Turn turn, Case of) {
        return new TurnEnd(turn, of.ended(), of.started(), of.parts());
    }

    private List<List<Object>> rows(Turn turn) throws SQLException {
        return TurnFixtures.rows(database, ROWS, turn.id());
    }

    @Test
    void allOfATransactionEndAsEachWouldAlone() throws SQLException {
        List<Turn> together = CASES.stream().map(this::running).toList();
        List<Turn> alone = CASES.stream().map(this::running).toList();
        List<TransactionalEffect> ends = new ArrayList<>();
        for (int i = 0; i < CASES.size(); i++) {
            ends.add(end(together.get(i), CASES.get(i)));
        }
        try (Connection connection = database.getConnection()) {
            ends.getFirst().together().apply(connection, ends);
            // A commit whose answer was lost is repeated.
            ends.getFirst().together().apply(connection, ends);
            for (int i = 0; i < CASES.size(); i++) {
                end(alone.get(i), CASES.get(i)).apply(connection);
            }
        }

        for (int i = 0; i < CASES.size(); i++) {
            assertThat(rows(together.get(i))).as("%s", CASES.get(i)).isNotEmpty().isEqualTo(rows(alone.get(i)));
        }
        assertThat(rows(together.get(0))).hasSize(2);
        assertThat(rows(together.get(0)).getLast())
                .startsWith("completed", "stop", null, null, 7L, false, false, true,
                        false, null, true, "assistant")
                .endsWith(true, true, null);
        assertThat(rows(together.get(1)).getLast()).endsWith("superseded");
        assertThat(rows(together.get(2)).getLast()).startsWith("failed", null, "upstream_rate_limited",
                "Try again later.", 7L, true, true, true, false, null, false, "user").endsWith(null, false, null);
    }

    @Test
    void messagesThatAreTooLargeForOneStatementAreStoredInSeveral() throws SQLException {
        String large = "[{\"type\":\"text\",\"text\":\"%s\"}]".formatted("x".repeat(600_000));
        Case of = new Case(Events.COMPLETED, true, large, false);
        List<Turn> turns = IntStream.range(0, 4).mapToObj(_ -> running(of)).toList();
        List<TransactionalEffect> ends = turns.stream().<TransactionalEffect>map(turn -> end(turn, of)).toList();
        try (Connection connection = database.getConnection()) {
            ends.getFirst().together().apply(connection, ends);
        }

        for (Turn turn : turns) {
            assertThat(rows(turn)).hasSize(2);
            assertThat(rows(turn).getLast().getFirst()).isEqualTo("completed");
        }
    }

    @Test
    void theFirstIdOfAnAnswerCountsAndNoneAfterItsEnd() throws SQLException {
        Turn turn = running(CASES.getFirst());
        Turn ended = running(CASES.getFirst());
        List<TransactionalEffect> positions = List.of(new TurnPosition(turn.id(), "run-1"),
                new TurnPosition(ended.id(), "run-2"),
                new TurnPosition(turn.id(), "run-3"));
        try (Connection connection = database.getConnection()) {
            end(ended, CASES.getFirst()).apply(connection);
            positions.getFirst().together().apply(connection, positions);
            new TurnPosition(turn.id(), "run-4").apply(connection);
        }

        assertThat(rows(turn).getFirst().get(9)).isEqualTo("run-1");
        assertThat(rows(ended).getFirst().get(9)).isNull();
    }
}
