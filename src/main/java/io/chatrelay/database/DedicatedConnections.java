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
 * Connections to the same database as those of a pool, and outside it. The journal keeps two of them: were they the pool's, a burst of
 * callers, or one connection that hangs while it is opened, would make the lease wait.
 */
public final class DedicatedConnections {

    /** Two are kept. One that is given up may be closing while the next is opened. */
    private static final int MOST = 4;
    /** Below the bound, so that who waits for a row is told so and keeps its connection. */
    private static final double LOCK_SHARE = 0.75;
    /** In bounds. A transaction whose connection was given up ends on the server before the lease does: the next try waits for its rows. */
    private static final int IDLE_BOUNDS = 2;

    private DedicatedConnections() {}

    /** @param bound of everything that is waited for while one is opened */
    public static AgroalDataSource like(AgroalDataSource pool, Duration bound) {
        AgroalConnectionFactoryConfiguration factory = pool.getConfiguration().connectionPoolConfiguration()
                .connectionFactoryConfiguration();
        // The data source by its constructor, as Quarkus does: looked up by its name it would be missing in a native executable.
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
                .initialSql("%s; set lock_timeout = %d; set idle_in_transaction_session_timeout = %d".formatted(
                        like.initialSql() == null ? "" : like.initialSql(), (long) (bound.toMillis() * LOCK_SHARE),
                        bound.toMillis() * IDLE_BOUNDS));
        like.credentials().forEach(own::credential);
        like.securityProviders().forEach(own::addSecurityProvider);
        Properties properties = like.jdbcProperties();
        properties.stringPropertyNames().forEach(name -> own.jdbcProperty(name, properties.getProperty(name)));
        // In seconds: the first takes fractions, the second whole ones.
        return own.jdbcProperty("loginTimeout", Double.toString(bound.toMillis() / 1e3)).jdbcProperty("socketTimeout",
                Long.toString(Math.max(1, bound.toSeconds())));
    }
}
