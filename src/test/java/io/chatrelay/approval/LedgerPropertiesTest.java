package io.chatrelay.approval;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;

import javax.sql.DataSource;

import jakarta.inject.Inject;

import org.jboss.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import io.chatrelay.event.Ids;
import io.quarkus.test.junit.QuarkusTest;

/** What holds of the ledger in the database, whoever writes it at the same moment. */
@QuarkusTest
class LedgerPropertiesTest {

    private static final Logger LOG = Logger.getLogger(LedgerPropertiesTest.class);

    @Inject
    Approvals approvals;

    @Inject
    DataSource database;

    private final UUID replica = Ids.next();
    private final String tenant = "ledger-" + replica;
    private final ScheduledExecutorService clock = Executors.newScheduledThreadPool(16);

    @BeforeEach
    void aReplicaThatNobodyRuns() throws SQLException {
        execute("insert into replica (incarnation, lease_end) values (?, now() + interval '1 hour')", replica);
    }

    @AfterEach
    void leaveNothing() throws SQLException {
        clock.shutdownNow();
        execute("delete from conversation where tenant = ?", tenant);
        execute("delete from replica where incarnation = ?", replica);
    }

    @Test
    void oneDecisionIsRecordedAndEveryoneIsToldTheSame() throws Exception {
        long begin = System.nanoTime();
        Map<String, Integer> states = new TreeMap<>();
        for (int i = 0; i < 150; i++) {
            long seed = begin + i;
            try {
                race(seed, 2 + i % 7).forEach(state -> states.merge(state, 1, Integer::sum));
            } catch (AssertionError | ExecutionException e) {
                throw new AssertionError("seed " + seed + " of " + begin + ": " + e.getMessage(), e);
            }
        }
        LOG.infof("races by what was recorded: %s", states);
    }

    private List<String> race(long seed, int deciders) throws SQLException, InterruptedException, ExecutionException {
        LedgerRace race = new LedgerRace(approvals, database, new Random(seed), replica, tenant);
        race.run(clock, deciders);
        race.everyoneWasToldTheSame();
        return race.states();
    }

    private void execute(String sql, Object... parameters) throws SQLException {
        try (Connection connection = database.getConnection()) {
            LedgerRace.update(connection, sql, parameters);
        }
    }
}
