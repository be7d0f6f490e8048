package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.jose4j.jwt.JwtClaims;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.chatrelay.support.access.TestIssuer;
import io.chatrelay.support.access.TestIssuer.Algorithm;
import io.chatrelay.support.sse.SseEvent;
import io.chatrelay.support.sse.SseParser;
import io.quarkus.test.junit.QuarkusTest;

/** Whoever watches the inbox is told of all that is in it, and of each change, whoever makes it. */
@QuarkusTest
class InboxStreamTest extends ApprovalsTest {

    private static final String STREAM = INBOX + "/stream";
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    /** What a change of the database makes of a row, and no statement of the service does. */
    private static final String CHANGE = "update tool_approval set reason = ? where id = ?::uuid";

    /** Each test has its own, so that it knows all that is told. */
    private final String tenant = "watched-" + UUID.randomUUID();
    private final List<Sse> streams = new ArrayList<>();

    @AfterEach
    void leave() {
        streams.forEach(Sse::close);
        query("select external_id from conversation where tenant = ?", tenant)
                .forEach(conversation -> of(null).post(CONVERSATIONS + "/" + conversation + "/cancel", "{}"));
    }

    /** A caller of the tenant, whose token names an end user unless that is null. */
    private Relay of(String endUser) {
        return of(tenant, endUser);
    }

    private Relay of(String anyTenant, String endUser) {
        JwtClaims claims = TestIssuer.INSTANCE.claims("console", anyTenant, "chat", "approve");
        if (endUser != null) {
            claims.setClaim("act", Map.of("sub", endUser));
        }
        return new Relay(base, TestIssuer.INSTANCE.sign(Algorithm.RS256, claims));
    }

    private Sse watch(Relay caller) {
        return watch(caller, STREAM);
    }

    private Sse watch(Relay caller, String path) {
        Sse stream = caller.read(path);
        streams.add(stream);
        assertThat(stream.status()).isEqualTo(200);
        return stream;
    }

    private Sse watchOn(String lastId) {
        return watch(of(null).with("last-event-id", lastId));
    }

    /** The id of an entry that waits for a decision. */
    private String ask(Relay caller) {
        String conversation = newId();
        caller.post(CHAT, Json.ask(conversation, ONE).put("stream", false));
        await().atMost(PATIENCE).until(() -> !entriesOf(caller, conversation).isEmpty());
        return entriesOf(caller, conversation).getFirst().path("id").asText();
    }

    private static List<JsonNode> entriesOf(Relay caller, String conversation) {
        JsonNode found = caller.get(INBOX + "?conversationId=" + conversation).json().path("data");
        return found.valueStream().toList();
    }

    private JsonNode entry(String id) {
        return of(null).get(INBOX + "/" + id).json();
    }

    private void decide(String id, boolean approved) {
        JsonNode entry = entry(id);
        Relay.Answer answer = of(null).post(DECIDE, Json.of("{}").put("conversationId", entry.path("conversationId").asText())
                .put("toolCallId", entry.path("toolCallId").asText()).put("approved", approved));
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    }

    private static List<SseEvent> entries(Sse stream) {
        // Throws where an event is not as it is described.
        stream.until(0);
        return entries(stream.events());
    }

    private static List<SseEvent> entries(List<SseEvent> events) {
        return events.stream().filter(event -> event.name().equals("approval")).toList();
    }

    private static List<String> ids(Sse stream) {
        return entries(stream).stream().map(event -> event.json().path("id").asText()).toList();
    }

    /** What an entry was told to be, each once in a row. */
    private static List<String> states(Sse stream, String id) {
        List<String> states = new ArrayList<>();
        for (SseEvent event : entries(stream)) {
            JsonNode entry = event.json();
            String state = (entry.path("state").asText() + " " + entry.path("outcome").asText("")).strip();
            if (entry.path("id").asText().equals(id) && (states.isEmpty() || !states.getLast().equals(state))) {
                states.add(state);
            }
        }
        return states;
    }

    /** The newest of what was told of each entry. */
    private static Map<String, String> newest(List<SseEvent> events) {
        Map<String, String> newest = new LinkedHashMap<>();
        entries(events).forEach(event -> newest.put(event.json().path("id").asText(), event.data()));
        return newest;
    }

    private static void awaits(Sse stream, String id, String state) {
        await(state).atMost(PATIENCE).until(() -> states(stream, id).contains(state));
    }

    private static void awaitListed(Sse stream) {
        await("the list").atMost(PATIENCE).until(() -> count(stream, "listed") == 1);
    }

    private static long count(Sse stream, String name) {
        return stream.events().stream().filter(event -> event.name().equals(name)).count();
    }

    private static boolean told(Sse stream, String id, String reason) {
        return entries(stream).stream().map(SseEvent::json)
                .anyMatch(entry -> entry.path("id").asText().equals(id) && entry.path("reason").asText().equals(reason));
    }

    @Nested
    class WhoeverWatches {

        @Test
        void isToldWhatIsPendingAsTheListHasIt() {
            String first = ask(of(null));
            String second = ask(of(null));
            String decided = ask(of(null));
            decide(decided, false);

            Sse stream = watch(of(null));
            awaitListed(stream);

            assertThat(stream.header("content-type")).startsWith("text/event-stream");
            assertThat(stream.header("cache-control")).isEqualTo("no-cache");
            // What is decided may still be settled, which is a change.
            List<SseEvent> told = entries(stream.events().stream().takeWhile(event -> !event.name().equals("listed")).toList());
            assertThat(told).extracting(event -> event.json().path("id").asText()).containsExactly(first, second);
            List<JsonNode> listed = of(null).get(INBOX + "?state=pending").json().path("data").valueStream().toList();
            assertThat(told).extracting(SseEvent::data).as("the same JSON, oldest first")
                    .isEqualTo(listed.reversed().stream().map(JsonNode::toString).toList());
            assertThat(stream.events()).allSatisfy(event -> assertThat(event.id()).isNotEmpty());
        }

        @Test
        void isToldEachChangeWhileItWatches() {
            Sse stream = watch(of(null));
            awaitListed(stream);
            assertThat(entries(stream)).isEmpty();

            String approved = ask(of(null));
            awaits(stream, approved, "pending");
            decide(approved, true);
            awaits(stream, approved, "approved executed");
            assertThat(states(stream, approved)).startsWith("pending").endsWith("approved executed");

            String denied = ask(of(null));
            awaits(stream, denied, "pending");
            decide(denied, false);
            awaits(stream, denied, "denied denied");

            String expired = ask(of(null));
            awaits(stream, expired, "pending");
            execute("update tool_approval set expires_at = asked_at where id = ?::uuid", expired);
            await().atMost(PATIENCE).until(() -> states(stream, expired).getLast().startsWith("expired"));

            String superseded = ask(of(null));
            awaits(stream, superseded, "pending");
            of(null).post(CONVERSATIONS + "/" + entry(superseded).path("conversationId").asText() + "/cancel", "{}");
            await().atMost(PATIENCE).until(() -> states(stream, superseded).getLast().startsWith("superseded"));
        }

        /** The history of an entry is no part of the list; that it changed is told all the same. */
        @Test
        void isToldThatAnEntryChangedOfWhichTheListShowsNothing() {
            String id = ask(of(null));
            Sse stream = watch(of(null));
            awaitListed(stream);

            execute("update tool_approval set sent_at = clock_timestamp(), attempts = 1 where id = ?::uuid", id);

            await().atMost(PATIENCE).until(() -> entries(stream).size() == 2);
            assertThat(entries(stream).getLast().data()).isEqualTo(entries(stream).getFirst().data());
        }

        @Test
        void hasHeadersOfAStreamForAHead() {
            Relay.Answer head = of(null).answer("HEAD", STREAM, BodyPublishers.noBody());

            assertThat(head.status()).isEqualTo(200);
            assertThat(head.header("content-type")).startsWith("text/event-stream");
        }

        /** A pool has twenty connections, and twenty threads would be as many. */
        @Test
        void holdsNoConnectionWhileItWaits() {
            List<Sse> many = IntStream.range(0, 40).mapToObj(_ -> watch(of(null))).toList();
            many.forEach(InboxStreamTest::awaitListed);

            String id = ask(of(null));
            many.forEach(stream -> awaits(stream, id, "pending"));
        }

        @Test
        void isToldOfManyChangesAtOnce() {
            String first = ask(of(null));
            Sse stream = watch(of(null));
            awaitListed(stream);

            // As a tool that is asked for very often, in one transaction: more than one statement of the feed reads.
            execute("""
                    insert into tool_approval (id, tenant, conversation_id, turn_id, call_id, approval_id, tool_name, input,
                                               input_digest, asked_at, expires_at, send_before)
                    select gen_random_uuid(), a.tenant, a.conversation_id, a.turn_id, 'many-' || n, 'ask-' || n, a.tool_name, a.input,
                           a.input_digest, a.asked_at, a.expires_at, a.send_before
                    from tool_approval a, generate_series(1, 350) n where a.id = ?::uuid""",
                    first);

            await().atMost(PATIENCE).until(() -> newest(stream.events()).size() == 351);
            Sse listed = watch(of(null));
            awaitListed(listed);
            assertThat(newest(listed.events())).hasSize(351);
            SseEvent middle = stream.events().get(200);
            Sse back = watchOn(middle.id());
            List<SseEvent> rest = stream.events().subList(201, stream.events().size());
            await().atMost(PATIENCE).until(() -> newest(back.events()).keySet().containsAll(newest(rest).keySet()));
            assertThat(entries(back)).as("what it has is not told again").hasSizeLessThanOrEqualTo(rest.size());
        }
    }

    @Nested
    class WhoeverComesBack {

        @ParameterizedTest
        @ValueSource(booleans = { true, false })
        void isToldWhatChangedMeanwhileAndNothingElse(boolean header) {
            String unchanged = ask(of(null));
            String decided = ask(of(null));
            Sse stream = watch(of(null));
            awaitListed(stream);
            stream.close();

            decide(decided, true);
            String asked = ask(of(null));
            await().atMost(PATIENCE).until(() -> entry(decided).path("outcome").asText().equals("executed"));
            Sse back = header ? watchOn(stream.lastId()) : watch(of(null), STREAM + "?after=" + stream.lastId());

            awaits(back, asked, "pending");
            awaits(back, decided, "approved executed");
            assertThat(ids(back)).doesNotContain(unchanged);
            assertThat(count(back, "listed")).isZero();
            decide(asked, false);
            awaits(back, asked, "denied denied");
        }

        /** A stream may break after any event. */
        @Test
        void missesNothingWhicheverEventWasItsLast() {
            List<String> all = Stream.generate(() -> ask(of(null))).limit(4).toList();
            Sse stream = watch(of(null));
            awaitListed(stream);
            decide(all.getFirst(), true);
            awaits(stream, all.getFirst(), "approved executed");
            decide(all.getLast(), false);
            awaits(stream, all.getLast(), "denied denied");
            all.forEach(id -> execute(CHANGE, "last", id));
            await().atMost(PATIENCE).until(() -> all.stream().allMatch(id -> told(stream, id, "last")));

            List<SseEvent> events = stream.events();
            for (int i = 0; i < events.size(); i++) {
                Map<String, String> rest = newest(events.subList(i + 1, events.size()));
                Sse back = watchOn(events.get(i).id());
                await("after event " + i).atMost(PATIENCE)
                        .until(() -> newest(back.events()).entrySet().containsAll(rest.entrySet()));
                back.close();
            }
        }

        @Test
        void missesNothingWhenNothingWasPending() {
            Sse stream = watch(of(null));
            awaitListed(stream);
            stream.close();
            String id = ask(of(null));
            decide(id, false);
            await().atMost(PATIENCE).until(() -> entry(id).path("outcome").asText().equals("denied"));

            awaits(watchOn(stream.lastId()), id, "denied denied");
        }

        @ParameterizedTest
        @ValueSource(strings = { "x", "3.17", "0", "12:", "12:12", "12:7,5", "12:5/5", "99999999999999999999", "-1", "12/1.x",
                "12 ", "1:2:3" })
        void isToldWhichPositionCannotBeRead(String position) {
            String encoded = position.replace(" ", "%20");

            assertInvalid(INBOX, of(null).with("last-event-id", position.replace(" ", "~")).get(STREAM), "Last-Event-ID");
            assertInvalid(INBOX, of(null).get(STREAM + "?after=" + encoded), "after");
            assertInvalid(INBOX, of(null).with("last-event-id", "x").get(STREAM + "?after=12"), "Last-Event-ID");
        }

        /** A restored database begins with lower ids: a browser that is refused would never come back. */
        @Test
        void beginsWithWhatIsPendingWhereItsPositionIsOfAnotherDatabase() {
            String id = ask(of(null));

            Sse stream = watchOn("9000000000000000000:17");

            awaitListed(stream);
            assertThat(ids(stream)).containsExactly(id);
            awaits(watchOn(stream.lastId()), ask(of(null)), "pending");
        }

        /** As a dump has them, restored into a database that has counted fewer transactions. */
        @Test
        void isNotMisledByRowsOfAnotherDatabase() throws SQLException {
            String theirs = ask(of(null));
            try (Connection connection = database.getConnection()) {
                connection.setAutoCommit(false);
                run(connection, "set local session_replication_role = replica");
                run(connection, "update tool_approval set changed = '8000000000000000000' where id = ?::uuid", theirs);
                connection.commit();
                connection.setAutoCommit(true);
            }
            Sse stream = watch(of(null));
            awaitListed(stream);

            String id = ask(of(null));
            awaits(stream, id, "pending");
            awaits(watchOn(stream.lastId()), ask(of(null)), "pending");
            assertThat(ids(stream)).containsOnlyOnce(theirs);
        }
    }

    @Nested
    class AChangeThatIsCommittedLate {

        @Test
        void isToldToThoseWhoWereToldOfLaterOnesBefore() throws SQLException {
            String late = ask(of(null));
            String early = ask(of(null));
            Sse stream = watch(of(null));
            awaitListed(stream);
            Sse left;
            try (Connection connection = database.getConnection()) {
                connection.setAutoCommit(false);
                run(connection, CHANGE, "late", late);

                execute(CHANGE, "early", early);
                await().atMost(PATIENCE).until(() -> told(stream, early, "early"));
                // The position of this reader is after a change that is younger than the one that is not committed.
                left = watchOn(stream.lastId());
                execute(CHANGE, "early too", early);
                await().atMost(PATIENCE).until(() -> told(left, early, "early too"));
                left.close();
                assertThat(told(stream, late, "late")).isFalse();

                connection.commit();
                connection.setAutoCommit(true);
            }

            await().atMost(PATIENCE).until(() -> told(stream, late, "late"));
            Sse back = watchOn(left.lastId());
            await().atMost(PATIENCE).until(() -> told(back, late, "late"));
            assertThat(ids(back)).as("what it has is not told again").containsExactly(late);
        }

        @Test
        void isForgottenWhenItIsRolledBack() throws SQLException {
            String id = ask(of(null));
            String other = ask(of(null));
            Sse stream = watch(of(null));
            awaitListed(stream);
            try (Connection connection = database.getConnection()) {
                connection.setAutoCommit(false);
                run(connection, CHANGE, "never", id);
                execute(CHANGE, "one", other);
                await().atMost(PATIENCE).until(() -> told(stream, other, "one"));
                connection.rollback();
                connection.setAutoCommit(true);
            }

            execute(CHANGE, "two", other);
            await().atMost(PATIENCE).until(() -> told(stream, other, "two"));
            assertThat(ids(stream)).containsOnlyOnce(id);
        }
    }

    private static void run(Connection connection, String sql, Object... parameters) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                statement.setObject(i + 1, parameters[i]);
            }
            statement.execute();
        }
    }

    /** It does not read, and entries are larger than what the sockets take. */
    @Nested
    class AReaderThatIsTooSlow {

        private static final int CHANGES = 12;
        private static final int SIZE = 2 << 20;

        @Test
        void isToldTheNewestStateOfEachEntry() throws IOException, InterruptedException {
            List<String> large = Stream.generate(() -> ask(of("bob"))).limit(3).toList();
            execute("update tool_approval set input = to_json(repeat('x', ?))::text, size = ? where tenant = ?", SIZE, SIZE,
                    tenant);
            // Who sees only this one shows that the feed has looked.
            String small = ask(of("ann"));
            Sse quick = watch(of("ann"));
            awaitListed(quick);
            JwtClaims claims = TestIssuer.INSTANCE.claims("console", tenant, "approve");
            HttpRequest request = HttpRequest.newBuilder(base.resolve(STREAM))
                    .header("authorization", "Bearer " + TestIssuer.INSTANCE.sign(Algorithm.RS256, claims)).build();
            try (HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
                    InputStream slow = client.send(request, BodyHandlers.ofInputStream()).body()) {
                for (int i = 1; i <= CHANGES; i++) {
                    String reason = "change " + i;
                    large.forEach(id -> execute(CHANGE, reason, id));
                    execute(CHANGE, reason, small);
                    await().atMost(PATIENCE).until(() -> told(quick, small, reason));
                }
                Map<String, String> reasons = new LinkedHashMap<>();
                SseParser parser = new SseParser();
                int told = 0;
                while (!large.stream().allMatch(id -> ("change " + CHANGES).equals(reasons.get(id)))) {
                    SseEvent event = parser.next(slow);
                    told++;
                    reasons.put(event.json().path("id").asText(), event.json().path("reason").asText());
                }

                assertThat(told).as("states that it missed are left out").isLessThan(large.size() * CHANGES / 2);
            }
        }
    }

    @Nested
    class WhoeverMayNot {

        @Test
        void isToldNothingOfAnotherTenant() {
            String theirs = "other-" + tenant;
            Sse stream = watch(of(theirs, null));
            awaitListed(stream);
            Sse ours = watch(of(null));
            String id = ask(of(null));
            awaits(ours, id, "pending");
            decide(id, false);
            awaits(ours, id, "denied denied");

            String own = ask(of(theirs, null));
            awaits(stream, own, "pending");
            assertThat(ids(stream)).containsOnly(own);
            Sse back = watch(of(theirs, null).with("last-event-id", ours.events().getFirst().id()));
            awaits(back, own, "pending");
            assertThat(ids(back)).containsOnly(own);
            of(theirs, null).post(CONVERSATIONS + "/"
                    + of(theirs, null).get(INBOX + "/" + own).json().path("conversationId").asText() + "/cancel", "{}");
        }

        @Test
        void isToldNothingOfAnotherEndUser() {
            String ofBob = ask(of("bob"));
            String ofAnn = ask(of("ann"));
            Sse stream = watch(of("ann"));
            awaitListed(stream);
            assertThat(ids(stream)).containsExactly(ofAnn);

            execute(CHANGE, "bob's", ofBob);
            String second = ask(of("bob"));
            Sse whole = watch(of(null));
            awaits(whole, second, "pending");
            execute(CHANGE, "ann's", ofAnn);

            await().atMost(PATIENCE).until(() -> told(stream, ofAnn, "ann's"));
            assertThat(ids(stream)).containsOnly(ofAnn);
            Sse back = watch(of("ann").with("last-event-id", stream.events().getFirst().id()));
            await().atMost(PATIENCE).until(() -> told(back, ofAnn, "ann's"));
            assertThat(ids(back)).containsOnly(ofAnn);
        }

        @Test
        void isToldSo() {
            assertError(INBOX, relay().with("authorization", null).get(STREAM), 401, "unauthorized");
            assertError(INBOX, relay().with("authorization", null).get(STREAM + "?token=x"), 401, "unauthorized");
            assertError(INBOX, new Relay(base, "operate-key").get(STREAM), 403, "forbidden");
            Stream.of("chat-key", "approve-key").forEach(key -> watch(new Relay(base, key)));
        }
    }

    /** The caller {@code watcher} may have two. */
    @Test
    void itIsOneOfTheCallersOpenStreams() {
        Relay watcher = new Relay(base, "watcher-key");
        Sse first = watch(watcher);
        watch(watcher);

        Relay.Answer refused = watcher.get(STREAM);
        assertThat(refused.status()).isEqualTo(429);
        assertThat(refused.json().path("violated-policies").toString()).isEqualTo("[\"open-streams\"]");
        assertThatThrownBy(() -> watcher.with("accept", "text/event-stream").with("last-event-id", "12").get(STREAM))
                .hasRootCauseInstanceOf(IOException.class);
        await().atMost(PATIENCE).until(() -> openStreams() >= 2);

        first.close();
        await().atMost(PATIENCE).until(() -> {
            Sse next = watcher.read(STREAM);
            streams.add(next);
            return next.status() == 200;
        });
    }

    private double openStreams() {
        return relay().with("authorization", null).get("/q/metrics").body().lines()
                .filter(line -> line.startsWith("chat_relay_streams_open ")).mapToDouble(
                        line -> Double.parseDouble(line.substring(line.indexOf(' '))))
                .findFirst().orElse(0);
    }
}
