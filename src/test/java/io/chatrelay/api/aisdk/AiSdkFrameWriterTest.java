package io.chatrelay.api.aisdk;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.LongStream;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import com.fasterxml.jackson.databind.JsonNode;

import io.chatrelay.api.protocol.Frame;
import io.chatrelay.api.protocol.Frame.Answer;
import io.chatrelay.api.protocol.UnclosedParts;
import io.chatrelay.event.ApprovalState;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.ChatEvent.TextDelta;
import io.chatrelay.event.FinishReason;
import io.chatrelay.event.JsonWriter;
import io.chatrelay.event.Outcome;
import io.chatrelay.event.RawJson;
import io.chatrelay.event.Usage;
import io.chatrelay.inkeep.RecordedAnswer;
import io.chatrelay.support.CallEvents;

class AiSdkFrameWriterTest {

    /** Members of a part: those that must be there, and those that may. */
    private record Members(Set<String> required, Set<String> optional) {

        static Members of(String... required) {
            return new Members(Set.of(required), Set.of());
        }

        Members maybe(String... names) {
            return new Members(required, Set.of(names));
        }
    }

    /** {@code uiMessageChunkSchema} of AI SDK 6.0.1, which refuses every other member, as far as this wire uses it. */
    private static final Map<String, Members> SCHEMA = Map.ofEntries(
            Map.entry("start", Members.of("messageId", "messageMetadata")), Map.entry("start-step", Members.of()),
            Map.entry("finish-step", Members.of()), Map.entry("text-start", Members.of("id")),
            Map.entry("text-delta", Members.of("id", "delta")), Map.entry("text-end", Members.of("id")),
            Map.entry("tool-input-start", Members.of("toolCallId", "toolName")),
            Map.entry("tool-input-delta", Members.of("toolCallId", "inputTextDelta")),
            Map.entry("tool-input-available", Members.of("toolCallId", "toolName", "input")),
            Map.entry("tool-approval-request", Members.of("approvalId", "toolCallId")),
            Map.entry("tool-output-available", Members.of("toolCallId", "output")),
            Map.entry("tool-output-error", Members.of("toolCallId", "errorText")),
            Map.entry("tool-input-error", Members.of("toolCallId", "toolName", "input", "errorText")),
            Map.entry("tool-output-denied", Members.of("toolCallId")), Map.entry("data-*", Members.of("data").maybe("id")),
            Map.entry("finish", Members.of("finishReason")), Map.entry("error", Members.of("errorText")),
            Map.entry("abort", Members.of()));

    private static final Set<String> FINISH_REASONS = Set.of("stop", "length", "content-filter", "tool-calls", "error",
            "other");

    private static List<Frame> framesOf(Answer answer) {
        return Frame.of(Frame.render(new AiSdkFrameWriter(Frame.TURN), answer.events()));
    }

    private static List<JsonNode> partsOf(Answer answer) {
        return framesOf(answer).stream().filter(frame -> !frame.isDone()).map(Frame::json).toList();
    }

    private static String type(JsonNode part) {
        return part.get("type").textValue();
    }

    static List<Answer> answers() {
        return Frame.answers();
    }

    @ParameterizedTest
    @MethodSource("answers")
    void anEventIsOneFrameAndItsNumberTheFramesId(Answer answer) {
        assertThat(framesOf(answer)).filteredOn(frame -> !frame.isDone()).extracting(Frame::number)
                .containsExactlyElementsOf(LongStream.rangeClosed(1, answer.events().size()).boxed().toList());
        assertThat(framesOf(answer)).filteredOn(Frame::isDone).allMatch(frame -> frame.number() == null);
    }

    @ParameterizedTest
    @MethodSource("answers")
    void aPartHasTheMembersThatTheEarlySchemaAllowsAndNoOther(Answer answer) {
        for (JsonNode part : partsOf(answer)) {
            Members members = SCHEMA.get(type(part).startsWith("data-") ? "data-*" : type(part));
            assertThat(members).as("known: %s", part).isNotNull();
            Set<String> named = new TreeSet<>();
            part.fieldNames().forEachRemaining(named::add);
            named.remove("type");
            assertThat(named).as("members of %s", part).containsAll(members.required());
            named.removeAll(members.required());
            assertThat(members.optional()).as("members of %s", part).containsAll(named);
            for (String text : List.of("id", "delta", "toolCallId", "toolName", "inputTextDelta", "errorText", "approvalId",
                    "messageId", "finishReason")) {
                assertThat(!part.has(text) || part.get(text).isTextual()).as("%s of %s", text, part).isTrue();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("answers")
    void textAndStepsAreBracketsThatCloseBeforeTheEnd(Answer answer) {
        Set<String> used = new HashSet<>();
        String open = null;
        boolean step = false;
        for (JsonNode part : partsOf(answer)) {
            String type = type(part);
            switch (type) {
                case "start-step" -> {
                    assertThat(step).isFalse();
                    step = true;
                }
                case "finish-step" -> {
                    assertThat(step).isTrue();
                    assertThat(open).isNull();
                    step = false;
                }
                case "text-start" -> {
                    assertThat(step).isTrue();
                    assertThat(open).isNull();
                    open = part.get("id").textValue();
                    assertThat(used.add(open)).as("%s is not opened again", open).isTrue();
                }
                case "text-delta" -> assertThat(part.get("id").textValue()).isEqualTo(open);
                case "text-end" -> {
                    assertThat(part.get("id").textValue()).isEqualTo(open);
                    open = null;
                }
                default -> {
                    if (type.startsWith("tool-")) {
                        assertThat(step).as("%s in a step", part).isTrue();
                        assertThat(open).as("%s outside of text", part).isNull();
                    }
                }
            }
        }
        assertThat(open).isNull();
        assertThat(step).isFalse();
    }

    @ParameterizedTest
    @MethodSource("answers")
    void aToolsPartsComeInTheirOrder(Answer answer) {
        Set<String> begun = new HashSet<>();
        Set<String> whole = new HashSet<>();
        Set<String> settled = new HashSet<>();
        for (JsonNode part : partsOf(answer)) {
            String call = part.path("toolCallId").asText();
            switch (type(part)) {
                case "tool-input-start" -> assertThat(begun.add(call) && !whole.contains(call)).isTrue();
                case "tool-input-delta" -> assertThat(begun.contains(call) && !whole.contains(call)).isTrue();
                case "tool-input-available" -> assertThat(whole.add(call)).isTrue();
                case "tool-approval-request" -> assertThat(whole.contains(call) && !settled.contains(call)).isTrue();
                case "tool-output-available", "tool-output-denied" ->
                        assertThat(whole.contains(call) && settled.add(call)).isTrue();
                case "tool-input-error" -> assertThat(!whole.contains(call) && settled.add(call)).isTrue();
                case "tool-output-error" ->
                        assertThat((whole.contains(call) || begun.contains(call)) && settled.add(call)).isTrue();
                default -> {
                    // not a tool's
                }
            }
        }
        begun.addAll(whole);
        if (answer.end().outcome() == Outcome.COMPLETED) {
            begun.removeIf(call -> isCallers(answer, call));
        }
        assertThat(settled).as("whatever ends a turn settles every call").isEqualTo(begun);
    }

    private static boolean isCallers(Answer answer, String id) {
        return answer.events().stream().anyMatch(event -> event instanceof ChatEvent.ToolCalled called && called.callerRuns()
                && called.callId().equals(id));
    }

    @ParameterizedTest
    @MethodSource("answers")
    void onlyWhatCompletedLooksLikeSuccess(Answer answer) {
        List<Frame> frames = framesOf(answer);
        List<String> types = partsOf(answer).stream().map(AiSdkFrameWriterTest::type).toList();
        boolean completed = answer.end().outcome() == Outcome.COMPLETED;

        assertThat(frames.getLast().isDone()).isEqualTo(completed);
        assertThat(frames.stream().filter(Frame::isDone)).hasSize(completed ? 1 : 0);
        assertThat(types).filteredOn(Set.of("finish", "error", "abort")::contains)
                .containsExactly(switch (answer.end().outcome()) {
                    case COMPLETED -> "finish";
                    case FAILED, INTERRUPTED -> "error";
                    case CANCELLED -> "abort";
                });
        assertThat(types.getLast()).isIn("finish", "error", "abort");
        JsonNode last = partsOf(answer).getLast();
        switch (answer.end().outcome()) {
            case COMPLETED -> assertThat(last.get("finishReason").textValue()).isIn(FINISH_REASONS)
                    .isEqualTo(answer.end().finishReason().wireName());
            case FAILED, INTERRUPTED ->
                    assertThat(last.get("errorText").textValue()).isEqualTo(answer.end().failure().message());
            case CANCELLED -> assertThat(last.toString()).isEqualTo("{\"type\":\"abort\"}");
        }
    }

    @ParameterizedTest
    @MethodSource("answers")
    void theMessageKeepsItsIdAndOurOwnDataHasItsPlace(Answer answer) {
        List<JsonNode> starts = partsOf(answer).stream().filter(part -> type(part).equals("start")).toList();

        assertThat(starts).hasSize((int) answer.events().stream().filter(ChatEvent.Started.class::isInstance).count())
                .allSatisfy(start -> assertThat(start.toString()).isEqualTo("""
                        {"type":"start","messageId":"01920000-0000-7000-8000-000000000003","messageMetadata":\
                        {"conversationId":"chat \\"1\\"","turnId":"01920000-0000-7000-8000-000000000001"}}"""));
        if (!starts.isEmpty()) {
            assertThat(type(partsOf(answer).getFirst())).isEqualTo("start");
        }
    }

    @ParameterizedTest
    @MethodSource("answers")
    void noDeltaIsLostOrChanged(Answer answer) {
        assertThat(partsOf(answer).stream().filter(part -> type(part).equals("text-delta"))
                .map(part -> part.get("delta").textValue()))
                .containsExactlyElementsOf(answer.events().stream().filter(TextDelta.class::isInstance)
                        .map(event -> ((TextDelta) event).text()).toList());
    }

    @Test
    void inputAndOutputAreTheirRawJsonLetterByLetter() {
        String stream = new String(Frame.render(new AiSdkFrameWriter(Frame.TURN),
                RecordedAnswer.journalled("agents/30-chat-approve-function-tool-1-stream")), StandardCharsets.UTF_8);

        assertThat(stream)
                .contains(
                        "\"toolCallId\":\"call_fake_43_0\",\"toolName\":\"delete_file\",\"input\":{\"path\":\"docs/report.txt\"}}")
                .contains("\"output\":{\"deleted\":\"docs/report.txt\",\"ok\":true,\"_toolCallId\":\"call_fake_43_0\"}}");
    }

    @Test
    void whatCameIsNotAbleToBreakOutOfItsFrame() {
        String text = "x\n\ndata: [DONE]\n\n\r\r\u2028\u0000\ud83e\"";
        Answer answer = new Answer("", List.of(new ChatEvent.Started("m"), new ChatEvent.StepStarted(),
                new ChatEvent.TextStarted(text), new TextDelta(text, text), new ChatEvent.TextEnded(text),
                CallEvents.called(text, text, new RawJson("{\n\"a\":\r1}"), 0),
                new ChatEvent.ToolFailed(text, text), new ChatEvent.StepFinished(),
                Ended.completed(FinishReason.STOP, new Usage(1, 1, 2))));

        assertThat(partsOf(answer)).hasSize(answer.events().size());
        assertThat(partsOf(answer).get(3).get("delta").textValue()).isEqualTo(text);
    }

    @Test
    void theAnswerNamesBothProtocols() {
        assertThat(new AiSdkFrameWriter(Frame.TURN).headers()).containsOnly(Map.entry("x-vercel-ai-ui-message-stream", "v1"),
                Map.entry("x-vercel-ai-data-stream", "v2"));
    }

    @Test
    void aDecisionIsADataPartThatNamesTheCall() {
        List<ChatEvent> decided = List.of(
                new ChatEvent.ApprovalDecided("aitxt-c1", "c1", ApprovalState.DENIED, "not \"now\""),
                new ChatEvent.ApprovalDecided("aitxt-c2", "c2", ApprovalState.APPROVED, null));

        assertThat(Frame.of(Frame.render(new AiSdkFrameWriter(Frame.TURN), decided))).containsExactly(new Frame(1L,
                """
                        {"type":"data-tool-approval","id":"aitxt-c1","data":{"toolCallId":"c1","state":"denied","reason":"not \\"now\\""}}"""),
                new Frame(2L, """
                        {"type":"data-tool-approval","id":"aitxt-c2","data":{"toolCallId":"c2","state":"approved"}}"""));
    }

    @Nested
    class AtAPause {

        private static final String START = """
                {"type":"start","messageId":"01920000-0000-7000-8000-000000000003","messageMetadata":\
                {"conversationId":"chat \\"1\\"","turnId":"01920000-0000-7000-8000-000000000001"}}""";
        private static final Frame FINISH = new Frame(null, "{\"type\":\"finish\",\"finishReason\":\"tool-calls\"}");
        private static final Frame DONE = new Frame(null, Frame.DONE);

        private List<Frame> pause(boolean step, String text) {
            JsonWriter out = new JsonWriter(16);
            new AiSdkFrameWriter(Frame.TURN).pause(new UnclosedParts(step, text, null), out);
            return Frame.of(out.toBytes());
        }

        private List<Frame> goesOn(String text) {
            JsonWriter out = new JsonWriter(16);
            new AiSdkFrameWriter(Frame.TURN).resume(new UnclosedParts(false, text, null), out);
            return Frame.of(out.toBytes());
        }

        @Test
        void theStreamEndsAsIfItsAnswerWereWholeAndNothingOfThatIsNumbered() {
            assertThat(pause(true, null)).containsExactly(new Frame(null, "{\"type\":\"finish-step\"}"), FINISH, DONE);
            assertThat(pause(false, null)).containsExactly(FINISH, DONE);
            assertThat(pause(true, "text-1")).containsExactly(new Frame(null, "{\"type\":\"text-end\",\"id\":\"text-1\"}"),
                    new Frame(null, "{\"type\":\"finish-step\"}"), FINISH, DONE);
        }

        @Test
        void theNextStreamBeginsWithTheSameMessage() {
            assertThat(goesOn(null)).containsExactly(new Frame(null, START));
            assertThat(goesOn("text-1")).containsExactly(new Frame(null, START),
                    new Frame(null, "{\"type\":\"text-start\",\"id\":\"text-1\"}"));
        }
    }
}
