package io.chatrelay.database;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

import jakarta.inject.Singleton;

import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.MigrationInfo;
import org.flywaydb.core.api.callback.BaseCallback;
import org.flywaydb.core.api.callback.Context;
import org.flywaydb.core.api.callback.Event;
import org.flywaydb.core.api.configuration.FluentConfiguration;
import org.flywaydb.database.postgresql.PostgreSQLConfigurationExtension;

import io.quarkus.flyway.FlywayConfigurationCustomizer;

/**
 * How the schema is migrated while the last version's replicas serve: an index of a large table is built {@code concurrently}, which takes as
 * long as the table is large, and keeps nobody waiting.
 */
@Singleton
class MigrationSettings implements FlywayConfigurationCustomizer {

    private static final int FOR_EVER = -1;
    /** What such a migration's description begins with. */
    private static final String CONCURRENT = "indexes of";

    @Override
    public void customize(FluentConfiguration configuration) {
        // Flyway's other lock is a transaction, which such a build waits for: each would wait for the other.
        configuration.getConfigurationExtension(PostgreSQLConfigurationExtension.class).setTransactionalLock(false);
        // Replicas that start meanwhile wait for the one that migrates, and do not give up.
        configuration.lockRetryCount(FOR_EVER);
        configuration.callbacks(new Unhurried(), new Retried());
    }

    /** Only a build that keeps nobody waiting may take its time, and it can be begun anew: it drops first what an earlier one left. */
    private static boolean isConcurrent(MigrationInfo migration) {
        return migration.getDescription().startsWith(CONCURRENT);
    }

    /**
     * A build outside a transaction that failed (its statement was cancelled, say, or the disk was full) leaves a row that says so, and no
     * process would start until somebody removes it: the next start removes it, and tries again. Replicas that waited meanwhile fail with it.
     */
    private static final class Retried extends BaseCallback {

        private static final String HISTORY = """
                select format('%I.%I', schemaname, tablename) from pg_tables
                where schemaname = current_schema() and tablename = ?""";

        @Override
        public boolean supports(Event event, Context context) {
            return event == Event.BEFORE_VALIDATE;
        }

        @Override
        public void handle(Event event, Context context) {
            try (PreparedStatement select = context.getConnection().prepareStatement(HISTORY)) {
                select.setString(1, context.getConfiguration().getTable());
                try (ResultSet table = select.executeQuery(); Statement delete = context.getConnection().createStatement()) {
                    if (table.next()) {
                        delete.executeUpdate("delete from %s where not success and description like '%s%%'"
                                .formatted(table.getString(1), CONCURRENT));
                    }
                }
            } catch (SQLException e) {
                throw new FlywayException(e);
            }
        }
    }

    /** A build may outlast the bounds that are on every other statement of the pool's connections, for those are short. */
    private static final class Unhurried extends BaseCallback {

        private int networkTimeout;
        private String lockTimeout;
        private String statementTimeout;

        @Override
        public boolean supports(Event event, Context context) {
            return event == Event.BEFORE_EACH_MIGRATE || event == Event.AFTER_EACH_MIGRATE
                    || event == Event.AFTER_EACH_MIGRATE_ERROR;
        }

        @Override
        public void handle(Event event, Context context) {
            if (!isConcurrent(context.getMigrationInfo())) {
                return;
            }
            try {
                if (event == Event.BEFORE_EACH_MIGRATE) {
                    lift(context.getConnection());
                } else {
                    restore(context.getConnection());
                }
            } catch (SQLException e) {
                throw new FlywayException(e);
            }
        }

        private void lift(Connection connection) throws SQLException {
            networkTimeout = connection.getNetworkTimeout();
            connection.setNetworkTimeout(Runnable::run, 0);
            try (Statement statement = connection.createStatement();
                    ResultSet row = statement
                            .executeQuery(
                                    """
                                            select current_setting('lock_timeout'), set_config('lock_timeout', '0', false),
                                                   current_setting('statement_timeout'), set_config('statement_timeout', '0', false)""")) {
                row.next();
                lockTimeout = row.getString(1);
                statementTimeout = row.getString(3);
            }
        }

        private void restore(Connection connection) throws SQLException {
            connection.setNetworkTimeout(Runnable::run, networkTimeout);
            try (PreparedStatement statement = connection.prepareStatement(
                    "select set_config('lock_timeout', ?, false), set_config('statement_timeout', ?, false)")) {
                statement.setString(1, lockTimeout);
                statement.setString(2, statementTimeout);
                statement.execute();
            }
        }
    }
}
