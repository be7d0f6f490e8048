package io.chatrelay.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.UUID;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import io.chatrelay.database.SqlErrors;
import io.chatrelay.support.it.TestPostgres;

/** The fence: a replica that others take for gone stores no event. */
class FenceTest {

    private static TestPostgres database;

    private final UUID replica = UUID.randomUUID();
    private final EventTable.Row row = new EventTable.Row(UUID.randomUUID(), 1, 1, new byte[1]);

    @BeforeAll
    static void migrate() {
        database = TestPostgres.migrated();
    }

    private boolean insert() throws SQLException {
        return insert(row, false);
    }

    private boolean insert(EventTable.Row one, boolean again) throws SQLException {
        try (Connection connection = database.connect()) {
            return EventTable.insertFenced(connection, replica, List.of(one), again);
        }
    }

    private long stored() {
        return database.number("select count(*) from turn_event where turn_id = '%s'".formatted(row.turn()));
    }

    private void register(boolean alive) {
        database.execute("""
                insert into replica (incarnation, started_at, lease_end, alive)
                values ('%s', clock_timestamp(), clock_timestamp() + interval '1 hour', %s)""".formatted(replica, alive));
    }

    @Test
    void aReplicaThatIsAliveWrites() throws SQLException {
        register(true);

        assertThat(insert()).isTrue();
        assertThat(stored()).isEqualTo(1);
    }

    @Test
    void aReplicaWhoseRowHasGoneDoesNotWrite() throws SQLException {
        register(true);
        database.execute("delete from replica where incarnation = '%s'".formatted(replica));

        assertThat(insert()).isFalse();
        assertThat(stored()).isZero();
    }

    @Test
    void aReplicaThatIsMarkedAsGoneDoesNotWrite() throws SQLException {
        register(false);

        assertThat(insert()).isFalse();
        assertThat(stored()).isZero();
    }

    @Test
    void aRowThatIsThereIsADuplicateAtFirstAndStoredOnceWhenTriedAgain() throws SQLException {
        register(true);
        insert();

        assertThatThrownBy(this::insert).isInstanceOfSatisfying(SQLException.class,
                duplicate -> assertThat(SqlErrors.isDuplicate(duplicate)).isTrue());
        assertThat(insert(row, true)).isTrue();
        assertThat(stored()).isEqualTo(1);
    }

    @Test
    void aRowOfAnotherWriterIsNotTakenForItsOwn() throws SQLException {
        register(true);
        insert();

        assertThat(insert(new EventTable.Row(row.turn(), 1, 1, new byte[]{ 1 }), true)).isFalse();
    }
}
