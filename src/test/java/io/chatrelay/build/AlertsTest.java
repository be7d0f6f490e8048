package io.chatrelay.build;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.clients.Installed;

/** The alerts of {@code docker/prometheus}: Prometheus' own tool accepts them, each fires when it should, and each is explained. */
class AlertsTest {

    private static final Path FOLDER = Path.of("docker/prometheus");

    private static List<JsonNode> alerts() {
        return Yaml.document(FOLDER.resolve("alerts.yml")).path("groups").valueStream()
                .flatMap(group -> group.path("rules").valueStream()).toList();
    }

    static Stream<String> names() {
        return alerts().stream().map(alert -> alert.path("alert").asText());
    }

    @ParameterizedTest
    @ValueSource(strings = { "check config prometheus.yml", "check rules alerts.yml", "test rules alerts.test.yml" })
    void promtoolAccepts(String command) throws IOException, InterruptedException {
        String program = Installed.PROMTOOL.require();

        Process process = new ProcessBuilder(Stream.concat(Stream.of(program), Stream.of(command.split(" "))).toList())
                .directory(FOLDER.toFile()).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(process.waitFor()).as(output).isZero();
        assertThat(output).contains("SUCCESS");
    }

    @ParameterizedTest
    @MethodSource("names")
    void eachFiresInItsTest(String alert) {
        assertThat(Yaml.document(FOLDER.resolve("alerts.test.yml")).path("tests").valueStream()
                .flatMap(test -> test.path("alert_rule_test").valueStream())
                .filter(test -> test.path("alertname").asText().equals(alert)))
                .anyMatch(test -> !test.path("exp_alerts").isEmpty());
    }

    @Test
    void eachIsExplained() throws IOException {
        String documented = Files.readString(Path.of("docs/operations.md"));

        assertThat(alerts()).isNotEmpty().allSatisfy(alert -> {
            String name = alert.path("alert").asText();
            assertThat(alert.at("/annotations/runbook").asText())
                    .isEqualTo("docs/operations.md#" + name.toLowerCase(Locale.ROOT));
            assertThat(documented).contains("\n### " + name + "\n");
            assertThat(alert.at("/labels/severity").asText()).isIn("page", "ticket");
            assertThat(alert.at("/annotations/summary").asText()).isNotEmpty();
        });
    }
}
