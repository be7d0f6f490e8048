package io.chatrelay.database;

import java.time.Duration;
import java.util.Properties;

import io.agroal.api.AgroalDataSource;
import io.agroal.api.configuration.AgroalConnectionFactoryConfiguration;
import io.agroal.api.configuration.AgroalDataSourceConfiguration.DataSourceImplementation;
import io.agroal.api.configuration.supplier.AgroalConnectionFactoryConfigurationSupplier;
import io.agroal.api.configuration.supplier.AgroalDataSourceConfigurationSupplier;
import io.agroal.pool.DataSource;

/**
 * Connections to the same database as a pool's, but outside the pool. The journal keeps three of them. With pool connections, a burst of callers, or
 * one connection that hangs while it is opened, would delay the lease.
 */
public final class DedicatedConnections {

    /** Three are kept. One that was discarded may still be closing while the next one is opened. */
    private static final int MOST = 6;
    /** Below the bound: a statement that waits for a row fails by this time-out and keeps its connection. */
    private static final double LOCK_SHARE = 0.75;
    /** In bounds. A transaction whose connection was discarded ends on the server before the lease expires: the next try waits for its rows. */
    private static final int IDLE_BOUNDS = 2;

    /**
     * Statements on these connections find rows by keys, whatever their arrays hold. They are not planned for each execution, because a plan for each
     * batch would cost more than the batch; and a table that is read as a whole only gets larger.
     */
    private static final String PLANS = "set plan_cache_mode = force_generic_plan; set enable_seqscan = off";

    private DedicatedConnections() {}

    /** @param bound of every wait while a connection is opened */
    public static AgroalDataSource like(AgroalDataSource pool, Duration bound) {
        AgroalConnectionFactoryConfiguration factory = pool.getConfiguration().connectionPoolConfiguration()
                .connectionFactoryConfiguration();
        // Created by its constructor, as Quarkus does: a lookup by name would not find it in a native executable.
        return new DataSource(new AgroalDataSourceConfigurationSupplier()
                .dataSourceImplementation(DataSourceImplementation.AGROAL_POOLLESS)
                .connectionPoolConfiguration(connections -> connections.maxSize(MOST).acquisitionTimeout(bound)
                        .connectionFactoryConfiguration(_ -> bounded(factory, bound)))
                .get());
    }

    private static AgroalConnectionFactoryConfigurationSupplier bounded(AgroalConnectionFactoryConfiguration like,
            Duration bound) {
        AgroalConnectionFactoryConfigurationSupplier own = new AgroalConnectionFactoryConfigurationSupplier()
                .jdbcUrl(like.jdbcUrl()).connectionProviderClass(like.connectionProviderClass()).principal(like.principal())
                .initialSql(
                        "%s; %s; set lock_timeout = %d; set idle_in_transaction_session_timeout = %d"
                                .formatted(
                                        like.initialSql() == null ? "" : like.initialSql(), PLANS,
                                        (long) (bound.toMillis() * LOCK_SHARE),
                                        bound.toMillis() * IDLE_BOUNDS));
        like.credentials().forEach(own::credential);
        like.securityProviders().forEach(own::addSecurityProvider);
        Properties properties = like.jdbcProperties();
        properties.stringPropertyNames().forEach(name -> own.jdbcProperty(name, properties.getProperty(name)));
        // In seconds: the first accepts fractions, the second only whole numbers.
        return own.jdbcProperty("loginTimeout", Double.toString(bound.toMillis() / 1e3)).jdbcProperty("socketTimeout",
                Long.toString(Math.max(1, bound.toSeconds())));
    }
}
