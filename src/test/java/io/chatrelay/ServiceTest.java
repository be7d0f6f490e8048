package io.chatrelay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.net.URI;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;

import javax.sql.DataSource;

import jakarta.inject.Inject;

import org.awaitility.Awaitility;
import org.eclipse.microprofile.config.inject.ConfigProperty;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.Relay;
import io.chatrelay.support.access.IssuerResource;
import io.chatrelay.support.inkeep.Emulator;
import io.chatrelay.support.inkeep.EmulatorResource;
import io.chatrelay.support.inkeep.TestUpstreams;
import io.quarkus.test.common.QuarkusTestResource;
import io.quarkus.test.common.http.TestHTTPResource;

/** What every test of the running service has at hand. */
@QuarkusTestResource(TestUpstreams.class)
@QuarkusTestResource(IssuerResource.class)
public abstract class ServiceTest {

    static {
        // By default it looks after a tenth of a second, and ten times in one: most of what is awaited is there before.
        Awaitility.setDefaultPollDelay(Duration.ZERO);
        Awaitility.setDefaultPollInterval(Duration.ofMillis(20));
    }

    @TestHTTPResource("/")
    protected URI base;

    @Inject
    protected DataSource database;

    @ConfigProperty(name = EmulatorResource.ADDRESS)
    URI emulator;

    /** The caller of the tenant {@code dev}. */
    protected Relay relay() {
        return new Relay(base, "dev-key");
    }

    /** The caller of the tenant {@code other}. */
    protected Relay other() {
        return new Relay(base, "other-key");
    }

    protected Emulator emulator() {
        return new Emulator(emulator);
    }

    /** An id that no other test has. */
    protected static String newId() {
        return "c-" + UUID.randomUUID();
    }

    /** Digits that no other test has: the emulator takes them for one more number of a keyword, and its log is searched by them. */
    protected static String mark() {
        return Integer.toString(ThreadLocalRandom.current().nextInt(100_000_000, 1_000_000_000));
    }

    /** The conversation's messages, oldest first. */
    protected List<JsonNode> messages(String conversation) {
        List<JsonNode> messages = new ArrayList<>();
        JsonNode page = relay().get(Relay.CONVERSATIONS + "/" + conversation + "/messages?limit=100").json();
        page.path("data").forEach(messages::add);
        return messages.reversed();
    }

    /** Waits until no turn runs in the conversation. */
    protected void awaitEnd(String conversation) {
        await("the turn's end").atMost(Duration.ofSeconds(30)).until(
                () -> relay().get(Relay.CONVERSATIONS + "/" + conversation).json().path("runningTurn").isMissingNode());
    }

    /** The first column of a query, as text. */
    protected List<String> query(String sql, Object... parameters) {
        try (Connection connection = database.getConnection();
                PreparedStatement select = connection.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                select.setObject(i + 1, parameters[i]);
            }
            List<String> rows = new ArrayList<>();
            try (ResultSet found = select.executeQuery()) {
                while (found.next()) {
                    rows.add(found.getString(1));
                }
            }
            return rows;
        } catch (SQLException e) {
            throw new AssertionError(sql, e);
        }
    }

    protected void execute(String sql, Object... parameters) {
        try (Connection connection = database.getConnection();
                PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < parameters.length; i++) {
                statement.setObject(i + 1, parameters[i]);
            }
            statement.execute();
        } catch (SQLException e) {
            throw new AssertionError(sql, e);
        }
    }

    /** How a turn stands in the table: its state, and the code of its failure. */
    protected String turn(String id) {
        return query("select concat_ws(' ', state, error_code) from turn where id = ?::uuid", id).getFirst();
    }

    /** An error as its path documents it. */
    protected static void assertError(String path, Relay.Answer answer, int status, String code) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(status);
        JsonNode body = answer.json();
        assertThat(body.path("code").asText()).isEqualTo(code);
        assertThat(body.path("status").asInt()).isEqualTo(status);
        assertThat(body.path("detail").asText()).isNotBlank();
        assertThat(body.path("requestId").asText()).isNotBlank().isEqualTo(answer.header("x-request-id"));
        if (path.startsWith(Relay.COMPLETIONS) || path.startsWith("/run/v1/models") || path.startsWith("/run/v1/responses")) {
            assertThat(answer.header("content-type")).startsWith("application/json");
            assertThat(body.at("/error/message").asText()).isEqualTo(body.path("detail").asText());
            assertThat(body.at("/error/code").asText()).isEqualTo(code);
            assertThat(body.at("/error/type").asText()).isEqualTo(switch (status) {
                case 401 -> "authentication_error";
                case 403 -> "permission_error";
                case 429 -> "rate_limit_error";
                default -> status < 500 ? "invalid_request_error" : "server_error";
            });
            assertThat(body.path("error").has("param")).isTrue();
            assertThat(body.path("message").asText()).isEqualTo(body.path("detail").asText());
            assertThat(body.path("details").isArray()).isTrue();
        } else {
            assertThat(answer.header("content-type")).startsWith("application/problem+json");
            assertThat(body.at("/error/code").asText()).isEqualTo(code);
            assertThat(body.at("/error/message").asText()).isEqualTo(body.path("detail").asText());
            assertThat(body.path("title").asText()).isNotBlank();
        }
    }

    /** A 400 that names the field. */
    protected static void assertInvalid(String path, Relay.Answer answer, String field) {
        assertError(path, answer, 400, "bad_request");
        assertThat(answer.json().path("field").asText()).isEqualTo(field);
        assertThat(answer.json().path("detail").asText()).startsWith(field + " ");
        if (path.startsWith(Relay.COMPLETIONS)) {
            assertThat(answer.json().at("/error/param").asText()).isEqualTo(field);
            assertThat(answer.json().at("/details/0/field").asText()).isEqualTo(field);
            assertThat(answer.json().at("/details/0/message").asText()).isNotBlank();
        }
    }
}
