package io.chatrelay;

import static io.chatrelay.Relay.CHAT;
import static io.chatrelay.Relay.COMPLETIONS;
import static io.chatrelay.Relay.CONVERSATIONS;
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
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.quarkus.test.junit.QuarkusTest;

/** P6 as callers meet it: decided at two paths, paused for those who need it, listed, and never lost in a call that does not stream. */
@QuarkusTest
class ApprovalsApiTest extends ServiceTest {

    private static final String DECIDE = "/run/api/tool-approvals";
    private static final String INBOX = "/run/v1/tool-approvals";
    private static final String ONE = "use tool delete_file";
    private static final String TWO = "use both approvals";

    private static String streamOf(String conversation) {
        return CONVERSATIONS + "/" + conversation + "/stream";
    }

    private static ObjectNode useChat(String conversation, String text) {
        return Json
                .of("{'trigger':'submit-message','messages':[{'id':'m1','role':'user','parts':[{'type':'text','text':'" + text
                        + "'}]}]}")
                .put("id", conversation);
    }

    /** A conversation whose turn waits, and the calls that wait in it. */
    private record Waiting(String conversation, List<JsonNode> approvals) {

        String call(int index) {
            return approvals.get(index).path("toolCallId").asText();
        }

        ObjectNode decision(int index, boolean approved) {
            return Json.of("{}").put("conversationId", conversation).put("toolCallId", call(index)).put("approved", approved);
        }
    }

    private Waiting waiting(String text) {
        String conversation = newId();
        relay().post(CHAT, Json.ask(conversation, text).put("stream", false));
        return waitingIn(conversation);
    }

    private Waiting waitingIn(String conversation) {
        List<JsonNode> open = new ArrayList<>();
        relay().get(CONVERSATIONS + "/" + conversation + "/pending-approvals").json().path("approvals").forEach(open::add);
        assertThat(open).isNotEmpty();
        return new Waiting(conversation, open);
    }

    /** The message as {@code useChat} has it after streams, its open approvals answered. */
    private static ObjectNode answering(String conversation, boolean approved, String reason, Sse... streams) {
        ObjectNode body = Json.of("{'trigger':'submit-message','messageId':'a','messages':[{'role':'user','content':'x'},"
                + "{'id':'a','role':'assistant'}]}").put("id", conversation);
        ArrayNode parts = ((ObjectNode) body.at("/messages/1")).putArray("parts");
        for (Sse stream : streams) {
            for (Sse.Event event : stream.events()) {
                fold(event, approved, reason, parts);
            }
        }
        return body;
    }

    private static void fold(Sse.Event event, boolean approved, String reason, ArrayNode parts) {
        String state = switch (event.type()) {
            case "tool-input-available" -> "input-available";
            case "tool-approval-request" -> "approval-responded";
            case "tool-output-available", "tool-output-error", "tool-output-denied" -> event.type().substring("tool-".length());
            default -> null;
        };
        if (state == null) {
            return;
        }
        String call = event.json().path("toolCallId").asText();
        ObjectNode part = null;
        for (JsonNode known : parts) {
            part = known.path("toolCallId").asText().equals(call) ? (ObjectNode) known : part;
        }
        part = part == null ? parts.addObject().put("type", "tool-" + event.json().path("toolName").asText())
                .put("toolCallId", call) : part;
        part.put("state", state);
        if (state.equals("approval-responded")) {
            part.putObject("approval").put("id", event.json().path("approvalId").asText()).put("approved", approved)
                    .put("reason", reason);
        }
    }

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
            assertThat(on.events().getFirst()).isEqualTo(new Sse.Event("", asked.events().getFirst().data()));
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
            Sse asked = relay().send(CHAT, useChat(id, TWO + " slow 900")).toEnd();
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
            Sse asked = relay().send(CHAT, Json.ask(id, ONE));
            await().until(() -> asked.types().contains("tool-approval-request"));
            await().during(Duration.ofMillis(800)).until(() -> !asked.over());

            Relay.Answer decided = relay().post(DECIDE, waitingIn(id).decision(0, true));

            assertThat(decided.status()).as(decided.body()).isEqualTo(200);
            asked.toEnd();
            assertThat(asked.done()).as(asked.text()).isTrue();
            assertThat(asked.ids()).isEqualTo(LongStream.rangeClosed(1, asked.ids().size()).boxed().toList());
        }

        @ParameterizedTest
        @ValueSource(strings = { "?wire=openai", "", "?approvals=wait" })
        void soDoesAReaders(String query) {
            Waiting waiting = waiting(ONE);
            Sse reader = relay().read(streamOf(waiting.conversation()) + query).until(2);
            await().during(Duration.ofMillis(800)).until(() -> !reader.over());
            reader.close();
        }

        @Test
        void useChatsBodyMayAskForIt() {
            Sse asked = relay().send(CHAT + "?approvals=wait", useChat(newId(), ONE));
            await().until(() -> asked.types().contains("tool-approval-request"));
            await().during(Duration.ofMillis(800)).until(() -> !asked.over());
            asked.close();
        }

        @Test
        void anAnswerWithoutTriggerIsAnsweredAsInkeepDoesIt() {
            String id = newId();
            Sse asked = relay().send(CHAT, Json.ask(id, TWO));
            await().until(() -> asked.types().stream().filter("tool-approval-request"::equals).count() == 2);
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
    class ADecision {

        @Test
        void isRecordedAndSaysSo() {
            Waiting waiting = waiting(TWO);

            Relay.Answer yes = relay().post(DECIDE, waiting.decision(0, true));
            Relay.Answer no = relay().post(DECIDE, waiting.decision(1, false).put("reason", "not\nnow"));

            assertThat(yes.json().toString()).isEqualTo("{\"success\":true,\"message\":\"Tool execution approved\"}");
            assertThat(no.json().toString()).isEqualTo("{\"success\":true,\"message\":\"Tool execution denied\"}");
        }

        @Test
        void isAnsweredTheSameAgainAndRefusedWhenContrary() {
            Waiting waiting = waiting(ONE);
            relay().post(DECIDE, waiting.decision(0, false).put("reason", "no").put("user", "ann"));

            assertThat(relay().post(DECIDE, waiting.decision(0, false)).status()).isEqualTo(200);
            Relay.Answer contrary = relay().post(DECIDE, waiting.decision(0, true));

            assertTextError(contrary, 409, "approval_decided");
            JsonNode recorded = contrary.json().path("approval");
            assertThat(recorded.path("state").asText()).isEqualTo("denied");
            assertThat(recorded.path("reason").asText()).isEqualTo("no");
            assertThat(recorded.path("decidedBy").asText()).contains("dev").contains("ann");
            assertThat(recorded.path("toolCallId").asText()).isEqualTo(waiting.call(0));
            assertThat(contrary.header("x-should-retry")).isEqualTo("false");
        }

        @Test
        void countsOnlyForWhatWasShown() {
            Waiting waiting = waiting(ONE);
            String digest = waiting.approvals().getFirst().path("inputDigest").asText();
            String other = digest.replaceFirst("^.", digest.startsWith("a") ? "b" : "a");

            Relay.Answer changed = relay().post(DECIDE, waiting.decision(0, true).put("inputDigest", other));
            Relay.Answer shown = relay().post(DECIDE, waiting.decision(0, true).put("inputDigest", digest.toUpperCase()));

            assertTextError(changed, 409, "input_changed");
            assertThat(changed.json().at("/approval/state").asText()).isEqualTo("pending");
            assertThat(shown.status()).as(shown.body()).isEqualTo(200);
        }

        @Test
        void isNotFoundElsewhere() {
            Waiting waiting = waiting(ONE);
            Waiting another = waiting(ONE);

            assertTextError(relay().post(DECIDE, waiting.decision(0, true).put("toolCallId", "call_unknown")), 404,
                    "not_found");
            assertTextError(relay().post(DECIDE, waiting.decision(0, true).put("conversationId", newId())), 404, "not_found");
            assertTextError(relay().post(DECIDE, waiting.decision(0, true).put("conversationId", another.conversation())), 404,
                    "not_found");
            assertTextError(other().post(DECIDE, waiting.decision(0, true)), 404, "not_found");
            assertThat(waitingIn(waiting.conversation()).approvals()).hasSize(1);
        }

        @ParameterizedTest
        @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
                "body|[]",
                "approved|{'conversationId':'c','toolCallId':'t'}",
                "approved|{'approved':'yes','conversationId':'c','toolCallId':'t'}",
                "conversationId|{'approved':true,'toolCallId':'t'}",
                "conversationId|{'approved':true,'conversationId':'a b','toolCallId':'t'}",
                "toolCallId|{'approved':true,'conversationId':'c'}",
                "toolCallId|{'approved':true,'conversationId':'c','toolCallId':''}",
                "toolCallId|{'approved':true,'conversationId':'c','toolCallId':7}",
                "toolCallId|{'approved':true,'conversationId':'c','toolCallId':'a\\u0000'}",
                "reason|{'approved':true,'conversationId':'c','toolCallId':'t','reason':7}",
                "reason|{'approved':true,'conversationId':'c','toolCallId':'t','reason':'a\\u0007'}",
                "reason|{'approved':true,'conversationId':'c','toolCallId':'t','reason':'\\ud83d'}",
                "inputDigest|{'approved':true,'conversationId':'c','toolCallId':'t','inputDigest':'abc'}",
                "user|{'approved':true,'conversationId':'c','toolCallId':'t','user':{}}",
                "aproved|{'aproved':true,'approved':true,'conversationId':'c','toolCallId':'t'}" })
        void isRefusedByTheFieldThatIsWrong(String field, String json) {
            Relay.Answer refused = relay().post(DECIDE, json.replace('\'', '"'));

            assertTextError(refused, 400, "bad_request");
            assertThat(refused.json().at("/details/0/field").asText()).isEqualTo(field);
            assertThat(refused.json().path("error").asText()).startsWith(field + " ");
        }

        @Test
        void hasAReasonOfBoundedLength() {
            ObjectNode decision = Json.of("{'approved':true,'conversationId':'c','toolCallId':'t'}");

            assertThat(relay().post(DECIDE, decision.put("reason", "x".repeat(2001))).json().path("field").asText())
                    .isEqualTo("reason");
            assertThat(relay().post(DECIDE, decision.put("reason", "x".repeat(2000))).status()).isEqualTo(404);
        }

        @ParameterizedTest
        @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
                "conversationId|{'messages':[{'role':'assistant','parts':[{'type':'tool-t','toolCallId':'c','state':'approval-responded','approval':{'approved':true}}]}]}",
                "messages[1].parts[1].toolCallId|{'id':'c','messages':[7,{'role':'assistant','parts':[{'type':'text'},{'type':'tool-t','state':'approval-responded','approval':{'approved':true}}]}]}",
                "messages[0].parts[0].type|{'id':'c','messages':[{'role':'assistant','parts':[{'type':'text','toolCallId':'c','state':'approval-responded','approval':{'approved':true}}]}]}",
                "messages[0].parts[0].approval|{'id':'c','messages':[{'role':'assistant','parts':[{'type':'tool-t','toolCallId':'c','state':'approval-responded'}]}]}",
                "messages[0].parts[0].approval.approved|{'id':'c','messages':[{'role':'assistant','parts':[{'type':'dynamic-tool','toolCallId':'c','state':'approval-responded','approval':{}}]}]}",
                "messages[0].parts[0].approval.approved|{'id':'c','messages':[{'role':'assistant','parts':[{'type':'tool-t','toolCallId':'c','state':'approval-responded','approval':{'approved':1}}]}]}",
                "messages[0].parts[0].approval.reason|{'id':'c','messages':[{'role':'assistant','parts':[{'type':'tool-t','toolCallId':'c','state':'approval-responded','approval':{'approved':true,'reason':{}}}]}]}",
                "messages[0].parts[0].approval.inputDigest|{'id':'c','messages':[{'role':'assistant','parts':[{'type':'tool-t','toolCallId':'c','state':'approval-responded','approval':{'approved':true,'inputDigest':'x'}}]}]}",
                "messages[0].parts[1].toolCallId|{'id':'c','messages':[{'role':'assistant','parts':[{'type':'tool-t','toolCallId':'c','state':'approval-responded','approval':{'approved':true}},{'type':'tool-t','toolCallId':'c','state':'approval-responded','approval':{'approved':true}}]}]}",
                "messages|{'id':'c','messages':[{'role':'assistant','parts':[{'type':'tool-t','toolCallId':'c','state':'approval-requested','approval':{'id':'x'}}]}]}" })
        void inAMessageIsRefusedByItsPath(String field, String json) {
            assertInvalid(CHAT, relay().post(CHAT, json.replace('\'', '"')), field);
        }
    }

    @Nested
    class TheInbox {

        @Test
        void listsWhatWaitsOverAllConversationsNewestFirst() {
            Waiting first = waiting(ONE);
            Waiting second = waiting(TWO);

            JsonNode page = relay().get(INBOX + "?state=pending&limit=3").json();

            assertThat(Json.each(page.path("data"), "/conversationId")).containsExactly(second.conversation(),
                    second.conversation(), first.conversation());
            JsonNode entry = page.at("/data/2");
            assertThat(entry.path("toolName").asText()).isEqualTo("delete_file");
            assertThat(entry.path("input").toString()).isEqualTo("{\"path\":\"docs/report.txt\"}");
            assertThat(entry.path("inputDigest").asText()).matches("[0-9a-f]{64}");
            assertThat(entry.has("history")).isFalse();
            assertThat(entry.has("expiresAt")).isTrue();
        }

        @Test
        void isReadPageByPage() {
            Waiting waiting = waiting(TWO);
            String of = INBOX + "?limit=1&conversationId=" + waiting.conversation();

            JsonNode first = relay().get(of).json();
            JsonNode second = relay().get(of + "&cursor=" + first.path("nextCursor").asText()).json();

            assertThat(Json.each(first.path("data"), "/toolCallId")).containsExactly(waiting.call(1));
            assertThat(Json.each(second.path("data"), "/toolCallId")).containsExactly(waiting.call(0));
            assertThat(second.has("nextCursor")).isFalse();
        }

        @Test
        void showsOneWithItsHistory() {
            Waiting waiting = waiting(ONE);
            String path = INBOX + "/" + waiting.approvals().getFirst().path("id").asText();
            relay().post(DECIDE, waiting.decision(0, false).put("reason", "no"));

            JsonNode one = relay().get(path).json();

            assertThat(one.path("state").asText()).isEqualTo("denied");
            assertThat(Json.each(one.path("history"), "/state")).startsWith("proposed", "denied");
            assertThat(one.at("/history/1/reason").asText()).isEqualTo("no");
            assertError(INBOX, other().get(path), 404, "not_found");
        }

        @Test
        void isTheTenantsOwn() {
            Waiting waiting = waiting(ONE);

            assertThat(Json.each(other().get(INBOX + "?state=pending&limit=100").json().path("data"), "/conversationId"))
                    .doesNotContain(waiting.conversation());
            assertError(INBOX, other().get(INBOX + "?conversationId=" + waiting.conversation()), 404, "not_found");
        }

        @ParameterizedTest
        @CsvSource({ "state, open", "state, PENDING", "conversationId, a.b", "limit, 0", "limit, 101", "cursor, x" })
        void refusesWhatItDoesNotKnow(String name, String value) {
            assertInvalid(INBOX, relay().get(INBOX + "?" + name + "=" + value), name);
        }

        @Test
        void refusesAnIdThatIsNone() {
            assertInvalid(INBOX, relay().get(INBOX + "/x"), "id");
        }

        @Test
        void ofOneConversationIsAsInkeeps() {
            Waiting waiting = waiting(TWO);
            JsonNode pending = relay().get(CONVERSATIONS + "/" + waiting.conversation() + "/pending-approvals").json();

            assertThat(pending.path("hasPending").asBoolean()).isTrue();
            assertThat(pending.at("/approval/toolCallId").asText()).isEqualTo(waiting.call(0));
            assertThat(pending.at("/approval/toolName").asText()).isEqualTo("get_weather");
            assertThat(pending.at("/approval/args").toString()).isEqualTo("{\"city\":\"Paris\"}");
            assertThat(pending.at("/approval/isDelegated").asBoolean(true)).isFalse();
            assertThat(pending.at("/approval/updatedAt").asText()).isNotEmpty();
            assertThat(pending.path("approvals")).hasSize(2);

            String done = relay().send(CHAT, Json.ask("echo hi")).toEnd().conversation();
            assertThat(relay().get(CONVERSATIONS + "/" + done + "/pending-approvals").body())
                    .isEqualTo("{\"hasPending\":false}");
            assertError(CONVERSATIONS, other().get(CONVERSATIONS + "/" + done + "/pending-approvals"), 404, "not_found");
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

    @Test
    void aSendMeanwhileIsToldWhatWaitsAndHowToGoOn() {
        Waiting waiting = waiting(TWO);
        Relay.Answer refused = relay().post(CHAT, Json.ask(waiting.conversation(), "echo hi"));

        assertError(CHAT, refused, 409, "turn_running");
        assertThat(refused.json().at("/turn/state").asText()).isEqualTo("awaiting_approval");
        assertThat(Json.each(refused.json().path("approvals"), "/toolCallId")).containsExactly(waiting.call(0),
                waiting.call(1));
        assertThat(refused.json().path("detail").asText()).contains("POST /run/api/tool-approvals");
        assertThat(refused.header("x-should-retry")).isEqualTo("false");
    }

    private static void assertTextError(Relay.Answer answer, int status, String code) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(status);
        assertThat(answer.header("content-type")).startsWith("application/json");
        JsonNode body = answer.json();
        assertThat(body.path("code").asText()).isEqualTo(code);
        assertThat(body.path("error").asText()).isNotBlank().isEqualTo(body.path("message").asText());
        assertThat(body.path("details").isArray()).isTrue();
        assertThat(body.path("requestId").asText()).isNotBlank();
    }
}
