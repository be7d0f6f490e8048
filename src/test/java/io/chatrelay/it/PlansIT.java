package io.chatrelay.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

import io.chatrelay.dev.InkeepEmulator;
import io.chatrelay.support.it.OwnPostgres;
import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RelayProcess;

/**
 * What the database is asked. It never reads a whole table: the journal's batches are one transaction for all turns, so that each of its statements
 * is every stream's wait; {@code bench/plans} does the same with two million messages. And it names the tenant whose rows it looks at.
 */
@Order(14)
class PlansIT {

    private static final int MESSAGES = 40_000;

    private static InkeepEmulator inkeep;
    private static OwnPostgres database;
    private static RelayProcess relay;
    private static List<Plans.Statement> statements;

    @BeforeAll
    static void execute() {
        inkeep = new InkeepEmulator(RelayClient.VERTX).listen(0);
        database = OwnPostgres.explaining();
        relay = RelayProcess.on(database, inkeep).start();
        ManyMessages.seed(database, MESSAGES);
        database.explain(true);
        EveryStatement.execute(relay, database);
        statements = Plans.of(database);
    }

    @AfterAll
    static void stop() {
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
}
