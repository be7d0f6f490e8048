package io.chatrelay.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;

import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

import io.chatrelay.dev.InkeepEmulator;
import io.chatrelay.support.it.OwnPostgres;
import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RelayProcess;

/**
 * What the database is asked never reads a whole table: the journal's batches are one transaction for all turns, so that each of its statements
 * is every stream's wait. {@code bench/plans} does the same with two million messages.
 */
@Order(14)
class PlansIT {

    private static final int MESSAGES = 40_000;

    @Test
    void everyStatementFindsItsRowsByAnIndex() {
        try (InkeepEmulator inkeep = new InkeepEmulator(RelayClient.VERTX).listen(0);
                OwnPostgres database = OwnPostgres.explaining();
                RelayProcess relay = RelayProcess.on(database, inkeep).start()) {
            ManyMessages.seed(database, MESSAGES);
            database.explain(true);
            EveryStatement.execute(relay, database);

            List<Plans.Statement> statements = Plans.of(database);

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
    }
}
