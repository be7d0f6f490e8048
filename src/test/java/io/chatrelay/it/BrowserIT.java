package io.chatrelay.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.dev.InkeepEmulator;
import io.chatrelay.support.Json;
import io.chatrelay.support.clients.Docs;
import io.chatrelay.support.clients.Installed;
import io.chatrelay.support.clients.Node;
import io.chatrelay.support.it.RelayClient;
import io.chatrelay.support.it.RelayProcess;
import io.chatrelay.support.it.TestPostgres;

/**
 * The documented pages in Chromium, on another origin than the service. One browser does everything at once, each thing in a tab of its
 * own; the tests look at what a user would have seen.
 */
@Order(9)
class BrowserIT {

    private static final long PATIENCE_SECONDS = 200;
    private static JsonNode results;

    @BeforeAll
    static void browse() {
        String chromium = Installed.CHROMIUM.require();
        Node.require();
        Path docs = Path.of("target/docs-clients").toAbsolutePath();
        Docs.write("usechat.md", docs);
        Docs.write("eventsource.md", docs);
        Docs.write("widget.md", docs);
        try (InkeepEmulator inkeep = new InkeepEmulator(RelayClient.VERTX).listen(0);
                RelayProcess service = RelayProcess.on(TestPostgres.fresh(), inkeep)
                        .with("chat-relay.default-upstream", "agents").with("quarkus.http.cors.enabled", true)
                        .with("quarkus.http.cors.origins", "/http://localhost:[0-9]+/").start()) {
            results = Node.run(PATIENCE_SECONDS, "browser.mjs", service.api().toString(), RelayClient.KEY, docs.toString(),
                    "--chromium", chromium);
        }
    }

    @AfterAll
    static void forget() {
        results = null;
    }

    /** What is shown as code is what the pages are made of. */
    @Test
    void everyFileOfThePagesIsRun() {
        assertThat(Docs.files("usechat.md")).containsOnlyKeys("transport.js", "Conversation.jsx", "history.js");
        assertThat(Docs.files("eventsource.md")).containsOnlyKeys("ticket.mjs", "follow.js", "ask.js");
        assertThat(Docs.files("widget.md")).containsOnlyKeys("Widget.jsx");
    }

    private static JsonNode seen(String where, String scenario) {
        JsonNode seen = results.path(where).path(scenario);
        assertThat(seen.isObject()).as(scenario).isTrue();
        assertThat(seen.path("failed").asText()).as(seen.toString()).isEmpty();
        return seen;
    }

    private static String whole() {
        return results.path("whole").asText();
    }

    private static void assertShows(JsonNode seen, String... messages) {
        assertThat(seen.path("messages")).as(seen.toString()).extracting(BrowserIT::told).containsExactly(messages);
        assertThat(seen.path("status").asText()).isEqualTo("ready");
        assertThat(seen.path("error").isNull()).isTrue();
        if (seen.has("stored")) {
            assertThat(seen.path("stored")).as("what is shown is what is stored").extracting(BrowserIT::told)
                    .containsExactly(messages);
            assertThat(Json.each(seen.path("stored"), "/id")).isEqualTo(Json.each(seen.path("messages"), "/id"));
        }
    }

    private static void assertQuiet(JsonNode seen) {
        assertThat(seen.path("complaints")).as("what is on the console").isEmpty();
    }

    private static String told(JsonNode message) {
        return message.path("role").asText() + ": " + message.path("text").asText();
    }

    @Nested
    @ParameterizedClass(name = "{0}")
    @ValueSource(strings = { "ai 6", "ai 7" })
    class UseChat {

        private final String version;

        UseChat(String version) {
            this.version = version;
        }

        private JsonNode seen(String scenario) {
            return BrowserIT.seen(version, scenario);
        }

        @Test
        void beginsAChatThatItTriedToTakeUp() {
            JsonNode seen = seen("newChat");

            assertThat(seen.path("resumedWith").asInt()).isEqualTo(204);
            assertShows(seen.path("atFirst"));
            assertShows(seen, "user: echo one two", "assistant: one two");
            assertQuiet(seen);
        }

        @Test
        void stopsAndSendsAgain() {
            JsonNode seen = seen("stopThenSend");

            String partial = seen.at("/messages/1/text").asText();
            assertThat(whole()).startsWith(partial).isNotEqualTo(partial);
            assertShows(seen, "user: slow 1000", "assistant: " + partial, "user: echo after", "assistant: after");
            assertQuiet(seen);
        }

        @Test
        void isReloadedInMidAnswer() {
            JsonNode seen = seen("reloadInMidAnswer");

            assertShows(seen, "user: slow 250", "assistant: " + whole());
            assertQuiet(seen);
        }

        @Test
        void isReloadedAfterTheAnswer() {
            JsonNode seen = seen("reloadAfterTheAnswer");

            assertShows(seen, "user: echo one two", "assistant: one two");
            assertQuiet(seen);
        }

        @Test
        void approvesAfterAReload() {
            JsonNode seen = seen("approveAfterReload");

            String answer = seen.at("/messages/1/text").asText();
            assertThat(answer).containsOnlyOnce("Tool said: {\"deleted\":");
            assertShows(seen, "user: use tool delete_file", "assistant: " + answer);
            assertThat(Json.each(seen.at("/messages/1/tools"), "")).containsExactly("delete_file: output-available");
            assertQuiet(seen);
        }

        @Test
        void comesBackAfterTheEndOfATurnThatItWasCutOffFrom() {
            JsonNode seen = seen("dropAndReturnAfterTheEnd");

            String partial = seen.at("/meanwhile/messages/1/text").asText();
            assertThat(seen.at("/meanwhile/status").asText()).as("it was really cut off").isEqualTo("error");
            assertThat(whole()).startsWith(partial).isNotEqualTo(partial);
            assertThat(seen.at("/meanwhile/error").isNull()).as("the user is not troubled").isTrue();
            assertShows(seen, "user: slow 400", "assistant: " + whole());
            assertThat(Json.each(seen.path("complaints"), "")).as("the network's alone").isNotEmpty()
                    .allMatch(complaint -> complaint.contains("net::ERR_"));
        }

        @Test
        void asksForAnotherAnswer() {
            JsonNode seen = seen("regenerate");

            assertShows(seen, "user: echo one two", "assistant: one two");
            assertQuiet(seen);
        }

        @Test
        void isOpenInTwoTabs() {
            JsonNode seen = seen("twoTabs");

            JsonNode other = seen.path("other");
            List<String> both = List.of("user: slow 250", "assistant: " + whole());
            assertThat(seen.path("messages")).as(seen.toString()).extracting(BrowserIT::told).isEqualTo(both);
            assertThat(seen.path("status").asText()).isEqualTo("ready");
            assertThat(seen.path("error").isNull()).isTrue();
            assertShows(other, both.get(0), both.get(1), "user: echo two", "assistant: two");
            assertThat(Json.each(other.path("messages"), "/id")).isEqualTo(Json.each(seen.path("stored"), "/id"));
            assertQuiet(seen);
            assertQuiet(other);
        }
    }

    @Nested
    class AnEventSource {

        private void assertWhole(JsonNode seen) {
            assertThat(seen.path("end").asText()).as(seen.toString()).isEqualTo("finish");
            assertThat(seen.path("text").asText()).isEqualTo(seen.at("/stored/1/text").asText()).contains("Tool said");
            List<String> ids = Json.each(seen.path("events"), "");
            assertThat(ids).as("each event once").hasSizeGreaterThan(5).doesNotHaveDuplicates();
            assertThat(ids.getFirst()).isEqualTo("1.1");
            assertThat(ids.getLast()).as("none is missing").isEqualTo("1." + ids.size());
            assertQuiet(seen);
        }

        @Test
        void readsOnAfterADropByTheSameToken() {
            JsonNode seen = seen("stream", "overADrop");

            assertWhole(seen);
            assertThat(seen.path("connections").asInt()).as("it was cut off").isGreaterThan(1);
            assertThat(seen.path("tickets").asInt()).isEqualTo(1);
        }

        @Test
        void readsOnByANewTokenOnceItsOwnHasExpired() {
            JsonNode seen = seen("stream", "overAnExpiry");

            assertWhole(seen);
            assertThat(seen.path("tickets").asInt()).isGreaterThan(1);
        }
    }

    @Nested
    class InkeepsWidget {

        private static void assertShows(JsonNode seen, String... messages) {
            assertThat(seen.path("messages")).as(seen.toString()).extracting(BrowserIT::told).containsExactly(messages);
            assertThat(seen.path("troubled").asBoolean()).as(seen.toString()).isFalse();
        }

        private static void assertStored(JsonNode seen, String... messages) {
            assertThat(seen.path("stored")).as("what is shown is what is stored").extracting(BrowserIT::told)
                    .containsExactly(messages);
        }

        @Test
        void asksAndIsReloaded() {
            JsonNode seen = seen("widget", "asksAndIsReloaded");

            String[] messages = { "user: echo one two", "assistant: one two", "user: echo three four",
                    "assistant: three four" };
            assertShows(seen.path("atFirst"), messages);
            assertShows(seen, messages);
            assertStored(seen, messages);
            assertThat(Json.each(seen.path("requests"), "")).isNotEmpty().allMatch(request -> request.endsWith(" 200"));
            assertQuiet(seen);
        }

        @Test
        void isReloadedInMidAnswer() {
            JsonNode seen = seen("widget", "isReloadedInMidAnswer");

            assertThat(seen.at("/meanwhile/messages/1/text").asText()).startsWith("This session was interrupted");
            assertShows(seen, "user: slow 900", "assistant: " + whole());
            assertStored(seen, "user: slow 900", "assistant: " + whole());
            assertQuiet(seen);
        }

        @Test
        void isCutOffAndReloadedAfterTheEnd() {
            JsonNode seen = seen("widget", "isCutOffAndReloadedAfterTheEnd");

            assertShows(seen, "user: slow 250", "assistant: " + whole());
            assertStored(seen, "user: slow 250", "assistant: " + whole());
        }

        @Test
        void stopsAndSendsAgain() {
            JsonNode seen = seen("widget", "stopsAndSendsAgain");

            String partial = seen.at("/messages/1/text").asText();
            assertThat(whole()).startsWith(partial).isNotEqualTo(partial);
            assertShows(seen, "user: slow 1000", "assistant: " + partial, "user: echo after", "assistant: after");
            assertQuiet(seen);
        }

        @Test
        void approvesAndIsReloaded() {
            JsonNode seen = seen("widget", "approvesAndIsReloaded");

            String told = seen.at("/messages/1/text").asText();
            assertThat(told).startsWith("Tool said: {\"deleted\":").containsOnlyOnce("Tool said");
            for (JsonNode shown : List.of(seen.path("atFirst"), seen)) {
                assertShows(shown, "user: use tool delete_file", "assistant: " + told);
                assertThat(Json.each(shown.at("/messages/1/tools"), "")).containsExactly("delete_file\nCOMPLETED");
            }
            assertQuiet(seen);
        }

        @Test
        void givesVotesToItsPage() {
            JsonNode seen = seen("widget", "votes");

            assertThat(Json.each(seen.path("votes"), "/type")).containsExactly("positive");
            assertThat(Json.each(seen.path("votes"), "/messageId")).containsExactly(seen.at("/stored/1/id").asText());
            assertShows(seen, "user: echo one two", "assistant: one two");
            assertQuiet(seen);
        }

        @Test
        void opensAConversationOfItsHistory() {
            JsonNode seen = seen("widget", "opensAConversationOfItsHistory");

            String[] messages = { "user: echo one two", "assistant: one two", "user: echo three four",
                    "assistant: three four" };
            assertShows(seen, messages);
            assertStored(seen, messages);
            assertThat(Json.each(seen.path("requests"), "")).as("what nobody here keeps")
                    .filteredOn(request -> !request.endsWith(" 200")).isNotEmpty()
                    .allMatch(request -> request.matches("POST /run/v1/(events|feedback) 404"));
            assertThat(Json.each(seen.path("complaints"), "")).as("the browser's alone")
                    .allMatch(complaint -> complaint.contains("404"));
        }
    }
}
