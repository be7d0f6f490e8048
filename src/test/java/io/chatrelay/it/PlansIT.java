package io.chatrelay.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.chatrelay.dev.InkeepEmulator;
import io.chatrelay.event.Ids;
import io.chatrelay.support.it.OwnPostgres;
import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.WaitingTurn;

/**
 * What the database is asked. It never reads a whole table: the journal's batches are one transaction for all turns, so that each of its statements
 * is every stream's wait; {@code bench/plans} does the same with two million messages. It names the tenant whose rows it looks at, and it is asked the
 * same for what is another tenant's and for what is not there, so that no time tells one from the other.
 */
@Order(14)
class PlansIT {

    private static final int MESSAGES = 40_000;
    /** How often a call is made, and how often the service's own polls are seen, which are no part of a call. */
    private static final int TIMES = 20;
    private static final String STRANGER = "stranger-key";
    private static final String STRANGER_SHA256 = "96fbe991904da033d08b8e7a208f893914d56cc10d96503b7a5d4bd0b3ea0101";

    private static InkeepEmulator inkeep;
    private static OwnPostgres database;
    private static RelayProcess relay;
    private static List<Plans.Statement> statements;
    /** The ids of a turn that waits for an approval, of another tenant than the {@code stranger}. */
    private static Map<String, String> foreign;
    private static RelayClient stranger;
    /** What the service asks on its own. */
    private static Set<String> own;

    @BeforeAll
    static void execute() {
        inkeep = new InkeepEmulator(RelayClient.VERTX).listen(0);
        database = OwnPostgres.explaining();
        relay = RelayProcess.on(database, inkeep).with("chat-relay.access.keys.stranger.sha256", STRANGER_SHA256)
                .with("chat-relay.access.keys.stranger.tenant", "elsewhere").start();
        ManyMessages.seed(database, MESSAGES);
        database.explain(true);
        EveryStatement.execute(relay, database);
        statements = Plans.of(database);
        RelayClient owner = new RelayClient(relay);
        WaitingTurn waiting = new WaitingTurn(owner, "agents", "use tool delete_file").awaitAsked(owner, 1);
        foreign = Map.of("{conversation}", waiting.conversation(), "{turn}", waiting.turn().toString(), "{approval}",
                waiting.approval(0).toString(), "{call}", waiting.call(0));
        stranger = new RelayClient(relay).as(STRANGER);
        stranger.chat("agents", "own", "echo one").awaitEnd();
        long idle = Plans.end(database);
        own = Awaitility.await("the service's polls").atMost(Duration.ofMinutes(1)).until(() -> Plans.of(database, idle),
                asked -> asked.stream().filter(statement -> statement.executions() >= TIMES).count() > 1)
                .stream().map(Plans.Statement::sql).collect(Collectors.toSet());
    }

    @AfterAll
    static void stop() {
        if (foreign != null) {
            // Or the process would wait for its decision before it ends.
            new RelayClient(relay).cancel(foreign.get("{conversation}"));
        }
        try (InkeepEmulator _ = inkeep; OwnPostgres _ = database; RelayProcess _ = relay) {
            statements = null;
        }
    }

    @Test
    void everyStatementFindsItsRowsByAnIndex() {
        assertThat(statements).extracting(Plans.Statement::sql).as("what the journal's batches are known to ask")
                .anyMatch(sql -> sql.startsWith("with held as"))
                .anyMatch(sql -> sql.startsWith("select count(*) from turn_event stored"))
                .anyMatch(sql -> sql.startsWith("update message set superseded_by = null"))
                .anyMatch(sql -> sql.startsWith("insert into tool_approval"))
                .anyMatch(sql -> sql.startsWith("update tool_approval set outcome"))
                .anyMatch(sql -> sql.startsWith("update turn set upstream_position"));
        assertThat(statements).filteredOn(statement -> statement.most() != null && statement.most().rows() > Plans.FEW)
                .as("statements that read more than %d rows of a table", Plans.FEW).isEmpty();
    }

    @Test
    void everyStatementOnATableOfATenantNamesTheTenantOrIsListedWithAReason() {
        Set<String> tables = TenantStatements.tablesOfTenants(database);
        assertThat(tables).contains("conversation", "message", "turn", "turn_event", "tool_approval", "stream_token");
        assertThat(TenantStatements.otherTables(database)).as("tables that belong to no tenant")
                .containsExactlyInAnyOrder("replica", "flyway_schema_history");
        Map<String, Set<String>> without = TenantStatements.withoutTenant(statements, tables);
        Map<String, Boolean> reviewed = TenantStatements.reviewed();

        Map<String, Set<String>> unlisted = new HashMap<>(without);
        unlisted.keySet().removeAll(reviewed.keySet());
        assertThat(unlisted).as(TenantStatements.advice(unlisted)).isEmpty();
        assertThat(reviewed.keySet()).filteredOn(reviewed::get)
                .as("listed statements that were not executed: take them out of %s, or let EveryStatement execute them",
                        TenantStatements.LIST)
                .isSubsetOf(without.keySet());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "GET    | /run/v1/conversations/{conversation}                            |",
            "GET    | /run/v1/conversations/{conversation}?include=messages           |",
            "GET    | /run/v1/conversations/{conversation}/messages                   |",
            "GET    | /run/v1/conversations/{conversation}/stream                     |",
            "GET    | /run/v1/conversations/{conversation}/stream?turn={turn}         |",
            "GET    | /run/api/chat/{conversation}/stream                             |",
            "GET    | /run/v1/conversations/{conversation}/pending-approvals          |",
            "PATCH  | /run/v1/conversations/{conversation}                            | {'title':'mine'}",
            "DELETE | /run/v1/conversations/{conversation}                            |",
            "POST   | /run/v1/conversations/{conversation}/cancel                     | {}",
            "POST   | /run/v1/conversations/{conversation}/cancel                     | {'turnId':'{turn}'}",
            "POST   | /run/v1/conversations/{conversation}/stream-tokens              | {}",
            "GET    | /run/v1/tool-approvals?conversationId={conversation}            |",
            "GET    | /run/v1/tool-approvals/{approval}                               |",
            "POST   | /run/api/tool-approvals                                         | {'conversationId':'{conversation}','toolCallId':'{call}','approved':true}",
            // Of an own conversation, and a turn or a call that is in another one.
            "GET    | /run/v1/conversations/own/stream?turn={turn}                    |",
            "POST   | /run/v1/conversations/own/cancel                                | {'turnId':'{turn}'}",
            "POST   | /run/v1/conversations/own/stream-tokens                         | {'turnId':'{turn}'}",
            "POST   | /run/api/tool-approvals                                         | {'conversationId':'own','turnId':'{turn}','toolCallId':'{call}','approved':true}" })
    void whatIsAnotherTenantsIsLookedForAndAnsweredAsWhatIsNotThere(String method, String path, String body) {
        Map<String, String> missing = Map.of("{conversation}", "waits-" + UUID.randomUUID(), "{turn}", Ids.next().toString(),
                "{approval}", Ids.next().toString(), "{call}", "call-" + UUID.randomUUID());
        Asked forNothing = asked(method, path, body, missing);
        Asked forForeign = asked(method, path, body, foreign);

        assertThat(forForeign).isEqualTo(forNothing);
        assertThat(forNothing.status()).isEqualTo(path.startsWith("/run/api/chat/") ? 204 : 404);
        assertThat(forNothing.statements()).isNotEmpty();
    }

    /**
     * What a call was answered, without the ids in it, and what the database was asked for it.
     *
     * @param statements each with how often one call executes it
     */
    private record Asked(int status, Set<String> headers, String body, Map<String, Integer> statements) {}

    private static Asked asked(String method, String path, String body, Map<String, String> ids) {
        long before = Plans.end(database);
        HttpResponse<String> answer = null;
        for (int i = 0; i < TIMES; i++) {
            answer = stranger.send(method, filled(path, ids), body == null ? "" : filled(body.replace('\'', '"'), ids));
        }
        String told = answer.body().replaceAll("\"requestId\":\"[^\"]*\"", "");
        for (String id : ids.values()) {
            told = told.replace(id, "");
        }
        return new Asked(answer.statusCode(), answer.headers().map().keySet(), told,
                Plans.of(database, before).stream().filter(statement -> !own.contains(statement.sql()))
                        .filter(statement -> statement.executions() >= TIMES)
                        .collect(Collectors.toMap(Plans.Statement::sql, statement -> statement.executions() / TIMES)));
    }

    private static String filled(String text, Map<String, String> ids) {
        String filled = text;
        for (Map.Entry<String, String> id : ids.entrySet()) {
            filled = filled.replace(id.getKey(), id.getValue());
        }
        return filled;
    }
}
