package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.chatrelay.support.ToldParts;
import io.chatrelay.support.inkeep.CaseInkeep;
import io.chatrelay.support.inkeep.UpstreamCase;
import io.quarkus.test.junit.QuarkusTest;

/** Approvals of calls whose upstream's ids say little: each is asked, decided, told and settled by itself. The rows stand in {@code cases/}. */
@QuarkusTest
class UpstreamApprovalCasesTest extends ServiceTest {

    private static final String DECIDE = "/run/api/tool-approvals";
    private static final String INBOX = "/run/v1/tool-approvals";

    /** Where a decision is sent. */
    enum Door {
        DECISIONS,
        CHAT
    }

    static Stream<Arguments> asking() {
        return UpstreamCase.of("agents").filter(UpstreamCase::waits)
                .flatMap(row -> Stream.of(Door.values()).map(door -> Arguments.of(row, door)));
    }

    @ParameterizedTest
    @MethodSource("asking")
    void eachIsDecidedUnderItsOwnIdWhileTheStreamIsRead(UpstreamCase row, Door door) {
        ObjectNode body = UpstreamCasesTest.ask(row, true);
        Sse ui = relay().send(CHAT, body);
        Sse openAi = relay().read(CONVERSATIONS + "/" + ui.conversation() + "/stream?wire=openai");
        String message = ui.until(1).events().getFirst().json().path("messageId").asText();

        decideAll(row, door, ui.conversation(), message);

        for (Sse stream : List.of(ui.toEnd(), openAi.toEnd())) {
            assertThat(ToldParts.ofStream(stream).lines()).as(stream.text())
                    .containsExactlyInAnyOrderElementsOf(row.said(true));
            assertThat(stream.done()).as(stream.text()).isTrue();
        }
        assertSettled(row, ui.conversation(), body);
    }

    @ParameterizedTest
    @MethodSource("asking")
    void eachIsDecidedUnderItsOwnIdAfterAnAnswerInOnePiece(UpstreamCase row, Door door) {
        ObjectNode body = UpstreamCasesTest.ask(row, false);
        Relay.Answer whole = relay().post(door == Door.CHAT ? CHAT : COMPLETIONS, body);
        String conversation = whole.header("x-conversation-id");

        assertThat(whole.status()).as(whole.body()).isEqualTo(200);
        List<String> waiting = Json.each(pending(conversation), "/toolCallId");
        assertThat(whole.json().at("/choices/0/finish_reason").asText()).isEqualTo("tool_calls");
        assertThat(Json.each(whole.json().at("/choices/0/message/tool_calls"), "/id")).isEqualTo(waiting);
        assertThat(Json.each(whole.json().at("/chat_relay/approvals"), "/toolCallId")).isEqualTo(waiting);
        decideAll(row, door, conversation, null);

        awaitEnd(conversation);
        assertSettled(row, conversation, body);
    }

    private void decideAll(UpstreamCase row, Door door, String conversation, String message) {
        Iterator<String> answers = row.lines("answer").iterator();
        int decided = 0;
        while (answers.hasNext()) {
            await("the next request for approval").until(() -> !pending(conversation).isEmpty());
            JsonNode asked = pending(conversation).getFirst();
            boolean approved = answers.next().equals("yes");
            Relay.Answer answer = door == Door.DECISIONS
                    ? relay().post(DECIDE, decision(conversation, asked, approved))
                    : relay().post(CHAT, answer(conversation, message, asked, approved));
            assertThat(answer.status()).as(answer.body()).isEqualTo(200);
            assertThat(answer.json().path("success").asBoolean()).as(answer.body()).isTrue();
            int heard = ++decided;
            await("what the upstream hears")
                    .until(() -> CaseInkeep.INSTANCE.asked(marked(conversation)).heard().size() == heard);
        }
    }

    private String marked(String conversation) {
        return Json.text(messages(conversation).getFirst());
    }

    static ObjectNode decision(String conversation, JsonNode asked, boolean approved) {
        return Json.of("{}").put("approved", approved).put("conversationId", conversation)
                .put("toolCallId", asked.path("toolCallId").asText())
                .put("inputDigest", asked.path("inputDigest").asText());
    }

    /** As {@code useChat} sends it, without its {@code trigger}. */
    static ObjectNode answer(String conversation, String message, JsonNode asked, boolean approved) {
        ObjectNode body = Json.of("{'messages':[{'role':'assistant','parts':[{'state':'approval-responded'}]}]}")
                .put("conversationId", conversation);
        if (message != null) {
            ((ObjectNode) body.at("/messages/0")).put("id", message);
        }
        ObjectNode part = (ObjectNode) body.at("/messages/0/parts/0");
        part.put("type", "tool-" + asked.path("toolName").asText()).put("toolCallId", asked.path("toolCallId").asText())
                .set("input", asked.path("input").deepCopy());
        part.putObject("approval").put("id", asked.path("approvalId").asText()).put("approved", approved);
        return body;
    }

    /** Oldest first. */
    private List<JsonNode> inbox(String query) {
        List<JsonNode> entries = new ArrayList<>();
        relay().get(INBOX + query).json().path("data").forEach(entries::add);
        return entries.reversed();
    }

    private List<JsonNode> pending(String conversation) {
        return inbox("?state=pending&conversationId=" + conversation);
    }

    private void assertSettled(UpstreamCase row, String conversation, ObjectNode asked) {
        assertThat(inbox("?conversationId=" + conversation).stream()
                .map(entry -> "%s %s %s %s %s".formatted(entry.path("toolCallId").asText(), entry.path("toolName").asText(),
                        Json.sorted(entry.path("input")), entry.path("state").asText(), entry.path("outcome").asText())))
                .containsExactlyElementsOf(row.lines("inbox"));
        assertThat(CaseInkeep.INSTANCE.asked(asked.at("/messages/0/content").asText()).heard())
                .containsExactlyElementsOf(row.lines("hears"));
        JsonNode stored = messages(conversation).getLast();
        assertThat(ToldParts.ofStored(stored).lines()).as(stored.toString())
                .containsExactlyInAnyOrderElementsOf(row.said(false));
    }

    /** The upstream cannot tell them apart, and takes the first: a yes to the one must not run the other. */
    @Test
    void ofTwoThatAskUnderOneIdTheSecondIsToldWhenTheFirstHasItsOutcome() {
        UpstreamCase row = row("02c-");
        ObjectNode body = UpstreamCasesTest.ask(row, true);
        Sse turn = relay().send(CHAT, body);
        await().until(() -> pending(turn.conversation()).size() == 2);
        List<JsonNode> asked = pending(turn.conversation());

        for (int i : List.of(1, 0)) {
            assertThat(relay().post(DECIDE, decision(turn.conversation(), asked.get(i), i == 0)).status()).isEqualTo(200);
        }

        assertThat(turn.toEnd().done()).as(turn.text()).isTrue();
        assertSettled(row, turn.conversation(), body);
    }

    private static UpstreamCase row(String number) {
        return UpstreamCase.of("agents").filter(one -> one.name().startsWith(number)).findFirst().orElseThrow();
    }

    /** A page that was open since then sends what it knows, and the model has used the call's id again meanwhile. */
    @Test
    void anOldAnswerSentAgainNeverDecidesACallOfALaterTurn() {
        UpstreamCase row = row("06-");
        ObjectNode body = UpstreamCasesTest.ask(row, true);
        Sse first = relay().send(CHAT, body);
        String conversation = first.conversation();
        await().until(() -> !pending(conversation).isEmpty());
        JsonNode asked = pending(conversation).getFirst();
        String message = first.events().getFirst().json().path("messageId").asText();
        ObjectNode old = answer(conversation, message, asked, true);
        assertThat(relay().post(CHAT, old).status()).isEqualTo(200);
        first.toEnd();

        Sse second = relay().send(CHAT, UpstreamCasesTest.ask(row, true).put("conversationId", conversation));
        await().until(() -> !pending(conversation).isEmpty());
        JsonNode again = pending(conversation).getFirst();
        assertThat(again.path("toolCallId")).as("the same id").isEqualTo(asked.path("toolCallId"));
        assertThat(again.path("id")).isNotEqualTo(asked.path("id"));

        Relay.Answer repeated = relay().post(CHAT, old);
        Relay.Answer contrary = relay().post(CHAT, answer(conversation, message, asked, false));
        Relay.Answer unknown = relay().post(CHAT, answer(conversation, newId(), asked, true));

        assertThat(repeated.json().at("/results/0/alreadyProcessed").asBoolean()).as("it decided its own turn's").isTrue();
        assertThat(contrary.status()).as(contrary.body()).isEqualTo(409);
        assertThat(unknown.status()).as(unknown.body()).isEqualTo(404);
        assertThat(unknown.json().path("field").asText()).isEqualTo("messages[0].id");
        assertThat(Json.each(pending(conversation), "/id")).containsExactly(again.path("id").asText());
        assertThat(relay().post(CHAT, answer(conversation, second.events().getFirst().json().path("messageId").asText(), again,
                true)).status()).isEqualTo(200);
        assertThat(second.toEnd().done()).isTrue();
    }

    /** The same by the other door, which knows no message: the turn's id says which call is meant, and without it nobody guesses. */
    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void anOldDecisionSentAgainNeverDecidesACallOfALaterTurn(boolean saysTheDigest) {
        UpstreamCase row = row("06-");
        Sse first = relay().send(CHAT, UpstreamCasesTest.ask(row, true));
        String conversation = first.conversation();
        await().until(() -> !pending(conversation).isEmpty());
        ObjectNode old = decision(conversation, pending(conversation).getFirst(), true);
        if (!saysTheDigest) {
            old.remove("inputDigest");
        }
        assertThat(relay().post(DECIDE, old).status()).as("one turn alone needs no name").isEqualTo(200);
        first.toEnd();
        Sse second = relay().send(CHAT, UpstreamCasesTest.ask(row, true).put("conversationId", conversation));
        await().until(() -> !pending(conversation).isEmpty());

        Relay.Answer repeated = relay().post(DECIDE, old);
        Relay.Answer ofTheFirst = relay().post(DECIDE, old.deepCopy().put("turnId", first.turn()));
        Relay.Answer ofAnother = relay().post(DECIDE, old.deepCopy().put("turnId", UUID.randomUUID().toString()));

        assertThat(repeated.status()).as(repeated.body()).isEqualTo(409);
        assertThat(repeated.json().path("code").asText()).isEqualTo("approval_ambiguous");
        assertThat(repeated.json().at("/details/0/field").asText()).isEqualTo("turnId");
        assertThat(repeated.json().at("/approval/turnId").asText()).isEqualTo(second.turn());
        assertThat(ofTheFirst.status()).as(ofTheFirst.body()).isEqualTo(200);
        assertThat(ofAnother.status()).as(ofAnother.body()).isEqualTo(404);
        assertThat(pending(conversation)).hasSize(1);
        assertThat(relay().post(DECIDE, old.put("turnId", second.turn())).status()).isEqualTo(200);
        assertThat(second.toEnd().done()).isTrue();
    }

    /** A client of Inkeep's documented API names no turn, and a model that counts its calls anew in each answer must not lock it out. */
    @Test
    void whereNoRepeatCanComeAnyMoreTheCallThatWaitsIsMeant() {
        UpstreamCase row = row("06-");
        Sse first = relay().send(CHAT, UpstreamCasesTest.ask(row, true));
        String conversation = first.conversation();
        await().until(() -> !pending(conversation).isEmpty());
        assertThat(relay().post(DECIDE, decision(conversation, pending(conversation).getFirst(), true)).status())
                .isEqualTo(200);
        first.toEnd();
        Sse second = relay().send(CHAT, UpstreamCasesTest.ask(row, true).put("conversationId", conversation));
        await().until(() -> !pending(conversation).isEmpty());
        JsonNode asked = pending(conversation).getFirst();

        Relay.Answer soon = relay().post(CHAT, answer(conversation, null, asked, true));
        execute("update tool_approval set decided_at = decided_at - interval '6 minutes' where turn_id = ?::uuid",
                first.turn());
        Relay.Answer later = relay().post(CHAT, answer(conversation, null, asked, true));

        assertThat(soon.status()).as(soon.body()).isEqualTo(409);
        assertThat(soon.json().path("code").asText()).isEqualTo("approval_ambiguous");
        assertThat(soon.json().path("field").asText()).isEqualTo("messages[0].id");
        assertThat(later.status()).as(later.body()).isEqualTo(200);
        assertThat(second.toEnd().done()).isTrue();
    }

    @Test
    void anAnswerToAnotherInputThanTheCallsIsRefused() {
        UpstreamCase row = row("06-");
        Sse turn = relay().send(CHAT, UpstreamCasesTest.ask(row, true));
        String conversation = turn.conversation();
        await().until(() -> !pending(conversation).isEmpty());
        JsonNode asked = pending(conversation).getFirst();
        String message = turn.events().getFirst().json().path("messageId").asText();
        ObjectNode changed = answer(conversation, message, asked, true);
        ((ObjectNode) changed.at("/messages/0/parts/0/input")).put("q", "b");

        Relay.Answer refused = relay().post(CHAT, changed);

        assertThat(refused.status()).as(refused.body()).isEqualTo(409);
        assertThat(refused.json().path("code").asText()).isEqualTo("input_changed");
        assertThat(pending(conversation)).hasSize(1);
        assertThat(relay().post(CHAT, answer(conversation, message, asked, false)).status()).isEqualTo(200);
        assertThat(turn.toEnd().done()).isTrue();
    }
}
