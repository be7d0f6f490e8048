package io.chatrelay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.chatrelay.config.Between;
import io.chatrelay.config.KnownSettings;
import io.chatrelay.config.KnownSettings.Setting;
import io.quarkus.runtime.configuration.DurationConverter;
import io.quarkus.runtime.configuration.MemorySize;
import io.quarkus.runtime.configuration.MemorySizeConverter;
import io.smallrye.config.EnvConfigSource;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;

/** What a wrong setting is answered before anything starts. Up to the database, which is not there. */
class StartCheckTest {

    private static final String DIGEST = "7e9f8fd111802be56c379d597842e29b2cebd35ff2133d431a49fa556a18704e";
    private static final String OTHER = "580843d03d2216ff1a275d0991bad66e4d1af871171d929e9de604b7959f9bca";
    private static final Set<Class<?>> MEASURES = Set.of(Duration.class, MemorySize.class, int.class, long.class);
    private static final String WELL = "no connection to the database jdbc:postgresql://127.0.0.1:1/chat could be made";

    private final Map<String, String> properties = new HashMap<>(Map.of(
            "chat-relay.upstreams.agents.kind", "agents", "chat-relay.upstreams.agents.url", "http://127.0.0.1:1/run",
            "chat-relay.upstreams.cloud.kind", "cloud", "chat-relay.upstreams.cloud.url", "http://127.0.0.1:1/v1",
            "chat-relay.access.keys.it.sha256", DIGEST, "chat-relay.access.keys.it.tenant", "it",
            "quarkus.datasource.jdbc.url", "jdbc:postgresql://127.0.0.1:1/chat", "quarkus.datasource.jdbc.max-size", "20"));
    private final Map<String, String> environment = new HashMap<>();

    /** What it says, and that it is one line. */
    private String said() {
        Throwable unfit = catchThrowable(() -> StartCheck.all(new SmallRyeConfigBuilder().addDefaultInterceptors()
                .addDiscoveredConverters().withSources(new PropertiesConfigSource(properties, "properties", 200),
                        new EnvConfigSource(environment, 300))));
        assertThat(unfit).isInstanceOf(StartCheck.Unfit.class);
        assertThat(unfit.getMessage().lines()).hasSize(1);
        assertThat(unfit.getMessage()).doesNotContain("Exception", DIGEST, OTHER);
        return unfit.getMessage();
    }

    private String said(String key, String value) {
        String before = properties.put(key, value);
        try {
            return said();
        } finally {
            if (before == null) {
                properties.remove(key);
            } else {
                properties.put(key, before);
            }
        }
    }

    private static Class<?> type(Setting setting) {
        String type = setting.reader().getGenericReturnType().getTypeName();
        return MEASURES.stream().filter(measure -> type.equals(measure.getName())
                || type.equals("%s<%s>".formatted(Optional.class.getName(), measure.getName()))).findFirst().orElse(null);
    }

    static Stream<Setting> measures() {
        return new KnownSettings(StartCheck.MAPPINGS).all().stream().filter(setting -> type(setting) != null);
    }

    @Test
    void aConfigurationThatIsWellComesAsFarAsTheDatabase() {
        assertThat(said()).startsWith(WELL);
    }

    @Test
    void everySettingIsKnown() {
        assertThat(measures().map(Setting::key)).hasSizeGreaterThan(40).contains("chat-relay.feed.concurrent-loads",
                "chat-relay.upstreams.<name>.max-frame", "chat-relay.access.stream-tokens.lifetime");
    }

    @Test
    void everyMeasureHasARange() {
        assertThat(measures()).allMatch(setting -> setting.reader().isAnnotationPresent(Between.class));
    }

    /** All of them at once, for each is looked at whatever the others are. */
    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void aMeasureOutOfItsRangeIsSaid(boolean less) {
        Map<String, String> sentences = new HashMap<>();
        measures().forEach(setting -> {
            Between range = setting.reader().getAnnotation(Between.class);
            String key = setting.key().replace("<name>", "agents");
            String value = less ? lessThan(range.least(), type(setting)) : moreThan(range.most(), type(setting));
            properties.put(key, value);
            sentences.put(key, "%s must be between %s and %s, and is %s.".formatted(key, range.least(), range.most(), value));
        });

        assertThat(said()).contains(sentences.values());
    }

    private static String lessThan(String least, Class<?> type) {
        return type == Duration.class ? DurationConverter.parseDuration(least).minusMillis(1).toString()
                : type == MemorySize.class ? bytes(least).subtract(BigInteger.ONE).toString()
                        : Long.toString(Long.parseLong(least) - 1);
    }

    private static String moreThan(String most, Class<?> type) {
        return type == Duration.class ? DurationConverter.parseDuration(most).plusMillis(1).toString()
                : type == MemorySize.class ? bytes(most).add(BigInteger.ONE).toString()
                        : Long.toString(Long.parseLong(most) + 1);
    }

    private static BigInteger bytes(String size) {
        return new MemorySizeConverter().convert(size).asBigInteger();
    }

    @ParameterizedTest
    @ValueSource(strings = { "chat-relay.journal.linger", "chat-relay.api.max-body", "chat-relay.feed.concurrent-loads",
            "chat-relay.upstreams.agents.max-frame" })
    void whatIsNoMeasureIsSaid(String key) {
        assertThat(said(key, "much")).contains(key, "much");
    }

    @ParameterizedTest
    @ValueSource(strings = { "chat-relay.access.keys.it.end-users", "chat-relay.access.oidc.end-users" })
    void aWordThatASettingDoesNotKnowIsSaid(String key) {
        assertThat(said(key, "some")).contains(key, "some");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
            "chat-relay.lease.renew-every | 4s | chat-relay.lease.renew-every must be at most three tenths of chat-relay.lease.duration, and they are 4s and 10s.",
            "chat-relay.lease.duration | 5s | chat-relay.lease.renew-every must be at most three tenths of chat-relay.lease.duration, and they are 2s and 5s.",
            "chat-relay.lease.absence | 299ms | chat-relay.lease.absence must be 0s (never) or at least 300ms, and is 299ms.",
            "quarkus.datasource.jdbc.max-size | 2 | chat-relay.feed.concurrent-loads must be less than quarkus.datasource.jdbc.max-size, and they are 2 and 2.",
            "chat-relay.api.max-body | 60M | chat-relay.api.max-body must be at most half of chat-relay.requests.max-memory, and they are 60M and 64M.",
            "chat-relay.journal.max-row | 8M | chat-relay.journal.max-row must be at most chat-relay.journal.max-batch, and they are 8M and 4M.",
            "chat-relay.journal.max-pending | 64K | chat-relay.journal.max-pending-per-turn must be at most chat-relay.journal.max-pending, and they are 256K and 64K.",
            "chat-relay.approvals.retry-backoff | 6s | chat-relay.approvals.retry-backoff must be at most chat-relay.approvals.max-backoff, and they are 6s and 5s.",
            "chat-relay.upstreams.cloud.max-frame | 9M | chat-relay.upstreams.cloud.max-frame must be at most chat-relay.turn.max-size, and they are 9M and 8M." })
    void whatIsNotWellTogetherIsSaid(String key, String value, String line) {
        assertThat(said(key, value)).isEqualTo(line);
    }

    @ParameterizedTest
    @ValueSource(
            strings = { "chat-relay.journal.lingr", "chat-relay.upstreams.agents.ulr", "chat-relay.upstreams.agents.url.path",
                    "chat-relay.access.keys.it.name", "chat-relay.turns.max-size" })
    void aKeyThatNobodyReadsIsRefused(String key) {
        assertThat(said(key, "1")).isEqualTo(key + " is no setting of this version. Look for a misspelling, or remove it.");
    }

    @ParameterizedTest
    @ValueSource(strings = { "chat-relay.upstreams.\"my.agents\".api-key", "chat-relay.upstreams.cloud.models[0]",
            "chat-relay.access.keys.it.on-running", "chat-relay.default-upstream" })
    void aKeyThatIsReadIsNot(String key) {
        assertThat(said(key, "cloud")).doesNotContain("no setting");
    }

    @Test
    void aVariableThatSetsNothingIsSaid() {
        environment.putAll(Map.of("CHAT_RELAY_JOURNAL_LINGR", "1ms", "CHAT_RELAY_JOURNAL_LINGER", "1ms",
                "CHAT_RELAY_UPSTREAMS_AGENTS_API_KEY", "secret", "CHAT_RELAY_ACCESS_KEYS__MY_SERVICE__TENANT", "my",
                "CHAT_RELAY_ACCESS_KEYS__MY_SERVICE__SHA256", OTHER, "CHAT_RELAY_UPSTREAMS_CLOUD_MODELS_0_", "m",
                "CHAT_RELAY_SERVICE_HOST", "10.0.0.1", "CHAT_RELAY_PORT_8080_TCP", "tcp://10.0.0.1:8080", "CHAT_RELAY_PORT",
                "x"));
        PrintStream console = System.err;
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        System.setErr(new PrintStream(printed, true, StandardCharsets.UTF_8));
        try {
            assertThat(said()).startsWith(WELL);
        } finally {
            System.setErr(console);
        }
        assertThat(printed.toString(StandardCharsets.UTF_8).lines()).containsExactly(
                "chat-relay: the environment variable CHAT_RELAY_JOURNAL_LINGR sets nothing in this version: is it misspelt?");
    }

    @Test
    void twoCallersOfOneKeyAreRefused() {
        properties.put("chat-relay.access.keys.other.sha256", DIGEST.toUpperCase());
        properties.put("chat-relay.access.keys.other.tenant", "other");

        assertThat(said()).contains("chat-relay.access.keys.it.sha256", "chat-relay.access.keys.other.sha256",
                "the same digest");
    }

    @Test
    void aCallerHasOneKeyOrSeveral() {
        assertThat(said("chat-relay.access.keys.it.sha256", DIGEST + "," + OTHER)).startsWith(WELL);
        assertThat(said("chat-relay.access.keys.it.sha256", DIGEST + ", " + OTHER)).startsWith(WELL);
        assertThat(said("chat-relay.access.keys.it.sha256[1]", OTHER)).doesNotContain("no setting");
    }

    @Test
    void nobodyWhoCouldCallIsSaid() {
        properties.remove("chat-relay.access.keys.it.sha256");
        properties.remove("chat-relay.access.keys.it.tenant");

        assertThat(said()).isEqualTo("no access key and no issuer is configured, so nobody could call it."
                + " Set chat-relay.access.keys.<caller>.sha256 and .tenant, or quarkus.oidc.auth-server-url and quarkus.oidc.token.audience.");
        properties.put("quarkus.oidc.token.audience", "chat-relay");
        properties.put("quarkus.oidc.auth-server-url", "https://issuer.example/realms/all");
        assertThat(said()).as("an issuer is enough").startsWith(WELL);
        assertThat(said("quarkus.oidc.tenant-enabled", "false")).startsWith("no access key and no issuer is configured");
    }

    @Test
    void anIssuerWhoseTokensAreForAnyServiceIsRefused() {
        assertThat(said("quarkus.oidc.auth-server-url", "https://issuer.example"))
                .startsWith("quarkus.oidc.auth-server-url is set, but quarkus.oidc.token.audience is not");
        assertThat(said("quarkus.oidc.auth-server-url", "issuer.example"))
                .isEqualTo("quarkus.oidc.auth-server-url must be an http or https URL.");
        assertThat(said("chat-relay.access.oidc.tenant-claim", " ")).contains("chat-relay.access.oidc.tenant-claim");
    }

    @ParameterizedTest
    @ValueSource(strings = { "it-key", DIGEST + ",it-key", "it-key," + OTHER, DIGEST + ",12," + OTHER + ",it-key" })
    void aDigestThatIsNoneIsRefusedAndNotShown(String digests) {
        assertThat(said("chat-relay.access.keys.it.sha256", digests))
                .isEqualTo("chat-relay.access.keys.it.sha256 must be a SHA-256 digest: 64 hexadecimal digits.");
    }

    @Test
    void oneKeyTwiceIsRefused() {
        assertThat(said("chat-relay.access.keys.it.sha256", DIGEST + "," + DIGEST.toUpperCase()))
                .isEqualTo("chat-relay.access.keys.it.sha256 has the same digest twice.");
        properties.put("chat-relay.access.keys.other.sha256", OTHER + "," + DIGEST);
        properties.put("chat-relay.access.keys.other.tenant", "other");

        assertThat(said()).contains("chat-relay.access.keys.it.sha256", "chat-relay.access.keys.other.sha256",
                "the same digest");
    }

    @ParameterizedTest
    @ValueSource(strings = { "admin", "chat,admin", "" })
    void aRoleThatIsNoneIsRefused(String roles) {
        assertThat(said("chat-relay.access.keys.it.roles", roles)).contains("chat-relay.access.keys.it.roles");
    }

    @Test
    void aSettingWithoutAValueIsSaid() {
        assertThat(said("chat-relay.access.keys.it.roles", ""))
                .isEqualTo("chat-relay.access.keys.it.roles is empty. Give it a value, or remove it.");
    }

    @Test
    void oneUpstreamUnderTwoNamesIsRefused() {
        properties.put("chat-relay.upstreams.Agents.kind", "agents");
        properties.put("chat-relay.upstreams.Agents.url", "http://127.0.0.1:1/run");

        assertThat(said()).contains("chat-relay.upstreams.agents", "chat-relay.upstreams.Agents", "the same name");
    }

    @Test
    void oneModelOfTwoUpstreamsIsRefused() {
        properties.put("chat-relay.upstreams.cloud.models", "best,agents");

        assertThat(said()).isEqualTo("chat-relay.upstreams.cloud.models: 'agents' names the upstream 'agents' as well.");
    }

    @Test
    void aTlsConfigurationThatDoesNotExistIsSaid() {
        properties.put("chat-relay.upstreams.agents.url", "https://127.0.0.1:1/run");
        assertThat(said("chat-relay.upstreams.agents.tls-configuration-name", "inside")).isEqualTo(
                "chat-relay.upstreams.agents.tls-configuration-name is 'inside', and there is no quarkus.tls.inside.* setting.");

        properties.put("chat-relay.upstreams.agents.tls-configuration-name", "inside");
        assertThat(said("quarkus.tls.inside.trust-store.pem.certs", "ca.pem")).startsWith(WELL);
        assertThat(said("quarkus.tls.\"inside\".trust-all", "true")).startsWith(WELL);
        environment.put("QUARKUS_TLS_INSIDE_TRUST_STORE_PEM_CERTS", "ca.pem");
        assertThat(said()).startsWith(WELL);
        assertThat(said("chat-relay.upstreams.agents.url", "http://127.0.0.1:1/run")).isEqualTo(
                "chat-relay.upstreams.agents.tls-configuration-name needs an https URL in chat-relay.upstreams.agents.url.");
    }

    /** Two levels of a setting and two words of a name look the same with single ones. */
    @ParameterizedTest
    @CsvSource({ "CHAT_RELAY_ACCESS_KEYS_MY_SERVICE_SHA256, CHAT_RELAY_ACCESS_KEYS__MY_SERVICE__SHA256",
            "CHAT_RELAY_UPSTREAMS_OUR_OWN_AGENTS_URL, CHAT_RELAY_UPSTREAMS__OUR_OWN_AGENTS__URL",
            "CHAT_RELAY_UPSTREAMS_MY_AGENTS_API_KEY, CHAT_RELAY_UPSTREAMS__MY_AGENTS__API_KEY",
            "CHAT_RELAY_UPSTREAMS_MY_AGENTS_MODELS_0_, CHAT_RELAY_UPSTREAMS__MY_AGENTS__MODELS_0_" })
    void aNameOfSeveralWordsInSingleUnderscoresIsSaid(String variable, String meant) {
        environment.put(variable, "secret-value");
        assertThat(said()).isEqualTo(
                "the environment variable %s sets nothing: a name of several words stands in double underscores, %s."
                        .formatted(variable, meant));
    }

    @Test
    void whatVariablesSetIsNotTakenForAName() {
        environment.putAll(Map.of("CHAT_RELAY_ACCESS_KEYS_BACKEND_SHA256", OTHER, "CHAT_RELAY_ACCESS_KEYS_BACKEND_TENANT", "t",
                "CHAT_RELAY_UPSTREAMS_AGENTS_API_KEY", "key", "CHAT_RELAY_UPSTREAMS_AGENTS_MAX_FRAME", "1M",
                "CHAT_RELAY_UPSTREAMS__MY_AGENTS__KIND", "agents", "CHAT_RELAY_UPSTREAMS__MY_AGENTS__URL", "http://a/run",
                "CHAT_RELAY_UPSTREAMS_CLOUD_MODELS_0_", "gpt", "CHAT_RELAY_ACCESS_KEYS_IT_ON_DISCONNECT", "cancel"));
        assertThat(said()).startsWith(WELL);
    }

    @Test
    void aProxyConfigurationThatDoesNotExistIsSaid() {
        assertThat(said("chat-relay.upstreams.cloud.proxy-configuration-name", "none")).startsWith(WELL);
        properties.put("chat-relay.upstreams.cloud.proxy-configuration-name", "out");
        String line = "chat-relay.upstreams.cloud.proxy-configuration-name is 'out', and quarkus.proxy.out.host is not set.";
        assertThat(said()).isEqualTo(line);
        assertThat(said("quarkus.proxy.out.port", "3128")).isEqualTo(line);
        assertThat(said("quarkus.proxy.out.host", "proxy")).startsWith(WELL);
    }

    @ParameterizedTest
    @ValueSource(
            strings = { "jdbc:postgresql://ann:secret@127.0.0.1:1/chat", "jdbc:postgresql://127.0.0.1:1/chat?password=secret",
                    "jdbc:postgresql://ann:secret@/chat?user=ann&password=secret", "jdbc:other://ann:secret@db/chat" })
    void aPasswordInTheUrlIsNotPrinted(String url) {
        assertThat(said("quarkus.datasource.jdbc.url", url)).startsWith("no connection to the database jdbc:")
                .doesNotContain("secret");
    }

    @Test
    void theNewestMigrationIsTheOneThatTheCheckKnows() throws Exception {
        try (Stream<Path> files = Files.list(Path.of("src/main/resources/db/migration"))) {
            assertThat(files.map(file -> file.getFileName().toString()).filter(name -> name.matches("V\\d+__.*"))
                    .mapToInt(name -> Integer.parseInt(name.substring(1, name.indexOf("__")))).max())
                    .hasValue(StartCheck.SCHEMA);
        }
    }
}
