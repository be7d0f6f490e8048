package io.chatrelay;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.clients.Node;
import io.quarkus.test.junit.QuarkusTest;

/** The AI SDK's own chat, in every version that is installed, with an app that lets its user approve and does nothing else. */
@QuarkusTest
class ApprovalClientsTest extends ServiceTest {

    private static final List<List<String>> DIALOGUES = List.of(
            List.of("decide", "use tool delete_file", "yes"),
            List.of("decide", "use tool delete_file", "no:keep it"),
            List.of("decide", "use both approvals", "yes", "no"),
            List.of("decide", "use three in turn", "yes", "no", "yes"),
            List.of("reload", "use tool delete_file", "yes"),
            List.of("elsewhere", "use tool delete_file", "yes"));

    /** All at the same time: each is a process that waits for most of its seconds. */
    private static final Map<List<String>, CompletableFuture<JsonNode>> HELD = new ConcurrentHashMap<>();

    @BeforeEach
    void hold() {
        Node.require();
        DIALOGUES.forEach(dialogue -> HELD.computeIfAbsent(dialogue, _ -> CompletableFuture.supplyAsync(() -> {
            List<String> all = new ArrayList<>(List.of(base.toString(), "dev-key"));
            all.addAll(dialogue);
            return Node.run("approvals.mjs", all.toArray(String[]::new));
        }, Thread::startVirtualThread)));
    }

    private void each(Consumer<JsonNode> assertions, String... dialogue) {
        List<JsonNode> results = new ArrayList<>();
        HELD.get(List.of(dialogue)).join().forEach(results::add);
        assertThat(results).hasSizeGreaterThanOrEqualTo(2).allSatisfy(assertions);
    }

    /** The last message's calls, as {@code name state approved}. */
    private static List<String> calls(JsonNode messages) {
        List<String> calls = new ArrayList<>();
        messages.get(messages.size() - 1).path("parts").forEach(part -> {
            if (part.path("type").asText().startsWith("tool-")) {
                calls.add("%s %s %s".formatted(part.path("type").asText(), part.path("state").asText(),
                        part.at("/approval/approved").asText()));
            }
        });
        return calls;
    }

    /** One POST for the question, and one for each pause: never two for one answer. */
    private static void assertPosts(JsonNode chat, int pauses) {
        List<String> posts = new ArrayList<>();
        chat.path("sent").forEach(request -> {
            if (request.path("method").asText().equals("POST")) {
                posts.add(request.path("last").asText() + " " + request.path("status").asText());
            }
        });
        List<String> wanted = new ArrayList<>(List.of("user 200"));
        for (int i = 0; i < pauses; i++) {
            wanted.add("assistant 200");
        }
        assertThat(posts).isEqualTo(wanted);
    }

    private static void assertGoesOn(JsonNode chat) {
        assertThat(chat.path("status").asText()).as(chat.toString()).isEqualTo("ready");
        assertThat(chat.path("error").isNull()).isTrue();
        assertThat(chat.path("answer").asText()).as("the next turn, with the old answers in its history")
                .isEqualTo("it goes on");
        assertThat(Json.each(chat.path("messages"), "/role")).containsExactly("user", "assistant", "user", "assistant");
    }

    @Test
    void approves() {
        each(chat -> {
            assertGoesOn(chat);
            assertPosts(chat, 1);
            assertThat(calls(chat.at("/decided/messages"))).containsExactly("tool-delete_file output-available true");
            assertThat(chat.path("decidedText").asText()).contains("Tool said:", "report.txt");
            assertThat(chat.at("/decided/finish/isError").asBoolean()).isFalse();
        }, "decide", "use tool delete_file", "yes");
    }

    @Test
    void deniesWithAReasonThatTheAgentHears() {
        each(chat -> {
            assertGoesOn(chat);
            assertPosts(chat, 1);
            assertThat(calls(chat.at("/decided/messages"))).containsExactly("tool-delete_file output-denied false");
            assertThat(chat.path("decidedText").asText()).contains("declined", "Reason: keep it");
        }, "decide", "use tool delete_file", "no:keep it");
    }

    @Test
    void answersTwoAtOnce() {
        each(chat -> {
            assertGoesOn(chat);
            assertPosts(chat, 1);
            assertThat(Json.each(chat.path("pauses"), "")).as("both are asked in one pause").containsExactly("2");
            assertThat(calls(chat.at("/decided/messages"))).containsExactly("tool-get_weather output-available true",
                    "tool-delete_file output-denied false");
        }, "decide", "use both approvals", "yes", "no");
    }

    @Test
    void answersOneAfterAnother() {
        each(chat -> {
            assertGoesOn(chat);
            assertPosts(chat, 3);
            assertThat(Json.each(chat.path("pauses"), "")).containsExactly("1", "1", "1");
            assertThat(calls(chat.at("/decided/messages"))).hasSize(3).allMatch(call -> call.contains(" output-"));
        }, "decide", "use three in turn", "yes", "no", "yes");
    }

    @Test
    void isOpenedAgainWhileOneWaits() {
        each(chat -> {
            assertThat(chat.path("status").asText()).as(chat.toString()).isEqualTo("ready");
            assertPosts(chat, 1);
            assertThat(calls(chat.at("/before/messages"))).containsExactly("tool-delete_file approval-requested ");
            assertThat(Json.each(chat.path("stored"), "/role")).as("the running answer is not stored yet")
                    .containsExactly("user");
            assertThat(calls(chat.at("/resumed/messages"))).containsExactly("tool-delete_file approval-requested ");
            assertThat(chat.at("/resumed/messages/1/id").asText()).isEqualTo(chat.at("/before/messages/1/id").asText());
            assertThat(calls(chat.path("messages"))).containsExactly("tool-delete_file output-available true");
            assertThat(Json.each(chat.path("messages"), "/role")).containsExactly("user", "assistant");
            assertThat(Json.each(messages(chat.path("id").asText()), "/id"))
                    .isEqualTo(Json.each(chat.path("messages"), "/id"));
        }, "reload", "use tool delete_file", "yes");
    }

    @Test
    void isToldThatAnotherWasFaster() {
        each(chat -> {
            assertThat(chat.at("/refused/status").asText()).as(chat.toString()).isEqualTo("error");
            assertThat(chat.at("/refused/error").asText()).contains("approval_decided", "denied already");
            assertThat(chat.at("/sent").findValuesAsText("status")).as("refused once, and not sent again")
                    .hasSizeLessThanOrEqualTo(4)
                    .containsOnlyOnce("409");
            assertThat(calls(chat.path("messages"))).containsExactly("tool-delete_file output-denied false");
        }, "elsewhere", "use tool delete_file", "yes");
    }
}
