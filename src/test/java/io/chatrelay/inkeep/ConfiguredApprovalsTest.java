package io.chatrelay.inkeep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.chatrelay.upstream.Upstream;
import io.chatrelay.upstream.Upstream.Approvals;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.quarkus.test.junit.QuarkusTest;

/** What an operator sets about approvals. */
@QuarkusTest
class ConfiguredApprovalsTest {

    private static ConfiguredUpstreams configured(String... settings) {
        UpstreamsConfig.UpstreamConfig one = ScriptedInkeep.config(URI.create("http://localhost:1/run"), settings);
        return new ConfiguredUpstreams(new UpstreamsConfig() {
            @Override
            public Optional<String> defaultUpstream() {
                return Optional.empty();
            }

            @Override
            public Map<String, UpstreamConfig> upstreams() {
                return Map.of("agents", one);
            }
        }, null, ScriptedInkeep.VERTX, null, _ -> Optional.empty());
    }

    private static Approvals approvals(String... settings) {
        ConfiguredUpstreams upstreams = configured(settings);
        Upstream upstream = upstreams.all().getFirst();
        upstreams.close();
        return upstream.approvals();
    }

    @Test
    void theWindowIsTheModesUnlessItIsSet() {
        assertThat(approvals()).isEqualTo(new Approvals(Duration.ofSeconds(240), false));
        assertThat(approvals("approvals", "legacy")).isEqualTo(new Approvals(Duration.ofSeconds(240), false));
        assertThat(approvals("execution-mode", "durable")).isEqualTo(new Approvals(Duration.ofMinutes(30), true));
        assertThat(approvals("approval-window", "90s").window()).isEqualTo(Duration.ofSeconds(90));
        assertThat(approvals("kind", "cloud")).isEqualTo(new Approvals(Duration.ZERO, false));
    }

    @ParameterizedTest
    @CsvSource({ "executions, classic, durable", "legacy, durable, classic" })
    void aWayThatTheModeDoesNotHaveIsRefusedAtTheStart(String approvals, String mode, String needed) {
        assertThatThrownBy(() -> configured("approvals", approvals, "execution-mode", mode))
                .isInstanceOf(ConfigurationException.class)
                .hasMessage("chat-relay.upstreams.agents.approvals: '%s' needs chat-relay.upstreams.agents.execution-mode=%s"
                        .formatted(approvals, needed));
    }
}
