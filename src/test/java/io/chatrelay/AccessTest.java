package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.UUID;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.quarkus.test.junit.QuarkusTest;

/** Who may see what. */
@QuarkusTest
class AccessTest extends ServiceTest {

    @Nested
    class AStranger {

        @ParameterizedTest
        @CsvSource({ "GET, /run/v1/conversations", "GET, /run/v1/conversations/x", "GET, /run/v1/conversations/x/messages",
                "GET, /run/v1/conversations/x/stream", "GET, /run/api/chat/x/stream", "GET, /run/v1/models",
                "DELETE, /run/v1/conversations/x", "GET, /run/unknown", "PUT, /run/api/chat", "GET, /run" })
        void getsNothingButA401WhateverHeAsks(String method, String path) {
            for (Relay stranger : List.of(relay().with("authorization", null), new Relay(base, "no-such-key"),
                    relay().with("authorization", "Basic ZGV2LWtleTo="), relay().with("authorization", "dev-key"),
                    relay().with("authorization", "Bearer"), relay().with("authorization", "Bearer "))) {
                Relay.Answer refused = stranger.answer(method, path, java.net.http.HttpRequest.BodyPublishers.noBody());

                assertError(path, refused, 401, "unauthorized");
                assertThat(refused.header("www-authenticate")).startsWith("Bearer");
            }
        }

        @ParameterizedTest
        @ValueSource(strings = { "/run//v1/models", "/run;a=b/v1/models", "/run/v1;x/models;y=z", "/%72un/v1/m%6fdels",
                "/run/v1/models/", "/q/%2e%2e/run/v1/models", "/q;/%2e%2e/run/v1/models" })
        void findsNoSpellingThatGoesRoundIt(String path) {
            assertError("/run/v1/models", relay().with("authorization", null).get(path), 401, "unauthorized");
            assertThat(relay().get(path).status()).as("the path is that of a resource").isEqualTo(200);
        }

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void isRefusedBeforeHisBodyIsLookedAt(String path) {
            String text = "echo " + mark();

            Relay.Answer refused = new Relay(base, "no-such-key").post(path, "{");
            Relay.Answer alsoRefused = new Relay(base, "no-such-key").post(path, Json.ask(text));

            assertError(path, refused, 401, "unauthorized");
            assertThat(refused.header("www-authenticate")).startsWith("Bearer");
            assertError(path, alsoRefused, 401, "unauthorized");
            assertThat(emulator().asked(text)).isEmpty();
        }

        @ParameterizedTest
        @ValueSource(strings = { "/run/test/failed", "/run/test/unauthorized" })
        void isToldTheSameWhereQuarkusItselfRefuses(String path) {
            Relay.Answer refused = relay().get(path);

            assertError(path, refused, 401, "unauthorized");
            assertThat(refused.header("www-authenticate")).startsWith("Bearer");
        }

        @ParameterizedTest
        @ValueSource(strings = { "/q/health", "/q/health/live", "/q/health/ready" })
        void maySeeThatTheServiceIsWell(String path) {
            assertThat(relay().with("authorization", null).get(path).status()).isEqualTo(200);
        }
    }

    @Nested
    class AnotherTenant {

        @Test
        void doesNotFindWhatIsNotIts() {
            String mark = mark();
            Sse mine = relay().send(CHAT, Json.ask(newId(), "slow 250 " + mark)).until(2);
            String path = CONVERSATIONS + "/" + mine.conversation();

            assertError(path, other().get(path), 404, "not_found");
            assertError(path, other().get(path + "/messages"), 404, "not_found");
            assertError(path, other().get(path + "/stream"), 404, "not_found");
            assertError(path, other().get(path + "/stream?turn=" + mine.turn()), 404, "not_found");
            assertError(path, other().get(path + "/stream?after=1"), 404, "not_found");
            assertThat(other().get(CHAT + "/" + mine.conversation() + "/stream").status()).as("as of a chat that is new")
                    .isEqualTo(204);
            assertError(path, other().patch(path, Json.of("{'title':'mine'}")), 404, "not_found");
            assertError(path, other().delete(path), 404, "not_found");
            emulator().hurry(mark);
            assertThat(mine.toEnd().done()).isTrue();
            assertThat(relay().get(path).json().path("title").isMissingNode()).isTrue();
        }

        @Test
        void doesNotReachATurnThroughAConversationOfItsOwn() {
            Sse mine = relay().send(CHAT, Json.ask("echo secret")).toEnd();
            Sse theirs = other().send(CHAT, Json.ask("echo hello")).toEnd();

            assertError(CONVERSATIONS, other().get(CONVERSATIONS + "/" + theirs.conversation() + "/stream?turn=" + mine.turn()),
                    404, "not_found");
        }

        @Test
        void doesNotSeeItInItsList() {
            String mine = relay().send(CHAT, Json.ask("echo hello")).toEnd().conversation();

            assertThat(Json.each(other().get(CONVERSATIONS + "?limit=100").json().path("data"), "/id")).doesNotContain(mine);
            assertThat(Json.each(relay().get(CONVERSATIONS + "?limit=100").json().path("data"), "/id")).contains(mine);
        }

        @Test
        void mayUseTheSameNameAndMeetsNobody() {
            String id = newId();
            String mark = mark();
            Sse mine = relay().send(CHAT, Json.ask(id, "slow 250 " + mark)).until(2);

            Sse theirs = other().send(CHAT, Json.ask(id, "slow 250 " + mark)).until(2);

            assertThat(theirs.status()).as("a turn of another tenant is not running here").isEqualTo(200);
            assertThat(theirs.turn()).isNotEqualTo(mine.turn());
            assertThat(other().delete(CONVERSATIONS + "/" + id).status()).isEqualTo(409);
            emulator().hurry(mark);
            mine.toEnd();
            theirs.toEnd();
            List<JsonNode> asked = emulator().asked(mark);
            assertThat(Json.each(asked, "/body/conversationId")).hasSize(2).doesNotHaveDuplicates().doesNotContain(id)
                    .allSatisfy(conversation -> assertThat(UUID.fromString(conversation)).isNotNull());
            assertThat(Json.each(asked, "/body/messages/0/id")).hasSize(2).doesNotHaveDuplicates()
                    .allSatisfy(message -> assertThat(UUID.fromString(message)).isNotNull());

            other().delete(CONVERSATIONS + "/" + id);
            assertThat(messages(id)).hasSize(2);
        }
    }

    @Nested
    class Inkeep {

        @Test
        void isGivenOurIdsAndOurKeyAlone() {
            String mark = mark();
            relay().send(CHAT,
                    Json.of("{'id':'my-chat-%1$s','messages':[{'id':'my-message','role':'user','parts':[{'type':'text',"
                            .formatted(mark) + "'text':'echo %s'}]}]}".formatted(mark)))
                    .toEnd();

            JsonNode asked = emulator().asked(mark).getFirst();
            assertThat(asked.toString()).doesNotContain("my-chat", "my-message", "dev-key");
            assertThat(asked.at("/headers/authorization").asText()).hasSize(64);
        }
    }
}
