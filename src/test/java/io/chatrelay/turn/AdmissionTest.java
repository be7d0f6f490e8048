package io.chatrelay.turn;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.stream.IntStream;

import jakarta.inject.Inject;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.chatrelay.ServiceTest;
import io.chatrelay.event.OnRunning;
import io.chatrelay.event.Part;
import io.chatrelay.event.Role;
import io.chatrelay.event.Scope;
import io.chatrelay.event.Turn;
import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.chatrelay.turn.Admission.Begun;
import io.chatrelay.turn.Admission.Command;
import io.chatrelay.upstream.UpstreamRequest.ChatMessage;
import io.quarkus.test.junit.QuarkusTest;

/** Turns that begin together are stored as those that begin alone; what stands in the way of one leaves it out, and no other. */
@QuarkusTest
class AdmissionTest extends ServiceTest {

    private static final String ROWS = """
            select c.tenant, c.caller, c.end_user, c.upstream, c.title, c.properties::text, c.properties_size, c.next_position, c.turns,
                   t.tenant, t.ordinal, t.upstream, t.model, t.message_position, t.caller, t.client_repeats,
                   t.command_digest is null, t.idempotency_key is null, c.updated_at >= t.started_at,
                   m.position, m.external_id, m.role, m.name, m.parts::text, m.size, m.turn_id = t.id, m.superseded_by is null
            from conversation c join turn t on t.conversation_id = c.id
            left join message m on m.conversation_id = c.id and m.id <> t.message_id
            where c.id = ? and t.id = ? order by m.position""";

    @Inject
    Acceptance acceptance;

    private final UUID replica = UUID.randomUUID();
    private final Admission admission = new Admission();

    @BeforeEach
    void aReplicaWhoseTurnsNobodyTakesOver() {
        execute("insert into replica (incarnation, lease_end) values (?, clock_timestamp() + interval '1 hour')", replica);
    }

    private static ChatMessage said(Role role, String text) {
        return new ChatMessage(role, List.of(new Part.Text(text)));
    }

    /** A command as a protocol makes it. */
    private record Sent(String conversation, String model, String messageId, String key, boolean maybeRepeated,
            List<ChatMessage> before, List<ChatMessage> asked) {

        Sent(String conversation) {
            this(conversation, null, null, null, false, List.of(), List.of(said(Role.USER, "echo hi")));
        }

        Sent withMessageId(String id) {
            return new Sent(conversation, model, id, key, maybeRepeated, before, asked);
        }

        Sent withKey(String id) {
            return new Sent(conversation, model, messageId, id, maybeRepeated, before, asked);
        }

        Sent thatMayBeRepeated() {
            return new Sent(conversation, model, messageId, key, true, before, asked);
        }

        Sent toCloud() {
            return new Sent(conversation, "cloud", messageId, key, maybeRepeated, before, asked);
        }

        Sent in(String id) {
            return new Sent(id, model, messageId, key, maybeRepeated, before, asked);
        }

        Sent after(ChatMessage... earlier) {
            return new Sent(conversation, model, messageId, key, maybeRepeated, List.of(earlier), asked);
        }

        SendCommand command() {
            return new SendCommand(Scope.of("dev"), "dev", conversation, model, messageId, asked, before.size(), before,
                    IntStream.range(0, before.size()).boxed().toList(), Map.of(),
                    Map.of("x-forward-this", "1"), "u-1", key, maybeRepeated, false, OnRunning.REFUSE, false);
        }

        Command plain(String upstream) {
            SendCommand command = command();
            return Command.of(command, CommandDigest.of(command), upstream, new StoredRequest(command.parameters(), Map.of()),
                    true,
                    true, null, OptionalInt.empty());
        }

        Command plain() {
            return plain(model == null ? "agents" : model);
        }
    }

    private List<Begun> admit(Command... commands) throws SQLException {
        try (Connection connection = database.getConnection()) {
            Map<Command, Begun> begun = admission.run(connection, replica, List.of(commands));
            return IntStream.range(0, commands.length).mapToObj(i -> begun.get(commands[i])).toList();
        }
    }

    private List<List<Object>> rows(Turn turn) throws SQLException {
        return TurnFixtures.rows(database, ROWS, turn.conversation(), turn.id());
    }

    private void end(Turn turn) throws SQLException {
        execute("insert into turn_event (turn_id, first, last, events) values (?, 1, 1, '{}')", turn.id());
        try (Connection connection = database.getConnection()) {
            TurnFixtures.completed(turn).apply(connection);
        }
    }

    private Turn alone(Sent sent) {
        SendCommand command = sent.command();
        return ((io.chatrelay.turn.Sent.InTurn) acceptance.accept(command, CommandDigest.of(command))).turn();
    }

    @Test
    void aNewConversationIsStoredAsByATransactionOfItsOwn() throws SQLException {
        for (Sent sent : List.of(new Sent(null), new Sent("given"), new Sent("given").withMessageId("m-1").withKey("key-1"),
                new Sent(null).after(said(Role.SYSTEM, "Be brief."), said(Role.USER, "One"), said(Role.USER, "Two"))
                        .toCloud().thatMayBeRepeated())) {
            String mark = mark();
            Sent one = sent.conversation() == null ? sent : sent.in(newId());
            Sent other = sent.conversation() == null ? sent : sent.in(newId());
            if (sent.key() != null) {
                one = one.withKey("one-" + mark);
                other = other.withKey("other-" + mark);
            }

            Begun together = admit(one.plain()).getFirst();
            Turn alone = alone(other);

            assertThat(together.isNew()).isTrue();
            assertThat(together.as()).isEqualTo(replica);
            assertThat(rows(together.turn())).isNotEmpty().isEqualTo(rows(alone));
            assertThat(together.turn().ordinal()).isEqualTo(alone.ordinal()).isEqualTo(1);
            assertThat(together.turn().conversationId())
                    .isEqualTo(one.conversation() == null ? together.turn().conversation().toString() : one.conversation());
        }
    }

    @Test
    void aKnownConversationGoesOnAsByATransactionOfItsOwn() throws SQLException {
        List<Turn> second = new ArrayList<>();
        for (boolean together : List.of(true, false)) {
            Sent sent = new Sent(newId());
            end(admit(sent.plain()).getFirst().turn());
            Sent again = sent.withMessageId("m-2").after(said(Role.USER, "echo hi"), said(Role.ASSISTANT, "hi"));
            if (together) {
                Begun begun = admit(again.plain()).getFirst();
                assertThat(begun.isNew()).isFalse();
                second.add(begun.turn());
            } else {
                second.add(alone(again));
            }
        }

        assertThat(second).extracting(Turn::ordinal).containsExactly(2, 2);
        assertThat(rows(second.getFirst())).hasSize(2).isEqualTo(rows(second.getLast()));
    }

    @Test
    void whatStandsInTheWayOfOneLeavesItOutAlone() throws SQLException {
        String key = "key-" + mark();
        Sent running = new Sent(newId());
        Sent known = new Sent(newId()).withMessageId("m-1").withKey(key);
        admit(running.plain());
        end(admit(known.plain()).getFirst().turn());

        Command runs = running.plain();
        Command edits = known.withKey(null).plain();
        Command usesTheKey = new Sent(newId()).withKey(key).plain();
        Command ofAnother = new Sent(known.conversation()).plain("cloud");
        Command unknown = Command.of(new Sent(newId()).command(), new byte[32], "agents", null, false, true, null,
                OptionalInt.empty());
        Command onlyNew = Command.of(new Sent(known.conversation()).command(), new byte[32], "agents", null, true, false, null,
                OptionalInt.empty());
        Command plain = new Sent(newId()).plain();

        assertThat(admit(runs, usesTheKey, edits, unknown, plain)).satisfiesExactly(begun -> assertThat(begun).isNull(),
                begun -> assertThat(begun).isNull(), begun -> assertThat(begun).isNull(), begun -> assertThat(begun).isNull(),
                begun -> assertThat(begun).isNotNull());
        assertThat(admit(ofAnother)).containsOnlyNulls();
        assertThat(admit(onlyNew)).containsOnlyNulls();
        for (Command left : List.of(usesTheKey, unknown)) {
            assertThat(conversations(left)).as("nothing of it is stored").isZero();
        }
        assertThat(number(
                "select count(*) from message where conversation_id = (select id from conversation where external_id = ?)",
                known.conversation())).isEqualTo(1);
        assertThat(number("select next_position from conversation where external_id = ?", known.conversation())).isEqualTo(3);
    }

    @Test
    void aTurnStartsAfterTheEndOfTheOneBeforeItHoweverLongItHasWaited() throws SQLException {
        for (boolean together : List.of(true, false)) {
            Sent sent = new Sent(newId());
            Turn first = admit(sent.plain()).getFirst().turn();
            Command waits = sent.plain();
            end(first);

            Turn second = together ? admit(waits).getFirst().turn() : alone(sent);
            List<List<Object>> stored = TurnFixtures.rows(database,
                    """
                            select b.started_at > a.ended_at, extract(epoch from b.started_at), c.updated_at = b.started_at
                            from turn a join turn b on b.conversation_id = a.conversation_id join conversation c on c.id = b.conversation_id
                            where a.id = ? and b.id = ?""",
                    first.id(), second.id());
            assertThat(stored).singleElement().satisfies(row -> {
                assertThat(row.getFirst()).isEqualTo(true);
                assertThat(row.getLast()).isEqualTo(true);
                assertThat(row.get(1)).as("what is told live is what is stored").isEqualTo(new BigDecimal("%d.%06d".formatted(
                        second.startedAt().getEpochSecond(), second.startedAt().getNano() / 1000)));
            });
            assertThat(second.startedAt().getNano() % 1000).isZero();
        }
    }

    private long conversations(Command command) {
        return number("select count(*) from conversation where external_id = ?", command.sent().conversationId());
    }

    private long number(String sql, Object parameter) {
        try (Connection connection = database.getConnection();
                PreparedStatement select = connection.prepareStatement(sql)) {
            select.setObject(1, parameter);
            try (ResultSet found = select.executeQuery()) {
                found.next();
                return found.getLong(1);
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** How many turns have begun together with others, by the service's own metric. */
    private double admitted() {
        return relay().get("/q/metrics").body().lines().filter(line -> line.startsWith("chat_relay_admission_batch_sum"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ')))).sum();
    }

    @Test
    void ofTwoWithOneKeyOneBegins() throws SQLException {
        String key = "key-" + mark();

        assertThat(admit(new Sent(newId()).withKey(key).plain(), new Sent(newId()).withKey(key).plain()))
                .filteredOn(begun -> begun != null).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = { "select 1 from conversation where external_id = ? for update",
            "select 1 from (select pg_advisory_xact_lock(?)) as locked" })
    void whatAnotherTransactionHoldsLeavesOnlyThatCommandOut(String held) throws SQLException {
        Sent known = new Sent(newId()).thatMayBeRepeated();
        end(admit(known.plain()).getFirst().turn());
        Command command = new Sent(known.conversation()).thatMayBeRepeated().plain();
        try (Connection other = database.getConnection()) {
            other.setAutoCommit(false);
            try (PreparedStatement hold = other.prepareStatement(held)) {
                hold.setObject(1, held.contains("advisory") ? command.lock() : known.conversation());
                hold.execute();
            }

            assertThat(admit(command, new Sent(newId()).plain())).satisfiesExactly(begun -> assertThat(begun).isNull(),
                    begun -> assertThat(begun).isNotNull());
            other.rollback();
        }
        assertThat(admit(command).getFirst()).isNotNull();
    }

    @Test
    void withoutTheLeaseNothingBegins() throws SQLException {
        execute("update replica set alive = false where incarnation = ?", replica);
        Command command = new Sent(newId()).plain();

        assertThat(admit(command)).containsOnlyNulls();
        assertThat(conversations(command)).isZero();
    }

    @Test
    void aMessageThatIsSentBeginsTogetherWithOthers() {
        double before = admitted();
        Sse turn = relay().send(Relay.CHAT, Json.ask(newId(), "echo hi")).toEnd();

        assertThat(turn.turn()).isNotNull();
        assertThat(admitted()).isGreaterThan(before);
    }
}
