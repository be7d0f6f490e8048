package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.quarkus.test.junit.QuarkusTest;

/** Sending twice is safe. */
@QuarkusTest
class SendingTwiceTest extends ServiceTest {

    /** All at the same moment. */
    private static <T> List<T> together(int count, Callable<T> task) throws Exception {
        CyclicBarrier start = new CyclicBarrier(count);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<T>> begun = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                begun.add(threads.submit(() -> {
                    start.await();
                    return task.call();
                }));
            }
            List<T> results = new ArrayList<>();
            for (Future<T> result : begun) {
                results.add(result.get());
            }
            return results;
        }
    }

    @Nested
    class WithAKey {

        private final String key = "key-" + newId();

        private Relay keyed() {
            return relay().with("idempotency-key", key);
        }

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void aRepeatAttachesWhileTheTurnRunsAndReplaysItAfterwards(String path) {
            ObjectNode body = Json.ask("slow 30").put("stream", true);
            Sse first = keyed().send(path, body).until(3);

            Sse attached = keyed().send(path, body);
            assertThat(first.toEnd().done()).isTrue();
            Sse replayed = keyed().send(path, body).toEnd();

            assertThat(attached.toEnd().turn()).isEqualTo(first.turn());
            assertThat(attached.text()).isEqualTo(first.text());
            assertThat(replayed.text()).isEqualTo(first.text());
            assertThat(query("select id from turn where conversation_id::text = ?", first.conversation())).hasSize(1);
        }

        @Test
        void aRepeatInTheSameConversationIsNoConflict() {
            ObjectNode body = Json.ask(newId(), "slow 30");
            Sse first = keyed().send(CHAT, body).until(3);

            Sse attached = keyed().send(CHAT, body).toEnd();

            assertThat(attached.status()).isEqualTo(200);
            assertThat(attached.turn()).isEqualTo(first.turn());
        }

        @Test
        void aRepeatMayAskForTheAnswerInOnePiece() {
            Sse first = keyed().send(CHAT, Json.ask("echo one two")).toEnd();

            Relay.Answer whole = keyed().post(CHAT, Json.ask("echo one two").put("stream", false));

            assertThat(whole.header("x-turn-id")).isEqualTo(first.turn());
            assertThat(whole.json().at("/choices/0/message/content").asText()).isEqualTo("one two");
        }

        @Test
        void aRepeatMayAskForOtherDetailsOfTheAnswer() {
            Sse first = keyed().send(COMPLETIONS, Json.ask("echo one").put("model", "cloud").put("stream", true)).toEnd();

            Sse again = keyed().send(COMPLETIONS, Json.ask("echo one").put("model", "cloud").put("stream", true)
                    .set("stream_options", Json.of("{'include_usage':true}"))).toEnd();

            assertThat(again.turn()).isEqualTo(first.turn());
            assertThat(first.text()).doesNotContain("total_tokens");
            assertThat(again.text()).contains("\"total_tokens\":10");
        }

        @ParameterizedTest
        @CsvSource({ "2, true", "10, true", "2, false", "10, false" })
        void manyAtTheSameMomentAreOneTurn(int count, boolean named) throws Exception {
            ObjectNode body = named ? Json.ask(newId(), "slow 10") : Json.ask("slow 10");
            List<Sse> answers = together(count, () -> keyed().send(CHAT, body));

            Set<String> texts = new HashSet<>();
            answers.forEach(answer -> texts.add(answer.toEnd().text()));
            assertThat(texts).hasSize(1);
            assertThat(answers).allMatch(answer -> answer.status() == 200 && answer.done());
            assertThat(query("select id::text from turn where idempotency_key = ?", key))
                    .containsExactly(answers.getFirst().turn());
        }

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void anotherCommandIsRefused(String path) {
            keyed().send(path, Json.ask("echo one")).toEnd();

            Relay.Answer refused = keyed().post(path, Json.ask("echo two"));
            Relay.Answer alsoRefused = keyed().post(path, Json.ask("echo one").put("max_tokens", 5));

            assertError(path, refused, 422, "unprocessable_entity");
            assertThat(refused.json().path("detail").asText()).contains("key");
            assertThat(refused.json().path("field").asText()).isEqualTo("Idempotency-Key");
            assertThat(alsoRefused.status()).isEqualTo(422);
        }

        @Test
        void aKeyIsGivenBackByATurnThatFailedBeforeItsFirstEvent() {
            ObjectNode body = Json.ask(newId(), "429 1000 1 " + mark());
            Relay.Answer refused = keyed().post(CHAT, body);

            Sse again = keyed().send(CHAT, body).toEnd();

            assertThat(refused.status()).isEqualTo(429);
            assertThat(again.done()).isTrue();
            assertThat(again.turn()).isNotEqualTo(refused.header("x-turn-id"));
        }

        @Test
        void aKeyIsKeptByATurnThatFailedLater() {
            ObjectNode body = Json.ask("eof 3 " + mark());
            Sse failed = keyed().send(CHAT, body).toEnd();

            Sse again = keyed().send(CHAT, body).toEnd();

            assertThat(again.turn()).isEqualTo(failed.turn());
            assertThat(again.text()).isEqualTo(failed.text());
        }

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void whoeverWantsItInOnePieceIsToldNotToRepeatWhatEndsTheSame(String path) {
            ObjectNode body = Json.ask("eof 3 " + mark()).put("stream", false);
            Relay.Answer failed = keyed().post(path, body);

            Relay.Answer again = keyed().post(path, body);

            assertError(path, failed, 502, "upstream_cut");
            assertThat(failed.header("x-should-retry")).isEqualTo("false");
            assertThat(failed.json().path("detail").asText()).contains("under another one");
            assertThat(again.status()).isEqualTo(502);
            assertThat(again.header("x-turn-id")).isEqualTo(failed.header("x-turn-id"));
        }

        @Test
        void aKeyBelongsToItsCaller() {
            Sse mine = keyed().send(CHAT, Json.ask("echo one")).toEnd();

            Sse theirs = other().with("idempotency-key", key).send(CHAT, Json.ask("echo two")).toEnd();

            assertThat(theirs.answer()).isEqualTo("two");
            assertThat(theirs.turn()).isNotEqualTo(mine.turn());
        }

        @Test
        void aKeyIsVisibleAsciiAndNotTooLong() {
            assertInvalid(CHAT, relay().with("idempotency-key", "two words").post(CHAT, Json.ask("echo one")),
                    "Idempotency-Key");
            assertInvalid(COMPLETIONS, relay().with("idempotency-key", "k".repeat(256)).post(COMPLETIONS, Json.ask("echo one")),
                    "Idempotency-Key");
        }
    }

    @Nested
    class AsTheOpenAiSdkDoesIt {

        private final String mark = mark();
        private final ObjectNode body = Json.ask("slow 250 " + mark).put("stream", true);

        private Sse attempt(int count) {
            return relay().with("x-stainless-retry-count", Integer.toString(count)).send(COMPLETIONS, body);
        }

        @Test
        void aRetryAttachesWithoutAnyKey() {
            Sse first = attempt(0).until(2);
            first.close();

            Sse second = attempt(1);
            Sse third = attempt(2);
            emulator().hurry(mark);

            assertThat(second.toEnd().turn()).isEqualTo(first.turn());
            assertThat(third.toEnd().text()).isEqualTo(second.text());
            assertThat(second.done()).isTrue();
            assertThat(attempt(1).toEnd().text()).as("after the end").isEqualTo(second.text());
        }

        @Test
        void aRetryInANamedConversationIsNoConflict() {
            body.put("conversationId", newId());
            Sse first = attempt(0).until(2);

            Sse retry = attempt(1);
            emulator().hurry(mark);

            assertThat(retry.toEnd().turn()).isEqualTo(first.turn());
        }

        @Test
        void aRetryAtTheMomentOfTheFirstTryIsOneTurn() throws Exception {
            attempt(0);
            List<Sse> retries = together(5, () -> attempt(1));

            assertThat(retries.stream().map(Sse::turn).distinct()).hasSize(1);
            emulator().hurry(mark);
            retries.forEach(Sse::toEnd);
        }

        @Test
        void anotherCallersEqualMessageIsAnotherTurn() {
            Sse first = attempt(0).until(2);

            Sse theirs = other().with("x-stainless-retry-count", "1").send(COMPLETIONS, body).until(2);

            assertThat(theirs.turn()).isNotEqualTo(first.turn());
        }

        @Test
        void anEqualMessageThatIsNoRetryIsAnotherTurn() {
            String id = newId();
            body.put("conversationId", id);
            Sse first = attempt(0).until(2);
            emulator().hurry(mark);
            first.toEnd();

            Sse again = attempt(0).until(2);
            emulator().hurry(mark);

            assertThat(again.toEnd().turn()).isNotEqualTo(first.turn());
            assertThat(messages(id)).hasSize(4);
        }
    }
}
