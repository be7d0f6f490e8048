package io.chatrelay;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Properties;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

import io.chatrelay.access.AccessConfig;
import io.chatrelay.access.ConnectionsConfig;
import io.chatrelay.api.ApiConfig;
import io.chatrelay.api.RequestsConfig;
import io.chatrelay.approval.ApprovalsConfig;
import io.chatrelay.approval.InboxConfig;
import io.chatrelay.cluster.LeaseConfig;
import io.chatrelay.config.HttpUrl;
import io.chatrelay.config.KnownSettings;
import io.chatrelay.conversation.ConversationConfig;
import io.chatrelay.conversation.HistoryConfig;
import io.chatrelay.conversation.PageConfig;
import io.chatrelay.database.DatabaseConfig;
import io.chatrelay.inkeep.UpstreamsConfig;
import io.chatrelay.inkeep.UpstreamsConfig.UpstreamConfig;
import io.chatrelay.journal.FeedConfig;
import io.chatrelay.journal.JournalConfig;
import io.chatrelay.limit.LimitsConfig;
import io.chatrelay.turn.AdmissionConfig;
import io.chatrelay.turn.QueueConfig;
import io.chatrelay.turn.ShutdownConfig;
import io.chatrelay.turn.TurnConfig;
import io.quarkus.runtime.annotations.RegisterForReflection;
import io.quarkus.runtime.configuration.ConfigUtils;
import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigValidationException;
import io.smallrye.config.SmallRyeConfig;
import io.smallrye.config.SmallRyeConfigBuilder;
import io.smallrye.config.common.utils.StringUtil;

/**
 * What an operator has to set, looked at before anything starts: what is missing or wrong is one line that names the key, and not a stack
 * trace out of whatever needed it first.
 */
@RegisterForReflection(targets = { UpstreamsConfig.class, UpstreamConfig.class, UpstreamConfig.BreakerConfig.class,
        UpstreamsConfig.ToolConfig.class,
        AccessConfig.class, AccessConfig.Key.class, AccessConfig.Oidc.class, AccessConfig.StreamTokens.class, ApiConfig.class,
        ApprovalsConfig.class, InboxConfig.class,
        HistoryConfig.class, ShutdownConfig.class, TurnConfig.class, QueueConfig.class, FeedConfig.class, JournalConfig.class,
        LeaseConfig.class, ConnectionsConfig.class, RequestsConfig.class, DatabaseConfig.class, ConversationConfig.class,
        PageConfig.class, LimitsConfig.class, LimitsConfig.OfCaller.class,
        LimitsConfig.Replica.class })
final class StartCheck {

    /** What keeps the service from starting, in one line that says what to set. */
    static final class Unfit extends Exception {
        private static final long serialVersionUID = 1;

        Unfit(String reason) {
            // One line, without the names and numbers that libraries put before what they say.
            super(reason.replaceAll("\\s+", " ").replaceAll("([a-z]+\\.)+[A-Za-z]+Exception: |SRCFG\\d+: ", "")
                    .replaceAll("The config property (\\S+) is defined as the empty String.*",
                            "$1 is empty. Give it a value, or remove it.")
                    .replace("threw an Exception whilst being converted", "is not valid:").strip(), null, false, false);
        }
    }

    static final List<Class<?>> MAPPINGS = List.of(UpstreamsConfig.class, AccessConfig.class, ApiConfig.class,
            ApprovalsConfig.class, InboxConfig.class, HistoryConfig.class, ShutdownConfig.class, TurnConfig.class,
            QueueConfig.class,
            FeedConfig.class,
            JournalConfig.class, LeaseConfig.class, ConnectionsConfig.class, RequestsConfig.class, DatabaseConfig.class,
            ConversationConfig.class, PageConfig.class, AdmissionConfig.class, LimitsConfig.class);

    /** Of the migrations that this version brings, the last. */
    static final int SCHEMA = 21;

    /** Dev mode's own: the packaged service has no emulator in it. */
    private static final String EMULATOR = "chatrelay-dev.emulator.enabled";
    private static final String DATABASE = "quarkus.datasource.jdbc.url";
    private static final String ISSUER = "quarkus.oidc.auth-server-url";
    private static final String AUDIENCE = "quarkus.oidc.token.audience";
    private static final String POOL = "quarkus.datasource.jdbc.max-size";
    /** Callers need one. The journal's own connections are not of the pool. */
    private static final int NOT_FOR_READERS = 1;
    /** Within it the others look at the database six times. */
    private static final Duration SHORTEST_ABSENCE = Duration.ofMillis(300);
    private static final String CONNECT_SECONDS = "5";
    private static final String ALL_ADDRESSES = "0.0.0.0";
    /** Quarkus' name for no proxy. */
    private static final String NO_PROXY = "none";
    private static final String NEWEST_MIGRATION = "select max(version::numeric)::text from flyway_schema_history"
            + " where success and version ~ '^[0-9]+$'";

    private StartCheck() {}

    /** With the service's own sources. */
    static void all() throws Unfit {
        all(ConfigUtils.configBuilder());
    }

    static void all(SmallRyeConfigBuilder sources) throws Unfit {
        try {
            MAPPINGS.forEach(sources::withMapping);
            // Said below, and under the name that the operator wrote.
            SmallRyeConfig config = sources.withMappingIgnore("chat-relay.**").build();
            settings(config);
            database(config);
            ports(config);
        } catch (ConfigValidationException e) {
            throw new Unfit(e.getProblemCount() == 0 ? "its configuration is not valid" : e.getProblem(0).getMessage() + ".");
        } catch (IllegalArgumentException | NoSuchElementException e) {
            throw new Unfit(String.valueOf(e.getMessage()));
        }
    }

    private static void settings(SmallRyeConfig config) throws Unfit {
        if (config.getOptionalValue(EMULATOR, Boolean.class).orElse(false)) {
            throw new Unfit(EMULATOR + " is a setting of dev mode. Start the emulator beside the service, as docker/README.md"
                    + " says, and set chat-relay.upstreams.<name>.url to its address.");
        }
        KnownSettings settings = new KnownSettings(MAPPINGS);
        // First: what they were to set is missing.
        refuse(settings.singleUnderscores(config).entrySet().stream()
                .map(each -> "the environment variable %s sets nothing: a name of several words stands in double underscores, %s."
                        .formatted(each.getKey(), each.getValue()))
                .toList());
        upstreams(config.getConfigMapping(UpstreamsConfig.class));
        refuse(unknownTransports(config));
        issuer(config);
        access(config.getConfigMapping(AccessConfig.class), hasIssuer(config));
        refuse(settings.invalid(config));
        refuse(settings.unknown(config).stream()
                .map("%s is no setting of this version. Look for a misspelling, or remove it."::formatted).toList());
        refuse(contradictions(config));
        // An environment is not ours alone: a variable may be meant for something else.
        settings.unknownVariables(config).forEach(name -> System.err
                .println("chat-relay: the environment variable %s sets nothing in this version: is it misspelt?"
                        .formatted(name)));
    }

    private static void refuse(List<String> reasons) throws Unfit {
        if (!reasons.isEmpty()) {
            throw new Unfit(String.join(" ", reasons));
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
        refuse(ambiguous(config.upstreams()));
    }

    /** Names that a caller's {@code model} does not tell apart, or that are one name written in two ways. */
    private static List<String> ambiguous(Map<String, UpstreamConfig> upstreams) {
        List<String> wrong = new ArrayList<>();
        Map<String, String> owners = new HashMap<>();
        Map<String, String> alike = new HashMap<>();
        upstreams.forEach((name, upstream) -> {
            String other = alike.putIfAbsent(name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "-"), name);
            if (other != null) {
                wrong.add("chat-relay.upstreams.%s and chat-relay.upstreams.%s are the same name, written in two ways."
                        .formatted(other, name));
            }
            owners.put(name, name);
        });
        upstreams.forEach((name, upstream) -> upstream.models().orElse(List.of()).forEach(model -> {
            String other = owners.putIfAbsent(model, name);
            if (other != null && !other.equals(name)) {
                wrong.add(
                        "chat-relay.upstreams.%s.models: '%s' names the upstream '%s' as well.".formatted(name, model, other));
            }
        }));
        return wrong;
    }

    /** Names of TLS and proxy configurations that do not exist. */
    private static List<String> unknownTransports(SmallRyeConfig config) {
        List<String> wrong = new ArrayList<>();
        config.getConfigMapping(UpstreamsConfig.class).upstreams().forEach((name, upstream) -> {
            String prefix = "chat-relay.upstreams." + name;
            upstream.tlsConfigurationName().ifPresent(tls -> {
                if (!isConfigured(config, "quarkus.tls.", tls, ".")) {
                    wrong.add("%s.tls-configuration-name is '%s', and there is no quarkus.tls.%s.* setting."
                            .formatted(prefix, tls, tls));
                } else if ("http".equals(upstream.url().getScheme())) {
                    wrong.add("%1$s.tls-configuration-name needs an https URL in %1$s.url.".formatted(prefix));
                }
            });
            upstream.proxyConfigurationName().filter(proxy -> !NO_PROXY.equals(proxy)).ifPresent(proxy -> {
                if (!isConfigured(config, "quarkus.proxy.", proxy, ".host")) {
                    wrong.add("%s.proxy-configuration-name is '%s', and quarkus.proxy.%s.host is not set."
                            .formatted(prefix, proxy, proxy));
                }
            });
        });
        return wrong;
    }

    /** Whether a property or an environment variable with this beginning is set for the name. */
    private static boolean isConfigured(SmallRyeConfig config, String prefix, String name, String rest) {
        List<String> keys = List.of(prefix + name + rest, prefix + '"' + name + '"' + rest);
        List<String> variables = keys.stream()
                .map(key -> StringUtil.replaceNonAlphanumericByUnderscores(key).toUpperCase(Locale.ROOT)).toList();
        return StreamSupport.stream(config.getPropertyNames().spliterator(), false)
                .anyMatch(set -> keys.stream().anyMatch(set::startsWith) || variables.stream().anyMatch(set::startsWith));
    }

    private static boolean hasIssuer(SmallRyeConfig config) {
        return value(config, ISSUER).isPresent()
                && config.getOptionalValue("quarkus.oidc.tenant-enabled", Boolean.class).orElse(true);
    }

    /** A token that the issuer made for another service must not be good for this one. */
    private static void issuer(SmallRyeConfig config) throws Unfit {
        if (hasIssuer(config)) {
            if (!HttpUrl.Validator.isHttpUrl(value(config, ISSUER).get())) {
                throw new Unfit(ISSUER + " must be an http or https URL.");
            }
            if (config.getOptionalValues(AUDIENCE, String.class).orElse(List.of()).isEmpty()) {
                throw new Unfit(("%s is set, but %s is not: a token that is meant for another service would be accepted."
                        + " Set it to the name that the tokens' claim aud has for this service.").formatted(ISSUER, AUDIENCE));
            }
        }
    }

    private static void access(AccessConfig config, boolean hasIssuer) throws Unfit {
        if (config.keys().isEmpty() && !hasIssuer) {
            throw new Unfit("no access key and no issuer is configured, so nobody could call it."
                    + " Set chat-relay.access.keys.<caller>.sha256 and .tenant, or %s and %s.".formatted(ISSUER, AUDIENCE));
        }
        Map<String, String> callers = new HashMap<>();
        for (Map.Entry<String, AccessConfig.Key> key : config.keys().entrySet()) {
            for (String digest : key.getValue().sha256()) {
                String other = callers.putIfAbsent(AccessConfig.canonical(digest), key.getKey());
                if (other != null) {
                    throw new Unfit(sameDigest(other, key.getKey()));
                }
            }
        }
    }

    private static String sameDigest(String one, String other) {
        return one.equals(other) ? "chat-relay.access.keys.%s.sha256 has the same digest twice.".formatted(one)
                : "chat-relay.access.keys.%s.sha256 and chat-relay.access.keys.%s.sha256 are the same digest, and a key has one caller."
                        .formatted(one, other);
    }

    /** Settings that are well by themselves, and not together. */
    private static List<String> contradictions(SmallRyeConfig config) {
        List<String> wrong = new ArrayList<>();
        LeaseConfig lease = config.getConfigMapping(LeaseConfig.class);
        // Three times is not enough: no renewal would count as in time, and nobody would ever take anything over.
        if (lease.renewEvery().multipliedBy(10).compareTo(lease.duration().multipliedBy(3)) > 0) {
            wrong.add(together(config, "chat-relay.lease.renew-every", "at most three tenths of", "chat-relay.lease.duration"));
        }
        if (lease.absence().isPositive() && lease.absence().compareTo(SHORTEST_ABSENCE) < 0) {
            wrong.add("chat-relay.lease.absence must be 0s (never) or at least %sms, and is %s."
                    .formatted(SHORTEST_ABSENCE.toMillis(), config.getConfigValue("chat-relay.lease.absence").getValue()));
        }
        JournalConfig journal = config.getConfigMapping(JournalConfig.class);
        if (isLarger(journal.maxRow(), journal.maxBatch())) {
            wrong.add(together(config, "chat-relay.journal.max-row", "at most", "chat-relay.journal.max-batch"));
        }
        if (isLarger(journal.maxPendingPerTurn(), journal.maxPending())) {
            wrong.add(together(config, "chat-relay.journal.max-pending-per-turn", "at most", "chat-relay.journal.max-pending"));
        }
        // A body counts by its bytes and by its values, and only a part of the memory is for the large ones.
        if (isLarger(config.getConfigMapping(ApiConfig.class).maxBody(),
                half(config.getConfigMapping(RequestsConfig.class).maxMemory()))) {
            wrong.add(together(config, "chat-relay.api.max-body", "at most half of", "chat-relay.requests.max-memory"));
        }
        ApprovalsConfig approvals = config.getConfigMapping(ApprovalsConfig.class);
        if (approvals.retryBackoff().compareTo(approvals.maxBackoff()) > 0) {
            wrong.add(together(config, "chat-relay.approvals.retry-backoff", "at most", "chat-relay.approvals.max-backoff"));
        }
        MemorySize turn = config.getConfigMapping(TurnConfig.class).maxSize();
        config.getConfigMapping(UpstreamsConfig.class).upstreams().forEach((name, upstream) -> {
            if (isLarger(upstream.maxFrame(), turn)) {
                wrong.add(together(config, "chat-relay.upstreams.%s.max-frame".formatted(name), "at most",
                        "chat-relay.turn.max-size"));
            }
        });
        int pool = config.getOptionalValue(POOL, Integer.class).orElse(Integer.MAX_VALUE);
        if (config.getConfigMapping(FeedConfig.class).concurrentLoads() > pool - NOT_FOR_READERS) {
            wrong.add(together(config, "chat-relay.feed.concurrent-loads", "less than", POOL));
        }
        return wrong;
    }

    private static MemorySize half(MemorySize size) {
        return new MemorySize(size.asBigInteger().shiftRight(1));
    }

    private static boolean isLarger(MemorySize one, MemorySize other) {
        return one.asBigInteger().compareTo(other.asBigInteger()) > 0;
    }

    private static String together(SmallRyeConfig config, String key, String relation, String other) {
        return "%s must be %s %s, and they are %s and %s.".formatted(key, relation, other,
                config.getConfigValue(key).getValue(),
                config.getConfigValue(other).getValue());
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
            schema(connection);
        } catch (SQLException e) {
            throw new Unfit(
                    "no connection to the database %s could be made (%s). Check %s, quarkus.datasource.username and .password."
                            .formatted(withoutSecrets(url), reason(e), DATABASE));
        }
    }

    /** Before the {@code @} and after the question mark there may be a password. */
    private static String withoutSecrets(String url) {
        return url.replaceAll("\\?.*", "").replaceAll("//[^/]*@", "//");
    }

    /** A driver that does not understand a URL quotes it. After the first line it says where in the server's source that was. */
    private static String reason(SQLException e) {
        String message = String.valueOf(e.getMessage());
        return message.contains("jdbc:") ? "it is no URL that the driver understands" : message.lines().findFirst().orElse("");
    }

    /**
     * A database that a later version has migrated. Its replicas go on with those of the version before that run, for a migration only adds;
     * but whoever starts an old version after that did so by mistake, and is told before it writes anything.
     */
    private static void schema(Connection connection) throws SQLException, Unfit {
        Optional<String> newest = newestMigration(connection);
        if (newest.isPresent() && Integer.parseInt(newest.get()) > SCHEMA) {
            throw new Unfit(
                    ("the database has schema version %s, and this version of the service knows %d: a later one has migrated it."
                            + " Start that version, or restore the database from before it.").formatted(newest.get(), SCHEMA));
        }
    }

    private static Optional<String> newestMigration(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet history = statement.executeQuery("select to_regclass('flyway_schema_history') is not null")) {
            if (!history.next() || !history.getBoolean(1)) {
                return Optional.empty();
            }
        }
        try (Statement statement = connection.createStatement(); ResultSet newest = statement.executeQuery(NEWEST_MIGRATION)) {
            return newest.next() ? Optional.ofNullable(newest.getString(1)) : Optional.empty();
        }
    }

    /** A port that another process has. The framework says so later, in several lines, and without the setting. */
    private static void ports(SmallRyeConfig config) throws Unfit {
        if (!config.getOptionalValue("quarkus.http.so-reuse-port", Boolean.class).orElse(false)) {
            port(config, "quarkus.http", 8080);
            port(config, "quarkus.management", 9000);
        }
    }

    private static void port(SmallRyeConfig config, String listener, int usual) throws Unfit {
        int port = config.getOptionalValue(listener + ".port", Integer.class).orElse(usual);
        String host = value(config, listener + ".host").orElse(ALL_ADDRESSES);
        try (ServerSocket socket = new ServerSocket()) {
            // As Netty does: a connection of the process before, which is not quite closed, is no listener.
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(host, port));
        } catch (IOException e) {
            throw new Unfit("port %2$d of %3$s cannot be opened (%4$s). Stop what listens there, or set %1$s.port or .host."
                    .formatted(listener, port, host, e.getMessage()));
        }
    }

    private static Optional<String> value(SmallRyeConfig config, String name) {
        return config.getOptionalValue(name, String.class);
    }
}
