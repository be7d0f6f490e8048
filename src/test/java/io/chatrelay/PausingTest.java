package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.LongStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.chatrelay.support.sse.SseEvent;
import io.quarkus.test.junit.QuarkusTest;

/** Where a turn waits for an approval, its streams pause for those who need it and stay open for everyone else; none waits in vain. */
@QuarkusTest
class PausingTest extends ApprovalsTest {

    @Nested
    class ForUseChat {

        @Test
        void theStreamPausesWhereACallWaits() {
            String id = newId();
            Sse asked = relay().send(CHAT, useChat(id, ONE)).toEnd();

            assertThat(asked.broken()).isFalse();
            assertThat(asked.done()).isTrue();
            assertThat(asked.types()).endsWith("tool-input-available", "tool-approval-request", "finish-step", "finish")
                    .containsOnlyOnce("start", "start-step", "finish-step");
            assertThat(asked.numbered().getLast().type()).isEqualTo("tool-approval-request");
            assertThat(asked.events().get(asked.events().size() - 2).json().path("finishReason").asText())
                    .isEqualTo("tool-calls");
            assertThat(relay().get(CONVERSATIONS + "/" + id).json().at("/runningTurn/state").asText())
                    .isEqualTo("awaiting_approval");
        }

        @Test
        void twoThatAskTogetherAreOnePause() {
            Sse asked = relay().send(CHAT, useChat(newId(), TWO)).toEnd();

            assertThat(asked.types().stream().filter("tool-approval-request"::equals)).hasSize(2);
            assertThat(asked.done()).isTrue();
        }

        @Test
        void theAnswerIsAnsweredByWhatFollowsThePauseInTheSameMessage() {
            String id = newId();
            Sse asked = relay().send(CHAT, useChat(id, ONE)).toEnd();
            Sse on = relay().send(CHAT, answering(id, true, null, asked)).toEnd();

            assertThat(on.status()).as(on.text()).isEqualTo(200);
            assertThat(on.header("x-vercel-ai-ui-message-stream")).isEqualTo("v1");
            assertThat(on.turn()).isEqualTo(asked.turn());
            assertThat(on.events().getFirst()).isEqualTo(new SseEvent("", asked.events().getFirst().data()));
            assertThat(on.types()).containsSubsequence("start", "data-tool-approval", "tool-output-available", "start-step",
                    "text-start", "text-end", "finish-step", "finish").containsOnlyOnce("start-step", "finish-step");
            assertThat(on.answer()).contains("Tool said:");
            assertThat(on.done()).isTrue();
            // Between the two streams one number has no frame: the end of the step, which the pause has told already.
            List<Long> told = Stream.concat(asked.ids().stream(), on.ids().stream()).toList();
            assertThat(told).isSorted().doesNotHaveDuplicates().hasSize(Math.toIntExact(told.getLast()) - 1);
        }

        @Test
        void twoAreAnsweredAtOnce() {
            String id = newId();
            Sse asked = relay().send(CHAT, useChat(id, TWO)).toEnd();
            Sse on = relay().send(CHAT, answering(id, false, "not today", asked)).toEnd();

            assertThat(on.types().stream().filter("tool-output-denied"::equals)).hasSize(2);
            assertThat(on.answer()).contains("not today");
            assertThat(on.done()).isTrue();
        }

        @Test
        void threeInTurnAreThreePausesOfOneMessage() {
            String id = newId();
            List<Sse> streams = new ArrayList<>(List.of(relay().send(CHAT, useChat(id, "use three in turn")).toEnd()));
            for (int i = 0; i < 3; i++) {
                Sse last = streams.getLast();
                assertThat(last.done()).isTrue();
                assertThat(last.numbered().getLast().type()).isEqualTo("tool-approval-request");
                streams.add(relay().send(CHAT, answering(id, true, null, streams.toArray(Sse[]::new))).toEnd());
            }

            assertThat(streams.getLast().answer()).contains("Tool said:");
            assertThat(streams).allSatisfy(stream -> assertThat(stream.events().getFirst().data())
                    .isEqualTo(streams.getFirst().events().getFirst().data()));
            assertThat(streams.stream().flatMap(stream -> stream.ids().stream())).isSorted().doesNotHaveDuplicates();
            assertThat(streams.getLast().done()).isTrue();
        }

        @Test
        void aStreamThatGoesOnDoesNotEndBeforeTheApprovedCallHasItsOutcome() {
            String id = newId();
            Sse asked = relay().send(CHAT, useChat(id, TWO + " slow 2500")).toEnd();
            ObjectNode firstOnly = answering(id, true, null, asked);
            ((ObjectNode) firstOnly.at("/messages/1/parts/1")).put("state", "approval-requested");

            Sse on = relay().send(CHAT, firstOnly).toEnd();

            assertThat(on.types()).containsExactly("start", "data-tool-approval", "tool-output-available", "finish");
            assertThat(on.done()).isTrue();
            assertThat(waitingIn(id).approvals()).hasSize(1);
            Sse end = relay().send(CHAT, answering(id, true, null, asked, on)).toEnd();
            assertThat(end.types()).startsWith("start", "data-tool-approval", "tool-output-available").endsWith("finish");
            assertThat(end.answer()).contains("Tool said:");
        }

        @Test
        void theSameAnswerAgainIsToldTheSame() {
            String id = newId();
            Sse asked = relay().send(CHAT, useChat(id, ONE)).toEnd();
            ObjectNode answer = answering(id, true, null, asked);
            Sse first = relay().send(CHAT, answer).toEnd();
            Sse again = relay().send(CHAT, answer).toEnd();

            assertThat(first.done()).as(first.text()).isTrue();
            assertThat(again.events()).isEqualTo(first.events());
        }

        @Test
        void aContraryAnswerIsRefusedWithWhatIsRecorded() {
            String id = newId();
            Sse asked = relay().send(CHAT, useChat(id, ONE)).toEnd();
            relay().send(CHAT, answering(id, true, null, asked)).toEnd();

            Relay.Answer refused = relay().post(CHAT, answering(id, false, null, asked));

            assertError(CHAT, refused, 409, "approval_decided");
            assertThat(refused.json().path("field").asText()).isEqualTo("messages[1].parts[0].approval.approved");
            assertThat(refused.json().at("/approval/state").asText()).isEqualTo("approved");
            assertThat(refused.header("x-should-retry")).isEqualTo("false");
        }

        @Test
        void aReloadWhileOneWaitsIsPausedAgain() {
            String id = newId();
            Sse asked = relay().send(CHAT, useChat(id, ONE)).toEnd();
            Sse reloaded = relay().read(CHAT + "/" + id + "/stream").toEnd();

            assertThat(reloaded.events()).isEqualTo(asked.events());
            assertThat(relay().send(CHAT, answering(id, true, null, reloaded)).toEnd().done()).isTrue();
        }

        @Test
        void aReaderWithAPositionIsPausedIfItWantsTo() {
            String id = newId();
            Sse asked = relay().send(CHAT, useChat(id, ONE)).toEnd();
            long last = asked.ids().getLast();

            Sse after = relay().read(streamOf(id) + "?approvals=pause&after=" + last).toEnd();

            assertThat(after.types()).containsExactly("finish-step", "finish");
            assertThat(after.done()).isTrue();
        }

        @Test
        void answersOfThePastMakeNoNewTurnAnAnswer() {
            String id = newId();
            Sse asked = relay().send(CHAT, useChat(id, ONE)).toEnd();
            relay().send(CHAT, answering(id, true, null, asked)).toEnd();
            ObjectNode next = answering(id, true, null, asked);
            ((ArrayNode) next.get("messages")).addObject().put("id", "m2").put("role", "user").put("content", "echo next");

            assertThat(relay().send(CHAT, next).toEnd().answer()).isEqualTo("next");
        }
    }

    @Nested
    class ForEveryoneElse {

        @Test
        void theStreamStaysOpenUntilTheTurnEnds() {
            String id = newId();
            Sse asked = relay().send(CHAT, Json.ask(id, ONE)).untilAsked(1);
            await().during(Duration.ofMillis(800)).until(() -> !asked.over());

            Relay.Answer decided = relay().post(DECIDE, waitingIn(id).decision(0, true));

            assertThat(decided.status()).as(decided.body()).isEqualTo(200);
            asked.toEnd();
            assertThat(asked.done()).as(asked.text()).isTrue();
            assertThat(asked.ids()).isEqualTo(LongStream.rangeClosed(1, asked.ids().size()).boxed().toList());
        }

        @ParameterizedTest
        @ValueSource(strings = { "?wire=openai", "", "?approvals=wait" })
        void aReadersStreamStaysOpenUntilTheTurnEnds(String query) {
            Waiting waiting = waiting(ONE);
            Sse reader = relay().read(streamOf(waiting.conversation()) + query).until(2);
            await().during(Duration.ofMillis(800)).until(() -> !reader.over());
            reader.close();
        }

        @Test
        void useChatsBodyMayAskForIt() {
            Sse asked = relay().send(CHAT + "?approvals=wait", useChat(newId(), ONE)).untilAsked(1);
            await().during(Duration.ofMillis(800)).until(() -> !asked.over());
            asked.close();
        }

        @Test
        void anAnswerWithoutTriggerIsAnsweredAsInkeepDoesIt() {
            String id = newId();
            Sse asked = relay().send(CHAT, Json.ask(id, TWO)).untilAsked(2);
            ObjectNode answer = answering(id, true, null, asked);
            answer.remove("trigger");

            JsonNode results = relay().post(CHAT, answer).json();
            JsonNode again = relay().post(CHAT, answer).json();

            assertThat(results.path("success").asBoolean()).isTrue();
            assertThat(Json.each(results.path("results"), "/toolCallId")).hasSize(2);
            assertThat(Json.each(results.path("results"), "/approved")).containsOnly("true");
            assertThat(Json.each(results.path("results"), "/alreadyProcessed")).containsOnly("false");
            assertThat(Json.each(results.path("results"), "/deferred")).containsOnly("false");
            assertThat(Json.each(again.path("results"), "/alreadyProcessed")).containsOnly("true");
            assertThat(asked.toEnd().done()).isTrue();
        }

        @Test
        void aQueryThatMeansNothingIsRefused() {
            assertInvalid(CHAT, relay().post(CHAT + "?approvals=maybe", Json.ask("echo hi")), "approvals");
            assertInvalid(COMPLETIONS, relay().post(COMPLETIONS + "?approvals=pause", Json.ask("echo hi")), "approvals");
            assertInvalid(CONVERSATIONS, relay().get(streamOf("x") + "?approvals=yes"), "approvals");
            assertInvalid(CONVERSATIONS, relay().get(streamOf("x") + "?approvals=pause&wire=openai"), "approvals");
        }
    }

    @Nested
    class ACallThatDoesNotStream {

        @ParameterizedTest
        @ValueSource(strings = { CHAT, COMPLETIONS })
        void isToldWhatWaitsAndWhereToFollowIt(String path) {
            String id = newId();
            Relay.Answer answer = relay().post(path, Json.ask(id, ONE).put("stream", false));

            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.header("x-conversation-id")).isEqualTo(id);
            JsonNode completion = answer.json();
            assertThat(completion.path("object").asText()).isEqualTo("chat.completion");
            assertThat(completion.at("/choices/0/finish_reason").asText()).isEqualTo("tool_calls");
            assertThat(completion.at("/choices/0/message/content").isNull()).isTrue();
            assertThat(Json.each(completion.at("/choices/0/message/tool_calls"), "/function/name"))
                    .containsExactly("delete_file");
            JsonNode relay = completion.path("chat_relay");
            assertThat(relay.path("state").asText()).isEqualTo("awaiting_approval");
            assertThat(relay.path("stream").asText()).isEqualTo(streamOf(id));
            assertThat(relay.at("/approvals/0/toolCallId").asText())
                    .isEqualTo(completion.at("/choices/0/message/tool_calls/0/id").asText());
            assertThat(relay.path("turnId").asText()).isEqualTo(answer.header("x-turn-id"));
        }

        @Test
        void waitsForTheEndIfItPrefersTo() {
            String id = newId();
            CompletableFuture<Relay.Answer> answer = CompletableFuture.supplyAsync(
                    () -> relay().with("prefer", "respond-async, wait=60").post(COMPLETIONS, Json.ask(id, ONE)));
            await().until(() -> relay().get(INBOX + "?conversationId=" + id).json().at("/data/0/state").asText()
                    .equals("pending"));
            await().during(Duration.ofMillis(800)).until(() -> !answer.isDone());

            relay().post(DECIDE, waitingIn(id).decision(0, true));

            JsonNode completion = answer.join().json();
            assertThat(completion.at("/choices/0/finish_reason").asText()).isEqualTo("stop");
            assertThat(completion.at("/choices/0/message/content").asText()).contains("Tool said:");
        }
    }
}
