package io.chatrelay.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import io.chatrelay.support.it.TestPostgres;
import io.chatrelay.turn.TurnFixtures;

/** What becomes of the rows of processes that are gone, and of a process whose row has gone. */
class LeaseTest {

    private record Times(Duration duration, Duration renewEvery, Duration sweepEvery, Duration absence, Duration forgetAfter)
            implements
                LeaseConfig {}

    private static final String LONG_AGO = "2 hours";
    private static final String JUST_NOW = "10 minutes";
    private static TestPostgres database;

    private final AtomicInteger lost = new AtomicInteger();
    private final Lease lease = new Lease(
            new Times(Duration.ofSeconds(10), Duration.ofSeconds(2), Duration.ofSeconds(2), Duration.ZERO, Duration.ofHours(1)),
            lost::incrementAndGet, System::nanoTime);
    private Connection connection;

    @BeforeAll
    static void migrate() {
        database = TestPostgres.migrated();
    }

    @BeforeEach
    void connect() throws SQLException {
        connection = database.connect();
        lease.renew(connection);
    }

    @AfterEach
    void disconnect() throws SQLException {
        connection.close();
    }

    private UUID replica(boolean alive, String endedBefore) {
        UUID replica = UUID.randomUUID();
        database.execute("""
                insert into replica (incarnation, started_at, lease_end, alive)
                values ('%s', clock_timestamp() - interval '1 day', clock_timestamp() - interval '%s', %s)"""
                .formatted(replica, endedBefore, alive));
        return replica;
    }

    private UUID turn(UUID owner, boolean running) {
        UUID turn = UUID.randomUUID();
        UUID conversation = UUID.randomUUID();
        database.execute("""
                insert into conversation (id, tenant, external_id, caller, upstream, created_at, updated_at)
                values ('%1$s', 't', '%1$s', 'c', 'agents', now(), now())""".formatted(conversation),
                """
                        insert into turn (id, tenant, conversation_id, state, owner, upstream, model, message_id, message_position, caller, started_at,
                                          ended_at)
                        values ('%s', 't', '%s', '%s', '%s', 'agents', 'agents', '%s', 2, 'c', now(), %s)"""
                        .formatted(turn, conversation, running ? "running" : "completed", owner, UUID.randomUUID(),
                                running ? "null" : "now()"));
        return turn;
    }

    private Set<UUID> known() throws SQLException {
        Set<UUID> known = new HashSet<>();
        try (PreparedStatement select = connection.prepareStatement("select incarnation from replica");
                ResultSet rows = select.executeQuery()) {
            while (rows.next()) {
                known.add(rows.getObject(1, UUID.class));
            }
        }
        return known;
    }

    @Test
    void onlyAReplicaThatIsLongGoneAndOwnsNoRunningTurnIsForgotten() throws SQLException {
        UUID gone = replica(false, LONG_AGO);
        UUID goneWithEndedTurns = replica(false, LONG_AGO);
        turn(goneWithEndedTurns, false);
        UUID goneNow = replica(false, JUST_NOW);
        UUID notTakenYet = replica(true, LONG_AGO);
        UUID owner = replica(false, LONG_AGO);
        UUID turn = turn(owner, true);

        lease.forget(connection);

        assertThat(known()).contains(lease.incarnation(), goneNow, notTakenYet, owner).doesNotContain(gone, goneWithEndedTurns);
        database.execute("update turn set state = 'interrupted', ended_at = now() where id = '%s'".formatted(turn));
        lease.forget(connection);
        assertThat(known()).doesNotContain(owner);
    }

    @Test
    void aProcessWhoseRowHasGoneHoldsNoLeaseAndRegistersAnew() throws SQLException {
        UUID before = lease.incarnation();
        database.execute("delete from replica where incarnation = '%s'".formatted(before));

        assertThat(Lease.isHeld(connection, before)).isFalse();
        lease.leave(connection);
        lease.renew(connection);

        assertThat(lost).hasValue(1);
        assertThat(lease.incarnation()).isNotEqualTo(before);
        assertThat(Lease.isHeld(connection, lease.incarnation())).isTrue();
    }

    @Test
    void turnsWhoseOwnerHasNoRowAreFound() throws SQLException {
        UUID owner = UUID.randomUUID();
        turn(owner, true);
        turn(lease.incarnation(), true);

        assertThat(Lease.dead(connection)).contains(owner).doesNotContain(lease.incarnation());
    }

    private void giveAway(Connection by, UUID turn) throws SQLException {
        TurnFixtures.table().giveAway(by, List.of(turn), lease.incarnation(), lease.ended(by));
    }

    /** Which would be claimed by nobody, if the row to which they are given were removed at that moment. */
    @Test
    void turnsThatAreGivenAwayKeepTheRowToWhichTheyAreGiven() throws SQLException {
        UUID first = turn(lease.incarnation(), true);
        UUID second = turn(lease.incarnation(), true);
        giveAway(connection, first);
        database.execute("update turn set state = 'completed', ended_at = now() where id = '%s'".formatted(first),
                "update replica set lease_end = lease_end - interval '%1$s', started_at = started_at - interval '%1$s' where not alive"
                        .formatted(LONG_AGO));

        try (Connection other = database.connect()) {
            other.setAutoCommit(false);
            giveAway(other, second);
            lease.forget(connection);
            other.commit();
        }

        UUID owner = UUID.fromString(database.text("select owner from turn where id = '%s'".formatted(second)));
        assertThat(known()).contains(owner);
        assertThat(Lease.dead(connection)).contains(owner);
    }
}
