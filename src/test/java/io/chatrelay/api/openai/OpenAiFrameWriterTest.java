package io.chatrelay.api.openai;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.api.protocol.Frame;
import io.chatrelay.api.protocol.Frame.Answer;
import io.chatrelay.event.ApprovalState;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.ApprovalRequested;
import io.chatrelay.event.ChatEvent.Data;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.ChatEvent.Started;
import io.chatrelay.event.ChatEvent.TextDelta;
import io.chatrelay.event.ChatEvent.ToolCalled;
import io.chatrelay.event.ChatEvent.ToolDenied;
import io.chatrelay.event.ChatEvent.ToolFailed;
import io.chatrelay.event.ChatEvent.ToolSucceeded;
import io.chatrelay.event.FinishReason;
import io.chatrelay.event.Outcome;
import io.chatrelay.inkeep.RecordedAnswer;

class OpenAiFrameWriterTest {

    private static final String NOTHING_SAID = "[{\"index\":0,\"delta\":{},\"finish_reason\":null}]";

    private static List<Frame> framesOf(Answer answer) {
        return Frame.of(Frame.render(new OpenAiFrameWriter(Frame.TURN, true), answer.events()));
    }

    private static List<JsonNode> objectsOf(Answer answer) {
        return framesOf(answer).stream().filter(frame -> !frame.isDone()).map(Frame::json).toList();
    }

    private static List<JsonNode> chunksOf(Answer answer) {
        return objectsOf(answer).stream().filter(object -> !object.has("error")).toList();
    }

    private static List<JsonNode> deltasOf(Answer answer) {
        return chunksOf(answer).stream().filter(chunk -> !chunk.get("choices").isEmpty())
                .map(chunk -> chunk.get("choices").get(0).get("delta")).toList();
    }

    static List<Answer> answers() {
        return Frame.answers();
    }

    @ParameterizedTest
    @MethodSource("answers")
    void anEventIsAtMostOneFrameAndItsNumberTheFramesId(Answer answer) {
        List<Long> expected = new ArrayList<>();
        for (int i = 0; i < answer.events().size(); i++) {
            switch (answer.events().get(i)) {
                case Started _,TextDelta _,ChatEvent.ReasoningDelta _,ChatEvent.ToolInputFailed _,ToolCalled _,ApprovalRequested _,ToolSucceeded _,ToolFailed _,ToolDenied _,Data _,Ended _ ->
                        expected.add(i + 1L);
                case ChatEvent _ -> {
                    // has no frame here
                }
            }
        }

        assertThat(framesOf(answer)).extracting(Frame::number).filteredOn(number -> number != null)
                .containsExactlyElementsOf(expected);
        assertThat(framesOf(answer)).filteredOn(frame -> frame.number() == null)
                .allMatch(frame -> frame.isDone() || frame.json().has("usage"));
    }

    @ParameterizedTest
    @MethodSource("answers")
    void aChunkIsWhatOpenAisIsAndHasItsChoices(Answer answer) {
        for (JsonNode chunk : chunksOf(answer)) {
            assertThat(chunk.get("id").textValue()).isEqualTo("chatcmpl-01920000-0000-7000-8000-000000000001");
            assertThat(chunk.get("object").textValue()).isEqualTo("chat.completion.chunk");
            assertThat(chunk.get("created").longValue()).isEqualTo(1795363200L);
            assertThat(chunk.get("model").textValue()).isEqualTo("agents");
            assertThat(chunk.get("choices")).as("what nobody asked for is beside a choice").hasSize(chunk.has("usage") ? 0 : 1);
            chunk.get("choices").forEach(choice -> {
                assertThat(choice.get("index").intValue()).isZero();
                assertThat(choice.get("delta").isObject()).isTrue();
                assertThat(choice.has("finish_reason")).isTrue();
            });
        }
    }

    @ParameterizedTest
    @MethodSource("answers")
    void theRoleIsToldOnceAndFirst(Answer answer) {
        List<JsonNode> withRole = deltasOf(answer).stream().filter(delta -> delta.has("role")).toList();

        assertThat(withRole).hasSize((int) answer.events().stream().filter(Started.class::isInstance).count());
        if (!withRole.isEmpty()) {
            assertThat(deltasOf(answer).getFirst().toString()).isEqualTo("{\"role\":\"assistant\",\"content\":\"\"}");
        }
    }

    @ParameterizedTest
    @MethodSource("answers")
    void contentIsTheTextAndNothingElse(Answer answer) {
        assertThat(deltasOf(answer).stream().filter(delta -> delta.has("content") && !delta.has("role"))
                .map(delta -> delta.get("content").textValue()))
                .containsExactlyElementsOf(answer.events().stream().filter(TextDelta.class::isInstance)
                        .map(event -> ((TextDelta) event).text()).toList());
    }

    @ParameterizedTest
    @MethodSource("answers")
    void aCallIsToldOnceAndWholeAndCounted(Answer answer) {
        List<JsonNode> calls = deltasOf(answer).stream().filter(delta -> delta.has("tool_calls"))
                .flatMap(delta -> StreamSupport.stream(delta.get("tool_calls").spliterator(), false)).toList();
        List<ToolCalled> called = answer.events().stream().filter(ToolCalled.class::isInstance).map(ToolCalled.class::cast)
                .filter(ToolCalled::callerRuns).toList();

        assertThat(calls).hasSameSizeAs(called);
        for (int i = 0; i < calls.size(); i++) {
            JsonNode call = calls.get(i);
            assertThat(call.get("index").intValue()).isEqualTo(i);
            assertThat(call.get("id").textValue()).isEqualTo(called.get(i).callId());
            assertThat(call.get("type").textValue()).isEqualTo("function");
            assertThat(call.get("function").get("name").textValue()).isEqualTo(called.get(i).toolName());
            assertThat(call.get("function").get("arguments").textValue()).isEqualTo(called.get(i).input().text());
        }
    }

    @ParameterizedTest
    @MethodSource("answers")
    void whatHasNoPlaceRidesBesideChoices(Answer answer) {
        List<String> told = new ArrayList<>();
        for (JsonNode chunk : chunksOf(answer)) {
            JsonNode relay = chunk.path("chat_relay");
            if (!relay.isMissingNode()) {
                assertThat(relay.get("conversationId").textValue()).isEqualTo("chat \"1\"");
                assertThat(relay.get("turnId").textValue()).isEqualTo("01920000-0000-7000-8000-000000000001");
            }
            relay.path("parts").forEach(part -> {
                assertThat(chunk.get("choices").toString()).isEqualTo(NOTHING_SAID);
                told.add(part.get("type").textValue());
            });
        }

        List<String> expected = answer.events().stream().map(event -> switch (event) {
            case ToolCalled call -> call.callerRuns() ? "" : "tool-input-available";
            case ChatEvent.ToolInputFailed _ -> "tool-input-error";
            case ApprovalRequested _ -> "tool-approval-request";
            case ToolSucceeded _ -> "tool-output-available";
            case ToolFailed _ -> "tool-output-error";
            case ToolDenied _ -> "tool-output-denied";
            case Data(var type, _, _, _) -> type;
            case ChatEvent _ -> "";
        }).filter(type -> !type.isEmpty()).toList();
        assertThat(told).isEqualTo(expected);
    }

    @ParameterizedTest
    @MethodSource("answers")
    void onlyWhatCompletedLooksLikeSuccess(Answer answer) {
        List<Frame> frames = framesOf(answer);
        boolean completed = answer.end().outcome() == Outcome.COMPLETED;

        assertThat(frames.getLast().isDone()).isEqualTo(completed);
        assertThat(frames.stream().filter(Frame::isDone)).hasSize(completed ? 1 : 0);
        List<String> reasons = chunksOf(answer).stream()
                .flatMap(chunk -> StreamSupport.stream(chunk.get("choices").spliterator(), false))
                .map(choice -> choice.get("finish_reason").textValue()).filter(reason -> reason != null).toList();
        List<JsonNode> errors = objectsOf(answer).stream().filter(object -> object.has("error")).toList();
        if (completed) {
            assertThat(reasons).hasSize(1);
            assertThat(errors).isEmpty();
        } else {
            assertThat(reasons).isEmpty();
            assertThat(errors).singleElement().isEqualTo(objectsOf(answer).getLast())
                    .satisfies(error -> assertThat(error.get("error").properties()).extracting(Map.Entry::getKey)
                            .containsExactly("message", "type", "code"));
            assertThat(errors.getFirst().get("error").get("type").textValue()).isEqualTo(answer.end().outcome().wireName());
        }
    }

    @ParameterizedTest
    @CsvSource({ "true,cloud/04-usage,1", "false,cloud/04-usage,0", "true,cloud/01-documented-example,0" })
    void usageIsToldWhereItWasAskedForAndIsKnown(boolean asked, String recording, int chunks) {
        List<Frame> frames = Frame
                .of(Frame.render(new OpenAiFrameWriter(Frame.TURN, asked), RecordedAnswer.journalled(recording)));

        List<JsonNode> usages = frames.stream().filter(frame -> !frame.isDone()).map(Frame::json)
                .filter(object -> object.has("usage")).toList();
        assertThat(usages).hasSize(chunks).allSatisfy(chunk -> {
            assertThat(chunk.get("choices")).isEmpty();
            assertThat(chunk.get("usage").toString())
                    .isEqualTo("{\"prompt_tokens\":9,\"completion_tokens\":1,\"total_tokens\":10}");
        });
    }

    @ParameterizedTest
    @CsvSource({ "STOP,stop", "LENGTH,length", "CONTENT_FILTER,content_filter", "TOOL_CALLS,tool_calls", "ERROR,stop",
            "OTHER,stop" })
    void aReasonIsOpenAisWordForIt(FinishReason reason, String word) {
        Answer answer = new Answer("", List.of(Ended.completed(reason, null)));

        assertThat(chunksOf(answer).getLast().at("/choices/0/finish_reason").textValue()).isEqualTo(word);
    }

    @Test
    void textThatLooksLikeAnApprovalIsText() {
        Answer answer = new Answer("", RecordedAnswer.journalled("cloud/08-json-in-the-answer"));

        assertThat(chunksOf(answer)).noneMatch(chunk -> chunk.at("/chat_relay/parts").isArray());
    }

    @Test
    void aDecisionRidesBesideChoices() {
        Answer answer = new Answer("",
                List.of(new ChatEvent.ApprovalDecided("aitxt-c1", "c1", ApprovalState.DENIED, "no")));

        assertThat(objectsOf(answer)).singleElement().satisfies(chunk -> {
            assertThat(chunk.get("choices").toString()).isEqualTo(NOTHING_SAID);
            assertThat(chunk.at("/chat_relay/parts").toString()).isEqualTo(
                    """
                            [{"type":"data-tool-approval","id":"aitxt-c1","data":{"toolCallId":"c1","state":"denied","reason":"no"}}]""");
        });
    }
}
