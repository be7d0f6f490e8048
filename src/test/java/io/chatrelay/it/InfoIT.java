package io.chatrelay.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;

import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.it.Postgres;
import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.TestPostgres;

/** An operator asks which version runs, on the management port; a caller of the API is not told. */
@Order(13)
class InfoIT {

    @Test
    void theManagementPortSaysWhichVersionRunsAndNothingSecret() throws Exception {
        try (RelayProcess relay = RelayProcess.unconfigured().quick().database(TestPostgres.fresh())
                .upstreams(URI.create("http://127.0.0.1:1/run"), URI.create("http://127.0.0.1:1/v1")).key().start()) {
            HttpResponse<String> told = get(relay.management(), null);

            assertThat(told.statusCode()).isEqualTo(200);
            JsonNode info = Json.read(told.body());
            assertThat(info.properties()).extracting(section -> section.getKey()).isSubsetOf("build", "git", "java", "os");
            assertThat(info.at("/build/name").asText()).isEqualTo("chat-relay");
            assertThat(relay.output()).contains("chat-relay " + info.at("/build/version").asText() + " on JVM");
            assertThat(info.at("/build/quarkusVersion").asText()).isNotEmpty();
            assertThat(info.at("/java/version").asText()).isEqualTo(System.getProperty("java.version"));
            assertThat(info.at("/os/name").asText()).isEqualTo(System.getProperty("os.name"));
            assertThat(told.body()).doesNotContain(RelayClient.KEY, RelayClient.KEY_SHA256, "emulator-key", Postgres.PASSWORD,
                    "jdbc:", "127.0.0.1", "@");

            assertThat(get(relay.api(), null).statusCode()).isEqualTo(401);
            assertThat(get(relay.api(), "Bearer " + RelayClient.KEY).statusCode()).isEqualTo(404);
        }
    }

    private static HttpResponse<String> get(URI port, String authorization) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(port.resolve("/q/info"));
        if (authorization != null) {
            request.header("authorization", authorization);
        }
        try (HttpClient http = HttpClient.newHttpClient()) {
            return http.send(request.build(), BodyHandlers.ofString());
        }
    }
}
