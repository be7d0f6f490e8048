package io.chatrelay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.sql.Connection;
import java.sql.Statement;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import jakarta.inject.Inject;

import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import io.quarkus.test.junit.QuarkusTest;

/** What a migration does to the rows of the version before, whose replicas go on while it runs. */
@QuarkusTest
class MigrationTest extends ServiceTest {

    private static final String SCHEMA = "earlier";
    /** Where a row is, and who wrote it: a row that is written again has both anew. */
    private static final String ROWS = """
            select concat_ws(' ', 'turn', ctid, xmin) from earlier.turn union all
            select concat_ws(' ', 'conversation', ctid, xmin) from earlier.conversation""";
    private static final String FILES = "select pg_relation_filenode('earlier.turn') union all"
            + " select pg_relation_filenode('earlier.conversation')";

    @Inject
    Flyway flyway;

    private final UUID conversation = UUID.randomUUID();
    private final UUID replica = UUID.randomUUID();

    private void migrate(String version) {
        Flyway.configure().configuration(flyway.getConfiguration()).schemas(SCHEMA).defaultSchema(SCHEMA).target(version).load()
                .migrate();
    }

    @BeforeEach
    void asTheVersionBeforeLeftIt() {
        migrate("4");
        execute("""
                insert into earlier.conversation (id, tenant, external_id, caller, upstream, created_at, updated_at)
                values (?, 'dev', 'c', 'dev', 'agents', now(), now())""", conversation);
        execute("insert into earlier.replica (incarnation, lease_end) values (?, now())", replica);
        for (int i = 0; i < 3; i++) {
            execute("""
                    insert into earlier.turn (id, tenant, conversation_id, state, owner, upstream, model, message_id,
                                              message_position, caller, started_at, ended_at)
                    values (?, 'dev', ?, 'completed', ?, 'agents', 'agents', ?, 2, 'dev', now(), now())""", UUID.randomUUID(),
                    conversation, replica, UUID.randomUUID());
        }
    }

    @AfterEach
    void drop() {
        execute("drop schema earlier cascade");
    }

    /** Every send waits for a row that is being rewritten, and all of a long table's take long. */
    @Test
    void leavesOldRowsAsTheyAre() {
        List<String> rows = query(ROWS);
        List<String> files = query(FILES);

        migrate("latest");

        assertThat(query(ROWS)).isEqualTo(rows).hasSize(4);
        assertThat(query(FILES)).isEqualTo(files);
        assertThat(query("select count(ordinal) from earlier.turn")).as("a turn that was not counted has no place")
                .containsExactly("0");
        assertThat(query("select turns from earlier.conversation")).as("the next turn is the first that is counted")
                .containsExactly("0");
    }

    /** A plain one would have every message wait until it is there: those of the version before, in the batches of all its streams. */
    @Test
    void keepsNoMessageWaitingWhileItBuildsAnIndex() throws Exception {
        migrateBesideASend(_ -> execute(message(2))).get();

        assertThat(query("select indisvalid from pg_index where indexrelid = 'earlier.message_superseded'::regclass"))
                .containsExactly("t");
        assertThat(query("select count(*) from earlier.message where size is null")).containsExactly("2");
    }

    @Test
    void buildsAnIndexAgainWhoseBuildFailed() throws Exception {
        migrateBesideASend(migration -> {
            assertThat(builds("pg_cancel_backend(pid)")).containsExactly("t");
            assertThatThrownBy(migration::get).hasMessageContaining("canceling statement");
        });
        assertThat(query("select version from earlier.flyway_schema_history where not success")).containsExactly("8");

        migrate("latest");

        assertThat(query("select indisvalid from pg_index where indexrelid = 'earlier.message_superseded'::regclass"))
                .containsExactly("t");
    }

    private interface Meanwhile {
        void run(Future<?> migration) throws Exception;
    }

    /** Migrates while a message of the version before is being sent, whose transaction ends after this step. */
    private Future<?> migrateBesideASend(Meanwhile step) throws Exception {
        migrate("7");
        try (Connection sends = database.getConnection(); ExecutorService thread = Executors.newSingleThreadExecutor()) {
            sends.setAutoCommit(false);
            try (Statement insert = sends.createStatement()) {
                insert.execute(message(1));
            }
            Future<?> migration = thread.submit(() -> migrate("latest"));
            await().until(() -> builds("1"), List.of("1")::equals);
            step.run(migration);
            sends.commit();
            sends.setAutoCommit(true);
            return migration;
        }
    }

    /** Of a build that waits for those who write. */
    private List<String> builds(String what) {
        return query("""
                select %s from pg_stat_activity
                where query like 'create index concurrently message_superseded%%' and wait_event_type = 'Lock'"""
                .formatted(what));
    }

    private String message(int position) {
        return """
                insert into earlier.message (id, conversation_id, position, role, parts, created_at)
                values ('%s', '%s', %d, 'user', '[]', now())""".formatted(UUID.randomUUID(), conversation, position);
    }
}
