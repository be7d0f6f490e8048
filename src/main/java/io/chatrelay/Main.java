package io.chatrelay;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Properties;
import java.util.stream.Collectors;

import io.chatrelay.access.AccessConfig;
import io.chatrelay.inkeep.UpstreamsConfig;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.annotations.QuarkusMain;
import io.quarkus.runtime.configuration.ConfigUtils;
import io.smallrye.config.ConfigValidationException;
import io.smallrye.config.SmallRyeConfig;

/**
 * Starts the service. In production what an operator has to set is looked at first: what is missing is one line on the console and
 * exit code 1, and not a stack trace out of whatever needed it first. In dev and test whatever is missing is stood in for.
 */
@QuarkusMain
public final class Main {

    /** What keeps the service from starting, in one line that says what to set. */
    private static final class Unfit extends Exception {
        private static final long serialVersionUID = 1;

        Unfit(String reason) {
            // One line, without the names and numbers that libraries put before what they say.
            super(reason.replaceAll("\\s+", " ").replaceAll("([a-z]+\\.)+[A-Za-z]+Exception: |SRCFG\\d+: ", "")
                    .replace("threw an Exception whilst being converted", "is not valid:").strip(), null, false, false);
        }
    }

    /** Asked for by name, the emulator stands in for Inkeep in production too: to try a deployment without a key. */
    private static final String EMULATOR = "chatrelay-dev.emulator.enabled";
    private static final String DATABASE = "quarkus.datasource.jdbc.url";
    private static final String CONNECT_SECONDS = "5";

    Main() {}

    public static void main(String... args) {
        if (isPackaged()) {
            try {
                check();
            } catch (Unfit e) {
                System.err.println("chat-relay cannot start: " + e.getMessage());
                System.exit(1);
            }
        }
        Quarkus.run(args);
    }

    /** Quarkus tells its launch mode only once it starts; but dev and test load the service with a class loader of their own. */
    private static boolean isPackaged() {
        return !Main.class.getClassLoader().getClass().getName().startsWith("io.quarkus.bootstrap.classloading.");
    }

    private static void check() throws Unfit {
        try {
            // The sources are the service's own; the mappings of its other rooms are none of this check's business.
            SmallRyeConfig config = ConfigUtils.configBuilder().withMapping(UpstreamsConfig.class)
                    .withMapping(AccessConfig.class).withMappingIgnore("chat-relay.**").build();
            if (!config.getOptionalValue(EMULATOR, Boolean.class).orElse(false)) {
                upstreams(config.getConfigMapping(UpstreamsConfig.class));
            }
            access(config.getConfigMapping(AccessConfig.class));
            database(config);
        } catch (ConfigValidationException e) {
            throw new Unfit(e.getProblemCount() == 0 ? "its configuration is not valid" : e.getProblem(0).getMessage() + ".");
        } catch (IllegalArgumentException | NoSuchElementException e) {
            throw new Unfit(String.valueOf(e.getMessage()));
        }
    }

    private static void upstreams(UpstreamsConfig config) throws Unfit {
        if (config.upstreams().isEmpty()) {
            throw new Unfit("no upstream is configured. Set chat-relay.upstreams.<name>.kind, .url and .api-key.");
        }
        String named = config.defaultUpstream().orElse(null);
        if (named != null && !config.upstreams().containsKey(named)) {
            throw new Unfit("chat-relay.default-upstream is '%s', which is not configured. Set it to one of: %s."
                    .formatted(named, config.upstreams().keySet().stream().sorted().collect(Collectors.joining(", "))));
        }
        for (Map.Entry<String, UpstreamsConfig.UpstreamConfig> upstream : config.upstreams().entrySet()) {
            String scheme = upstream.getValue().url().getScheme();
            if (upstream.getValue().url().getHost() == null || !("http".equals(scheme) || "https".equals(scheme))) {
                throw new Unfit("chat-relay.upstreams.%s.url must be an http or https URL.".formatted(upstream.getKey()));
            }
        }
    }

    private static void access(AccessConfig config) throws Unfit {
        if (config.keys().isEmpty()) {
            throw new Unfit("no access key is configured, so nobody could call it."
                    + " Set chat-relay.access.keys.<caller>.sha256 and .tenant.");
        }
        for (Map.Entry<String, AccessConfig.Key> key : config.keys().entrySet()) {
            if (!key.getValue().sha256().matches(AccessConfig.SHA256)) {
                throw new Unfit("chat-relay.access.keys.%s.sha256 must be a SHA-256 digest: 64 hexadecimal digits."
                        .formatted(key.getKey()));
            }
        }
    }

    /** Once, and not for long: whoever starts the service starts it again. */
    private static void database(SmallRyeConfig config) throws Unfit {
        String url = config.getOptionalValue(DATABASE, String.class).orElseThrow(() -> new Unfit(
                "no database is configured. Set " + DATABASE + ", quarkus.datasource.username and .password."));
        Properties login = new Properties();
        value(config, "quarkus.datasource.username").ifPresent(name -> login.setProperty("user", name));
        value(config, "quarkus.datasource.password").ifPresent(word -> login.setProperty("password", word));
        login.setProperty("loginTimeout", CONNECT_SECONDS);
        login.setProperty("connectTimeout", CONNECT_SECONDS);
        login.setProperty("socketTimeout", CONNECT_SECONDS);
        try (Connection connection = DriverManager.getConnection(url, login)) {
            connection.isValid(Integer.parseInt(CONNECT_SECONDS));
        } catch (SQLException e) {
            // What follows the question mark may hold a password.
            throw new Unfit(
                    "no connection to the database %s could be made (%s). Check %s, quarkus.datasource.username and .password."
                            .formatted(url.replaceAll("\\?.*", ""), e.getMessage(), DATABASE));
        }
    }

    private static Optional<String> value(SmallRyeConfig config, String name) {
        return config.getOptionalValue(name, String.class);
    }
}
