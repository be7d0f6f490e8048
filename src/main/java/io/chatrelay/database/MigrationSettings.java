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
 * Settings to migrate the schema while the previous version's replicas serve: an index of a large table is built {@code concurrently}, which takes
 * long for a large table, but blocks no other statement.
 */
@Singleton
class MigrationSettings implements FlywayConfigurationCustomizer {

    private static final int FOR_EVER = -1;
    /** Prefix of such a migration's description. */
    private static final String CONCURRENT = "indexes of";

    @Override
    public void customize(FluentConfiguration configuration) {
        // Flyway's other lock is a transaction, and a concurrent build waits for transactions: this would be a deadlock.
        configuration.getConfigurationExtension(PostgreSQLConfigurationExtension.class).setTransactionalLock(false);
        // Replicas that start meanwhile wait for the migrating replica without a limit.
        configuration.lockRetryCount(FOR_EVER);
        configuration.callbacks(new Unhurried(), new Retried());
    }

    /** Only a concurrent build may take long, and it can be repeated: it first drops the remains of an earlier build. */
    private static boolean isConcurrent(MigrationInfo migration) {
        return migration.getDescription().startsWith(CONCURRENT);
    }

    /**
     * A failed build outside a transaction (for example, its statement was cancelled, or the disk was full) leaves a failure row, which would prevent
     * every process from starting until an operator removes it. So the next start removes the row and retries. Replicas that waited meanwhile fail
     * with the build.
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

    /** A build may exceed the short time-outs of all other statements on the pool's connections. */
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
