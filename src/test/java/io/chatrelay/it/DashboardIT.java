package io.chatrelay.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.dev.InkeepEmulator;
import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.clients.Installed;
import io.chatrelay.support.it.Prometheus;
import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.TestPostgres;
import io.chatrelay.support.it.WaitingTurn;

/** What an operator looks at: each panel of the dashboard shows something while the service is used, and Prometheus understands each alert. */
@Order(15)
class DashboardIT {

    private static final Path DASHBOARD = Path.of("docker/grafana/dashboards/chat-relay.json");

    @Test
    void noPanelIsEmptyAndEveryAlertIsUnderstood() throws IOException {
        Installed.PROMETHEUS.require();
        List<String> queries = queries();
        assertThat(queries).hasSizeGreaterThan(20);
        try (InkeepEmulator inkeep = new InkeepEmulator(RelayClient.VERTX).listen(0);
                RelayProcess relay = RelayProcess.on(TestPostgres.fresh(), inkeep)
                        .with("chat-relay.access.keys.limited.sha256", sha256("limited-key"))
                        .with("chat-relay.access.keys.limited.tenant", "limited")
                        .with("chat-relay.limits.callers.limited.requests-per-second", 1).start();
                Prometheus prometheus = Prometheus.of(relay)) {
            RelayClient client = new RelayClient(relay);
            Relay limited = new Relay(relay.api(), "limited-key");
            new WaitingTurn(client, "agents", "use tool delete_file").awaitAsked(client, 1);

            Awaitility.await().atMost(Duration.ofSeconds(90)).pollInterval(Duration.ofMillis(500)).untilAsserted(() -> {
                for (String upstream : List.of("agents", "cloud")) {
                    assertThat(client.chat(upstream, "dashboard-" + UUID.randomUUID(), "echo hi").awaitEnd().answer())
                            .isEqualTo("hi");
                    limited.get(Relay.CONVERSATIONS);
                }
                assertThat(queries.stream().filter(query -> isEmpty(prometheus.query(query)))).isEmpty();
                assertThat(prometheus.query("chat_relay_approvals_oldest_seconds").at("/0/value/1").asDouble()).isPositive();
            });
            Awaitility.await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> assertThat(rules(prometheus)).isNotEmpty()
                    .allSatisfy(rule -> assertThat(rule.path("health").asText()).as(rule.toString()).isEqualTo("ok")));
            assertThat(rules(prometheus)).as("nothing is wrong").allSatisfy(rule -> assertThat(rule.path("state").asText())
                    .as(rule.toString()).isNotEqualTo("firing"));
        }
    }

    private static String sha256(String key) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static List<String> queries() throws IOException {
        List<String> queries = new ArrayList<>();
        Json.read(Files.readString(DASHBOARD)).path("panels").forEach(panel -> panel.path("targets")
                .forEach(target -> queries.add(target.path("expr").asText().replace("$__rate_interval", "20s"))));
        return queries;
    }

    private static List<JsonNode> rules(Prometheus prometheus) {
        return prometheus.rules().valueStream().flatMap(group -> group.path("rules").valueStream()).toList();
    }

    /** A quotient of nothing by nothing shows nothing either. */
    private static boolean isEmpty(JsonNode series) {
        return series.valueStream().allMatch(each -> each.at("/value/1").asText().equals("NaN"));
    }
}
