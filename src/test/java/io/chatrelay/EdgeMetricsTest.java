package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.net.http.HttpRequest.BodyPublishers;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

import org.junit.jupiter.api.Test;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.quarkus.test.junit.QuarkusTest;

/** What a caller invents is no time series. */
@QuarkusTest
class EdgeMetricsTest extends ServiceTest {

    private static final String REQUESTS = "http_server_requests_seconds_count";

    private Set<String> series(String tag) {
        return relay().get("/q/metrics").body().lines().filter(line -> line.startsWith(REQUESTS))
                .map(line -> line.replaceAll(".*" + tag + "=\"([^\"]*)\".*", "$1"))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void inventedMethodsAndPathsMakeNoSeriesAndRealRoutesAreStillRecorded() {
        Relay stranger = relay().with("authorization", null);
        for (int i = 0; i < 150; i++) {
            String invented = mark();
            stranger.get("/run/v1/" + invented);
            relay().answer("X" + invented, CHAT, BodyPublishers.noBody());
        }
        String conversation = relay().send(CHAT, Json.ask("echo hi")).toEnd().conversation();
        relay().get(CONVERSATIONS + "/" + conversation + "/pending-approvals");

        await().untilAsserted(() -> assertThat(series("uri"))
                .contains("/run/v1/conversations/{id}/pending-approvals", "/run/api/chat", "other")
                .noneMatch(uri -> uri.matches("/run/v1/\\d+")).noneMatch(uri -> uri.contains(conversation)));
        assertThat(series("method")).contains("GET", "POST", "other").noneMatch(method -> method.startsWith("X"));
        assertThat(relay().get("/q/metrics").body().lines().filter(line -> line.startsWith(REQUESTS)).count())
                .as("whatever other tests asked").isLessThan(150);
    }

    @Test
    void everyDocumentedPathIsARoute() {
        List<String> documented = relay().with("accept", "application/json").get("/q/openapi?format=json").json().path("paths")
                .properties().stream().map(path -> path.getKey()).toList();

        assertThat(documented).isNotEmpty().allMatch(io.chatrelay.api.Routes::isKnown);
    }
}
