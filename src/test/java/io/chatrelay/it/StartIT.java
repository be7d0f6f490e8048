package io.chatrelay.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.it.Postgres;
import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.RelayProcess.Setup;
import io.chatrelay.support.it.TestPostgres;

/** What an operator forgot is one line on the console that says what to set, and exit code 1. */
@Order(12)
class StartIT {

    private static final TestPostgres DATABASE = TestPostgres.fresh();
    private static final DateTimeFormatter TIME = DateTimeFormatter.ISO_OFFSET_DATE_TIME;

    static Stream<Arguments> starts() {
        return Stream.of(
                start("no upstream", setup -> setup.without("chat-relay.upstreams"),
                        "no upstream is configured. Set chat-relay.upstreams.<name>.kind, .url and .api-key."),
                start("an upstream without a URL", setup -> setup.without("chat-relay.upstreams.agents.url"),
                        "chat-relay.upstreams.agents.url is required"),
                start("an upstream of no kind", setup -> setup.with("chat-relay.upstreams.agents.kind", "gpt"),
                        "chat-relay.upstreams.agents.kind"),
                start("an upstream that is no URL", setup -> setup.with("chat-relay.upstreams.agents.url", "inkeep:3003"),
                        "chat-relay.upstreams.agents.url must be an http or https URL"),
                start("a default upstream that nobody configured", setup -> setup.with("chat-relay.default-upstream", "nobody"),
                        "chat-relay.default-upstream is 'nobody', which is not configured. Set it to one of: agents, cloud."),
                start("the emulator of dev mode", setup -> setup.with("chatrelay-dev.emulator.enabled", true),
                        "chatrelay-dev.emulator.enabled is a setting of dev mode. Start the emulator beside the service"),
                start("no access key", setup -> setup.without("chat-relay.access"),
                        "Set chat-relay.access.keys.<caller>.sha256 and .tenant, or quarkus.oidc.auth-server-url and quarkus.oidc.token.audience."),
                start("a digest that is none", setup -> setup.with("chat-relay.access.keys.it.sha256", "it-key"),
                        "chat-relay.access.keys.it.sha256 must be a SHA-256 digest: 64 hexadecimal digits."),
                start("a word for a caller's leaving that is none",
                        setup -> setup.with("chat-relay.access.keys.it.on-disconnect", "stop"),
                        "chat-relay.access.keys.it.on-disconnect"),
                start("a word for a running turn that is none",
                        setup -> setup.with("chat-relay.access.keys.it.on-running", "wait"),
                        "chat-relay.access.keys.it.on-running"),
                start("no database", setup -> setup.without("quarkus.datasource"),
                        "no database is configured. Set quarkus.datasource.jdbc.url,"),
                start("a database that is not there",
                        setup -> setup.with("quarkus.datasource.jdbc.url",
                                "jdbc:postgresql://127.0.0.1:1/chat?password=secret"),
                        "no connection to the database jdbc:postgresql://127.0.0.1:1/chat could be made"),
                start("a duration that is none", setup -> setup.with("chat-relay.lease.duration", "ten seconds"),
                        "chat-relay.lease.duration"),
                start("a database that the server does not have",
                        setup -> setup.with("quarkus.datasource.jdbc.url", DATABASE.url().replaceFirst("[^/]*$", "nowhere")),
                        "FATAL: database \"nowhere\" does not exist). Check quarkus.datasource.jdbc.url"),
                start("a user that the database does not know", setup -> setup.with("quarkus.datasource.username", "nobody"),
                        "quarkus.datasource.username and .password."));
    }

    private static Arguments start(String name, UnaryOperator<Setup> with, String line) {
        return Arguments.of(name, with, line);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("starts")
    void endsWithOneLine(String name, UnaryOperator<Setup> with, String line) {
        assertThatItEnds(with, line);
    }

    private static void assertThatItEnds(UnaryOperator<Setup> with, String line) {
        Setup complete = RelayProcess.unconfigured().quick().database(DATABASE)
                .upstreams(URI.create("http://127.0.0.1:1/run"), URI.create("http://127.0.0.1:1/v1")).key();

        try (RelayProcess relay = with.apply(complete).launch()) {
            assertThat(relay.exitCode()).isEqualTo(1);
            assertThat(relay.output().lines()).singleElement().asString().startsWith("chat-relay cannot start: ")
                    .contains(line).doesNotContain("Exception", "secret");
        }
    }

    @Test
    void aPasswordThatIsWrongIsSaid() throws IOException {
        // The server trusts whoever is on this machine; this user it asks.
        Path rules = Path.of(DATABASE.text("show hba_file"));
        String before = Files.readString(rules);
        DATABASE.execute("create role asked login password 'right'");
        Files.writeString(rules, "host all asked all scram-sha-256\n" + before);
        DATABASE.execute("select pg_reload_conf()");

        assertThatItEnds(
                setup -> setup.with("quarkus.datasource.username", "asked").with("quarkus.datasource.password", "secret"),
                "(FATAL: password authentication failed for user \"asked\"). Check quarkus.datasource.jdbc.url,"
                        + " quarkus.datasource.username and .password.");
    }

    @ParameterizedTest
    @ValueSource(strings = { "quarkus.http.port", "quarkus.management.port" })
    void aPortThatAnotherProcessHasIsSaid(String setting) throws IOException {
        try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertThatItEnds(setup -> setup.with(setting, other.getLocalPort()), "port %d of 127.0.0.1 cannot be opened"
                    .formatted(other.getLocalPort()) + " (Address already in use). Stop what listens there, or set " + setting);
        }
    }

    /** The replicas that run go on; one that starts is of the wrong version. */
    @Test
    void aDatabaseThatALaterVersionMigratedIsSaid() {
        TestPostgres later = TestPostgres.fresh();
        later.execute("create table flyway_schema_history (installed_rank int, version varchar(50), success boolean)");
        later.execute(
                "insert into flyway_schema_history values (1, '1', true), (2, '1000', true), (3, null, true), (4, '2000', false)");
        Setup complete = RelayProcess.unconfigured().quick().database(later)
                .upstreams(URI.create("http://127.0.0.1:1/run"), URI.create("http://127.0.0.1:1/v1")).key();

        try (RelayProcess relay = complete.launch()) {
            assertThat(relay.exitCode()).isEqualTo(1);
            assertThat(relay.output().lines()).singleElement().asString()
                    .startsWith(
                            "chat-relay cannot start: the database has schema version 1000, and this version of the service knows ")
                    .contains("Start that version");
        }
    }

    /** As a deployment is tried without a key of Inkeep. What is said is in no line of the log, at DEBUG either. */
    @Test
    void isServedByAnEmulatorThatRunsBesideIt() {
        try (EmulatorProcess inkeep = EmulatorProcess.start();
                RelayProcess relay = RelayProcess.unconfigured().quick().database(TestPostgres.fresh()).key()
                        .upstreams(inkeep.at("/run"), inkeep.at("/v1")).agents("legacy", inkeep.at("/legacy"))
                        .with("quarkus.log.level", "DEBUG").start()) {
            RelayClient client = new RelayClient(relay);
            for (String upstream : List.of("agents", "legacy", "cloud")) {
                assertThat(client.chat(upstream, "of-" + upstream, "echo hi there").awaitEnd().answer()).as(upstream)
                        .isEqualTo("hi there");
            }
            assertThat(relay.output()).doesNotContain("hi there", RelayClient.KEY, Postgres.PASSWORD + "\"");
            List<JsonNode> lines = relay.log();
            assertThat(lines).hasSize((int) relay.output().lines().count());
            assertThat(lines).extracting(line -> line.path("level").asText()).contains("DEBUG", "INFO");
            assertThat(lines)
                    .allSatisfy(line -> assertThat(Instant.from(TIME.parse(line.path("timestamp").asText()))).isNotNull());
            assertThat(lines.stream().filter(line -> line.path("message").asText().contains(": request="))).hasSize(3)
                    .allSatisfy(line -> {
                        assertThat(line.path("message").asText()).contains(" caller=it ", "conversation=of-",
                                "request=" + line.at("/mdc/requestId").asText(), line.at("/mdc/turnId").asText());
                        assertThat(line.at("/mdc/requestId").asText()).isNotEmpty();
                        assertThat(line.at("/mdc/conversationId").asText()).startsWith("of-");
                    });
        }
    }
}
