package io.chatrelay.dev;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;

import org.eclipse.microprofile.config.spi.ConfigSource;

import io.smallrye.config.ConfigSourceContext;
import io.smallrye.config.ConfigSourceFactory;
import io.smallrye.config.PropertiesConfigSource;

/**
 * In dev and test, gives the datasource an embedded PostgreSQL 18 where no container engine runs; where one does, it
 * gives nothing, and Quarkus Dev Services start a container. A configured {@code quarkus.datasource.jdbc.url} always
 * wins; the packaged service is without this source.
 *
 * <p>It is a configuration source because the choice between Dev Services and a given URL is made from configuration,
 * before any bean exists. Both class loaders of dev mode ask it; the system property makes the database one for the JVM.
 */
public final class DevDatabase implements ConfigSourceFactory {

    private static final String URL = "quarkus.datasource.jdbc.url";
    private static final String STARTED = "chatrelay-dev.database-url";

    @Override
    public Iterable<ConfigSource> getConfigSources(ConfigSourceContext context) {
        List<String> profiles = context.getProfiles();
        boolean local = profiles.contains("dev") || profiles.contains("test");
        String configured = context.getValue(URL).getValue();
        if (!local || configured != null || ContainerEngine.isRunning()) {
            return List.of();
        }
        synchronized (DevDatabase.class) {
            String url = System.getProperty(STARTED);
            if (url == null) {
                url = start(profiles.contains("test"));
                System.setProperty(STARTED, url);
            }
            return List.of(new PropertiesConfigSource(Map.of(URL, url, "quarkus.datasource.username", "postgres",
                    "quarkus.datasource.password", "postgres"), "embedded PostgreSQL", 50));
        }
    }

    private static String start(boolean test) {
        try {
            return EmbeddedDatabase.start(test);
        } catch (IOException e) {
            throw new UncheckedIOException("The embedded PostgreSQL did not start. Set " + URL
                    + ", or start a container engine.", e);
        }
    }
}
