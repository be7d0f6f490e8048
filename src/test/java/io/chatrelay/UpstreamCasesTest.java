package io.chatrelay;

import static io.chatrelay.support.Relay.CHAT;
import static io.chatrelay.support.Relay.COMPLETIONS;
import static io.chatrelay.support.Relay.CONVERSATIONS;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import io.chatrelay.support.Json;
import io.chatrelay.support.Relay;
import io.chatrelay.support.Sse;
import io.chatrelay.support.ToldParts;
import io.chatrelay.support.inkeep.UpstreamCase;
import io.quarkus.test.junit.QuarkusTest;

/**
 * Bodies of upstreams that are legal, or common elsewhere: each is told and stored whole, on both wires, as a stream and in one piece, or
 * the turn fails and says what came. The rows stand in {@code cases/}.
 */
@QuarkusTest
class UpstreamCasesTest extends ServiceTest {

    private static final UpstreamCase UNFINISHED = new UpstreamCase("agents", "05d-tool-inputs-never-finished-while-it-runs",
            List.of());

    static Stream<UpstreamCase> told() {
        return Stream.of("cloud", "agents").flatMap(UpstreamCase::of).filter(row -> !row.waits());
    }

    @ParameterizedTest
    @MethodSource("told")
    void isToldAndStoredAsItIs(UpstreamCase row) {
        Sse ui = relay().send(CHAT, ask(row, true));
        Sse openAi = relay().send(COMPLETIONS, ask(row, true));
        Sse wholeUi = relay().send(CHAT, ask(row, false));
        Sse whole = relay().send(COMPLETIONS, ask(row, false));

        assertUi(row, ui.toEnd());
        assertOpenAi(row, openAi.toEnd());
        assertWhole(row, wholeUi.whole());
        assertWhole(row, whole.whole());
        for (Sse answer : List.of(ui, openAi, wholeUi, whole)) {
            assertStored(row, answer.conversation(), answer.turn());
        }
    }

    static ObjectNode ask(UpstreamCase row, boolean stream) {
        ObjectNode body = Json.ask(newId(), "case " + row.path() + " " + mark()).put("model", "case-" + row.upstream()).put(
                "stream",
                stream);
        if (stream) {
            body.putObject("stream_options").put("include_usage", true);
        }
        return body;
    }

    private static void assertUi(UpstreamCase row, Sse ui) {
        if (isRefused(row, ui.status())) {
            assertRefused(row, ui.whole());
            return;
        }
        assertThat(ToldParts.ofStream(ui).lines()).as(ui.text()).containsExactlyInAnyOrderElementsOf(row.said(true));
        assertThat(ui.done()).as(ui.text()).isEqualTo(!row.fails());
        if (row.fails()) {
            assertThat(ui.last().json().path("type").asText()).isEqualTo("error");
            assertThat(ui.error()).isEqualTo(row.error());
        } else {
            assertThat(ui.text()).contains("\"finishReason\":\"%s\"".formatted(row.finishReason()));
        }
    }

    private static void assertOpenAi(UpstreamCase row, Sse openAi) {
        if (isRefused(row, openAi.status())) {
            assertRefused(row, openAi.whole());
            return;
        }
        assertThat(ToldParts.ofStream(openAi).lines()).as(openAi.text()).containsExactlyInAnyOrderElementsOf(row.said(true));
        assertThat(openAi.done()).as(openAi.text()).isEqualTo(!row.fails());
        if (row.fails()) {
            assertThat(openAi.error()).isEqualTo(row.error());
            assertThat(openAi.last().json().at("/error/code").asText()).isEqualTo(row.code());
            return;
        }
        List<String> reasons = openAi.events().stream().filter(event -> event.data().startsWith("{"))
                .map(event -> event.json().at("/choices/0/finish_reason").asText("")).filter(word -> !word.matches("|null"))
                .toList();
        assertThat(reasons).containsExactly(row.openAiFinishReason());
        assertUsage(row, openAi.events().stream().filter(event -> event.data().startsWith("{"))
                .map(event -> event.json().path("usage")).filter(JsonNode::isObject).findFirst().orElse(null));
    }

    private static void assertUsage(UpstreamCase row, JsonNode usage) {
        if (row.lines("usage").isEmpty()) {
            assertThat(usage == null || usage.path("total_tokens").asInt() == 0).as("%s", usage).isTrue();
        } else {
            assertThat(usage).isEqualTo(Json.read(row.lines("usage").getFirst()));
        }
    }

    private static boolean isRefused(UpstreamCase row, int status) {
        return row.fails() && status != 200;
    }

    private static void assertRefused(UpstreamCase row, Relay.Answer answer) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(502);
        assertThat(answer.json().path("code").asText()).isEqualTo(row.code());
        assertThat(answer.json().path("detail").asText()).contains(row.error());
    }

    private static void assertWhole(UpstreamCase row, Relay.Answer answer) {
        if (row.fails()) {
            assertRefused(row, answer);
            return;
        }
        JsonNode whole = answer.json();
        assertThat(ToldParts.ofWhole(whole).lines()).as(answer.body()).containsExactlyInAnyOrderElementsOf(row.said(false));
        assertThat(whole.at("/choices/0/finish_reason").asText()).isEqualTo(row.openAiFinishReason());
        assertUsage(row, whole.path("usage"));
    }

    private void assertStored(UpstreamCase row, String conversation, String turn) {
        assertThat(turn(turn)).isEqualTo(row.state());
        List<JsonNode> messages = messages(conversation);
        if (messages.isEmpty() || messages.getLast().path("role").asText().equals("user")) {
            assertThat(row.said(false)).as("no answer is stored").isEmpty();
            return;
        }
        JsonNode stored = messages.getLast();
        assertThat(ToldParts.ofStored(stored).lines()).as(stored.toString())
                .containsExactlyInAnyOrderElementsOf(row.said(false));
        if (!row.fails()) {
            assertThat(stored.at("/metadata/finishReason").asText()).isEqualTo(row.finishReason());
            assertStoredUsage(row, stored.at("/metadata/usage"));
        }
    }

    /** The three counts under names of ours, and what the upstream counted beside them as it came. */
    private static void assertStoredUsage(UpstreamCase row, JsonNode usage) {
        assertThat(usage.isMissingNode()).isEqualTo(row.lines("usage").isEmpty());
        for (String line : row.lines("usage")) {
            JsonNode told = Json.read(line);
            assertThat(usage.path("promptTokens")).isEqualTo(told.path("prompt_tokens"));
            assertThat(usage.path("completionTokens")).isEqualTo(told.path("completion_tokens"));
            assertThat(usage.path("totalTokens")).isEqualTo(told.path("total_tokens"));
            assertThat(usage.path("counted").isMissingNode()).isEqualTo(told.size() == 3);
            assertThat(told.size() == 3 || usage.path("counted").equals(told)).as(usage.toString()).isTrue();
        }
    }

    private static String[] settled(String unfinished, String open) {
        return new String[]{ "refused c1 search \"{\\\"q\\\":\": " + unfinished,
                "call c2 lookup {\"id\":7} failed: " + open };
    }

    @Test
    void whatWasNeverFinishedIsSettledInACancelledTurn() {
        Sse ui = relay().send(CHAT, ask(UNFINISHED, true)).until(5);
        String stream = CONVERSATIONS + "/" + ui.conversation() + "/stream?wire=openai&after=0";
        Sse openAi = relay().read(stream).until(2);

        assertThat(relay().post(CONVERSATIONS + "/" + ui.conversation() + "/cancel", "{}").status()).isEqualTo(202);

        for (Sse told : List.of(ui.toEnd(), openAi.toEnd())) {
            assertThat(ToldParts.ofStream(told).lines()).as(told.text())
                    .containsExactlyInAnyOrder(settled("cancelled", "cancelled"));
            assertThat(told.done()).isFalse();
        }
        assertThat(turn(ui.turn())).isEqualTo("cancelled");
        assertThat(ToldParts.ofStored(messages(ui.conversation()).getLast()).lines())
                .containsExactlyInAnyOrder(settled("cancelled", "cancelled"));
    }
}
