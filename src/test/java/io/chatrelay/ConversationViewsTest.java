package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Sse;
import io.quarkus.test.junit.QuarkusTest;

/** A conversation as different clients want to see it at once. */
@QuarkusTest
class ConversationViewsTest extends ServiceTest {

    private final String id = newId();
    private final String path = CONVERSATIONS + "/" + id;

    private void say(String word) {
        relay().send(CHAT, Json.ask(id, "echo " + word)).toEnd();
    }

    @Nested
    class WithItsMessages {

        @Test
        void givesThemOldestFirstAndWhereInkeepsWidgetReadsThem() {
            say("one");
            say("two");

            JsonNode seen = relay().get(path + "?include=messages").json();

            assertThat(seen.path("messages")).extracting(Json::text).containsExactly("echo one", "one", "echo two", "two");
            assertThat(seen.at("/data/messages")).isEqualTo(seen.path("messages"));
            assertThat(seen.at("/data/id").asText()).isEqualTo(id);
            assertThat(seen.at("/messages/1/metadata/conversationId").asText()).isEqualTo(id);
        }

        @Test
        void givesThemToTheWidgetUnaskedAndToNobodyElse() {
            say("one");

            assertThat(relay().with("x-inkeep-app-id", "app_1").get(path).json().at("/data/messages")).hasSize(2);
            assertThat(relay().get(path).json().has("messages")).isFalse();
            assertThat(relay().get(path).json().has("data")).isFalse();
        }

        @Test
        void refusesWhatElseMayBeIncluded() {
            say("one");

            assertInvalid(path, relay().get(path + "?include=turns"), "include");
        }
    }

    @Nested
    class ItsMessagesInOrder {

        @BeforeEach
        void talk() {
            say("one");
            say("two");
            say("three");
        }

        private List<String> all(String order) {
            List<String> texts = new ArrayList<>();
            String cursor = "";
            while (cursor != null) {
                JsonNode page = relay().get(path + "/messages?limit=2&order=" + order + cursor).json();
                page.path("data").forEach(message -> texts.add(Json.text(message)));
                cursor = page.has("nextCursor") ? "&cursor=" + page.path("nextCursor").asText() : null;
            }
            return texts;
        }

        @Test
        void areTheSameFromBothEnds() {
            assertThat(all("asc")).containsExactly("echo one", "one", "echo two", "two", "echo three", "three")
                    .isEqualTo(all("desc").reversed());
        }

        @Test
        void goOnInTheOtherDirectionFromACursor() {
            String cursor = relay().get(path + "/messages?limit=2").json().path("nextCursor").asText();

            assertThat(relay().get(path + "/messages?order=asc&cursor=" + cursor).json().path("data")).extracting(Json::text)
                    .containsExactly("three");
            assertThat(relay().get(path + "/messages?order=asc&cursor=" + cursor).json().has("nextCursor")).isFalse();
        }

        @ParameterizedTest
        @CsvSource({ "order, up", "order, ASC", "cursor, x" })
        void areRefusedByTheParametersName(String name, String value) {
            assertInvalid(path, relay().get(path + "/messages?" + name + "=" + value), name);
        }
    }

    @Nested
    class ARunningTurn {

        @Test
        void saysTrulyHowManyEventsItHas() {
            Sse running = relay().send(CHAT, Json.ask(id, "silence 60000 " + mark())).untilText();
            String stored = query("select max(last) from turn_event where turn_id = ?::uuid", running.turn()).getFirst();

            JsonNode seen = relay().get(path).json().path("runningTurn");
            JsonNode conflict = relay().post(CHAT, Json.ask(id, "echo hi")).json().path("turn");
            JsonNode cancelled = relay().post(path + "/cancel", "").json();

            assertThat(seen.path("lastEvent").asLong()).isBetween(Long.parseLong(stored), Long.parseLong(stored) + 20)
                    .isPositive();
            assertThat(conflict.path("lastEvent").asLong()).isGreaterThanOrEqualTo(seen.path("lastEvent").asLong());
            assertThat(cancelled.path("lastEvent").asLong()).isGreaterThanOrEqualTo(seen.path("lastEvent").asLong());
        }
    }
}
