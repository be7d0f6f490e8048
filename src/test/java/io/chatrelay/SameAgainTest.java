package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.quarkus.test.junit.QuarkusTest;

/** The same body again over a POST that broke off, from a client that knows neither keys nor numbers. */
@QuarkusTest
class SameAgainTest extends ServiceTest {

    private final String id = newId();
    private final String mark = mark();

    private ObjectNode ask(String text) {
        return Json.ask(id, text + " " + mark).put("stream", true);
    }

    @ParameterizedTest
    @ValueSource(strings = { CHAT, COMPLETIONS })
    void attachesToTheTurnThatItBeganWhileThatRuns(String path) {
        Sse first = relay().send(path, ask("slow 250")).until(3);
        first.close();

        Sse again = relay().send(path, ask("slow 250"));
        Sse third = relay().send(path, ask("slow 250"));
        emulator().hurry(mark);

        assertThat(again.toEnd().turn()).isEqualTo(first.turn());
        assertThat(again.done()).isTrue();
        assertThat(again.text()).startsWith(first.text());
        assertThat(third.toEnd().text()).isEqualTo(again.text());
        assertThat(emulator().asked(mark)).hasSize(1);
        assertThat(messages(id)).hasSize(2);
    }

    @Test
    void mayAskForTheAnswerInAnotherWay() {
        Sse first = relay().send(CHAT, ask("slow 30")).until(3);

        Relay.Answer whole = relay().post(COMPLETIONS, ask("slow 30").put("stream", false));

        assertThat(whole.header("x-turn-id")).isEqualTo(first.turn());
        assertThat(whole.json().at("/choices/0/message/content").asText()).isEqualTo(first.toEnd().answer());
    }

    @Test
    void isUseChatsRegenerateAfterADropToo() {
        ObjectNode sent = Json.of(("{'id':'%s','trigger':'submit-message','messages':[{'id':'m1','role':'user',"
                + "'parts':[{'type':'text','text':'slow 250 %s'}]}]}").formatted(id, mark));
        Sse first = relay().send(CHAT, sent).untilText();
        first.close();

        Sse again = relay().send(CHAT, sent.put("trigger", "regenerate-message").put("messageId", "a1"));
        emulator().hurry(mark);

        assertThat(again.toEnd().turn()).isEqualTo(first.turn());
        assertThat(again.done()).isTrue();
    }

    /** Its first try was told the conversation, and broke off. */
    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void mayNameTheConversationThatItsFirstTryBegan(boolean hasKey) {
        Relay caller = hasKey ? relay().with("idempotency-key", id) : relay();
        ObjectNode nameless = Json.ask("slow 250 " + mark);
        Sse first = caller.send(CHAT, nameless).until(3);

        Sse again = caller.send(CHAT, nameless.deepCopy().put("conversationId", first.conversation()));
        emulator().hurry(mark);

        assertThat(again.toEnd().turn()).isEqualTo(first.turn());
        assertThat(again.done()).isTrue();
        if (hasKey) {
            ObjectNode elsewhere = nameless.deepCopy().put("conversationId", id);
            assertError(CHAT, caller.post(CHAT, elsewhere), 422, "unprocessable_entity");
        }
        assertThat(emulator().asked(mark)).hasSize(1);
    }

    @Test
    void isAnotherTurnAfterThatOnesEnd() {
        Sse first = relay().send(CHAT, ask("echo yes")).toEnd();

        Sse again = relay().send(CHAT, ask("echo yes")).toEnd();

        assertThat(again.turn()).isNotEqualTo(first.turn());
        assertThat(messages(id)).hasSize(4);
    }

    @Test
    void isAConflictWhereItIsNotTheSame() {
        Sse first = relay().send(CHAT, ask("slow 250")).until(3);

        assertError(CHAT, relay().post(CHAT, ask("slow 61")), 409, "turn_running");
        assertError(CHAT, relay().post(CHAT, ask("slow 250").put("max_tokens", 7)), 409, "turn_running");
        assertError(CHAT, relay().with("idempotency-key", id).post(CHAT, ask("slow 250")), 409, "turn_running");
        emulator().hurry(mark);
        assertThat(first.toEnd().done()).isTrue();
    }

    @Test
    void isAConflictWhereAKeySaysThatItIsAnotherCommand() {
        Sse first = relay().with("idempotency-key", id).send(CHAT, ask("slow 250")).until(3);

        assertError(CHAT, relay().post(CHAT, ask("slow 250")), 409, "turn_running");
        assertError(CHAT, relay().with("idempotency-key", id + "x").post(CHAT, ask("slow 250")), 409, "turn_running");
        assertThat(relay().with("idempotency-key", id).send(CHAT, ask("slow 250")).turn()).isEqualTo(first.turn());
        relay().post("/run/v1/conversations/" + id + "/cancel", Json.of("{}"));
        first.toEnd();
    }

    /** The header says what the next message means, not what this one does. */
    @ParameterizedTest
    @ValueSource(strings = { CHAT, COMPLETIONS })
    void attachesThoughAHeaderSaysThatWritingOnStopsTheTurn(String path) {
        Relay stops = relay().with("x-on-running", "cancel");
        Sse first = stops.send(path, ask("slow 250")).until(3);

        Sse again = stops.send(path, ask("slow 250"));
        emulator().hurry(mark);

        assertThat(again.toEnd().turn()).isEqualTo(first.turn());
        assertThat(again.done()).isTrue();
        assertThat(first.toEnd().done()).isTrue();
        assertThat(emulator().asked(mark)).hasSize(1);
    }

    @Test
    void replacesTheTurnWhereItAsksForThat() {
        Sse first = relay().send(CHAT, ask("slow 250")).until(3);

        Sse again = relay().send(CHAT, ask("slow 250").put("onRunning", "cancel")).until(3);
        emulator().hurry(mark);

        assertThat(again.toEnd().turn()).isNotEqualTo(first.turn());
        assertThat(again.done()).isTrue();
        assertThat(turn(first.turn())).isEqualTo("cancelled");
    }

    @Test
    void atTheSameMomentIsOneTurn() {
        List<Sse> answers = Stream.generate(() -> CompletableFuture.supplyAsync(() -> relay().send(CHAT, ask("slow 30"))))
                .limit(4).toList().stream().map(CompletableFuture::join).toList();

        assertThat(answers).allMatch(answer -> answer.status() == 200 && answer.toEnd().done());
        assertThat(answers.stream().map(Sse::turn).distinct()).hasSize(1);
        assertThat(messages(id)).hasSize(2);
    }
}
