package io.chatrelay.inkeep;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.ApprovalRequested;
import io.chatrelay.event.ChatEvent.Data;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.ChatEvent.ReasoningDelta;
import io.chatrelay.event.ChatEvent.TextDelta;
import io.chatrelay.event.ChatEvent.TextStarted;
import io.chatrelay.event.ChatEvent.ToolCalled;
import io.chatrelay.event.ChatEvent.ToolInputDelta;
import io.chatrelay.event.ChatEvent.ToolSucceeded;
import io.chatrelay.event.Failure;
import io.chatrelay.event.FinishReason;
import io.chatrelay.event.Outcome;
import io.chatrelay.event.RawJson;
import io.chatrelay.support.CallEvents;

/** What no recording shows: answers that bend the protocol. */
class DecoderTest {

    private final List<ChatEvent> events = new ArrayList<>();

    private void decode(AnswerDecoder decoder, String... frames) {
        for (String frame : frames) {
            decoder.decode(null, frame, events);
        }
    }

    private <T extends ChatEvent> List<T> all(Class<T> kind) {
        return events.stream().filter(kind::isInstance).map(kind::cast).toList();
    }

    private Ended end() {
        return (Ended) events.getLast();
    }

    @Nested
    class OfAgents {

        private final AgentsDecoder decoder = RecordedAnswer.agents(null);

        private void decode(String... frames) {
            DecoderTest.this.decode(decoder, frames);
        }

        @Test
        void anUnknownEventTravelsAsDataLetterByLetter() {
            decode("{\"type\":\"source-url\",\"url\": 1.50}");

            assertThat(all(Data.class)).containsExactly(
                    new Data("data-inkeep-source-url", null, new RawJson("{\"type\":\"source-url\",\"url\": 1.50}")));
        }

        @Test
        void aPieceOfInputOfACallThatNeverBeganTravelsAsData() {
            decode("{\"type\":\"tool-input-delta\",\"toolCallId\":\"c\",\"inputTextDelta\":\"{\"}");

            assertThat(all(ToolInputDelta.class)).isEmpty();
            assertThat(all(Data.class)).extracting(Data::type).containsExactly("data-inkeep-tool-input-delta");
        }

        @Test
        void aPieceOfInputOfACallThatIsWholeTravelsAsData() {
            decode("{\"type\":\"tool-input-start\",\"toolCallId\":\"c\",\"toolName\":\"t\"}",
                    "{\"type\":\"tool-input-available\",\"toolCallId\":\"c\",\"toolName\":\"t\",\"input\":{}}",
                    "{\"type\":\"tool-input-delta\",\"toolCallId\":\"c\",\"inputTextDelta\":\"late\"}");

            assertThat(all(ToolInputDelta.class)).isEmpty();
            assertThat(all(Data.class)).hasSize(1);
        }

        @Test
        void aCallThatIsToldOnceMoreIsNoOtherCall() {
            decode("{\"type\":\"tool-input-available\",\"toolCallId\":\"c\",\"toolName\":\"t\",\"input\":1}",
                    "{\"type\":\"tool-input-available\",\"toolCallId\":\"c\",\"toolName\":\"t\",\"input\":1}");

            assertThat(all(ToolCalled.class)).containsExactly(CallEvents.called("c", "t", new RawJson("1"), 0));
            assertThat(all(Data.class)).hasSize(1);
        }

        @Test
        void anApprovalOfACallThatNeverWasOrIsOverTravelsAsData() {
            decode("{\"type\":\"tool-approval-request\",\"toolCallId\":\"c\",\"approvalId\":\"a\"}",
                    "{\"type\":\"tool-input-available\",\"toolCallId\":\"d\",\"toolName\":\"t\"}",
                    "{\"type\":\"tool-output-available\",\"toolCallId\":\"d\",\"output\":null}",
                    "{\"type\":\"tool-approval-request\",\"toolCallId\":\"d\",\"approvalId\":\"b\"}");

            assertThat(all(ApprovalRequested.class)).isEmpty();
            assertThat(all(Data.class)).hasSize(2);
            assertThat(all(ToolSucceeded.class)).containsExactly(new ToolSucceeded("d", RawJson.NULL));
        }

        @Test
        void textOfAnotherIdIsAnotherPart() {
            decode("{\"type\":\"text-delta\",\"id\":\"x\",\"delta\":\"a\"}",
                    "{\"type\":\"text-delta\",\"id\":\"x\",\"delta\":\"b\"}",
                    "{\"type\":\"text-delta\",\"id\":\"y\",\"delta\":\"c\"}");

            assertThat(all(TextStarted.class)).extracting(TextStarted::id).containsExactly("text-1", "text-2");
            assertThat(all(TextDelta.class)).extracting(TextDelta::text).containsExactly("a", "b", "c");
        }

        @Test
        void anErrorEventFailsTheTurnEvenIfACompletionCame() {
            decode("{\"type\":\"data-operation\",\"data\":{\"type\":\"completion\"}}",
                    "{\"type\":\"error\",\"message\":\"boom\",\"severity\":\"error\"}", "[DONE]");

            assertThat(end().failure()).isEqualTo(
                    Failure.of(Failure.Code.UPSTREAM_ERROR, "The {upstream} could not answer: boom"));
        }

        @Test
        void anErrorThatInkeepGotOverDoesNotFailTheTurn() {
            decode("{\"type\":\"data-operation\",\"data\":{\"type\":\"error\",\"message\":\"first try\"}}",
                    "{\"type\":\"data-operation\",\"data\":{\"type\":\"completion\"}}", "[DONE]");

            assertThat(end()).isEqualTo(Ended.completed(FinishReason.STOP, null));
        }

        @Test
        void aCallAsksOnce() {
            decode("{\"type\":\"tool-input-available\",\"toolCallId\":\"c\",\"toolName\":\"t\"}",
                    "{\"type\":\"tool-approval-request\",\"toolCallId\":\"c\",\"approvalId\":\"a\"}",
                    "{\"type\":\"tool-approval-request\",\"toolCallId\":\"c\",\"approvalId\":\"b\"}");

            assertThat(all(ApprovalRequested.class)).containsExactly(CallEvents.asked("a", "c"));
            assertThat(all(Data.class)).extracting(Data::type).containsExactly("data-inkeep-tool-approval-request");
        }

        private static String operation(String kind, String data) {
            return "{\"type\":\"data-operation\",\"data\":{\"type\":\"%s\",\"details\":{\"data\":%s}}}".formatted(kind, data);
        }

        @Test
        void anOperationOfACallThatWasAnnouncedIsOnlyData() {
            decode("{\"type\":\"tool-input-start\",\"toolCallId\":\"c\",\"toolName\":\"t\"}",
                    operation("tool_call", "{\"toolName\":\"t\",\"toolCallId\":\"c\",\"needsApproval\":true}"),
                    "{\"type\":\"tool-input-available\",\"toolCallId\":\"c\",\"toolName\":\"t\"}",
                    operation("tool_result", "{\"toolName\":\"t\",\"toolCallId\":\"c\",\"output\":1}"));

            assertThat(all(ToolCalled.class)).hasSize(1);
            assertThat(all(ApprovalRequested.class)).isEmpty();
            assertThat(all(ToolSucceeded.class)).isEmpty();
            assertThat(all(Data.class)).hasSize(2);
        }

        @Test
        void aLegacyCallThatWasDeniedFailedOrGaveALikeTextIsToldApart() {
            String denied = "\"User denied approval to run this tool: no\"";
            for (String id : List.of("a", "b", "c")) {
                decode(operation("tool_call", "{\"toolName\":\"t\",\"toolCallId\":\"" + id + "\",\"needsApproval\":true}"));
            }
            decode(operation("tool_call", "{\"toolName\":\"t\",\"toolCallId\":\"d\"}"),
                    operation("tool_result", "{\"toolCallId\":\"a\",\"output\":" + denied + ",\"needsApproval\":true}"),
                    operation("tool_result",
                            "{\"toolCallId\":\"b\",\"output\":null,\"error\":\"broke\",\"needsApproval\":true}"),
                    operation("tool_result", "{\"toolCallId\":\"c\",\"output\":{\"result\":1},\"needsApproval\":true}"),
                    operation("tool_result", "{\"toolCallId\":\"d\",\"output\":" + denied + ",\"needsApproval\":false}"),
                    operation("tool_result", "{\"toolCallId\":\"d\",\"output\":2}"));

            assertThat(all(ApprovalRequested.class)).extracting(ApprovalRequested::approvalId).containsExactly("aitxt-a",
                    "aitxt-b", "aitxt-c");
            assertThat(all(ChatEvent.ToolDenied.class)).containsExactly(new ChatEvent.ToolDenied("a"));
            assertThat(all(ChatEvent.ToolFailed.class)).containsExactly(new ChatEvent.ToolFailed("b", "broke"));
            assertThat(all(ToolSucceeded.class)).containsExactly(new ToolSucceeded("c", new RawJson("{\"result\":1}")),
                    new ToolSucceeded("d", new RawJson(denied)));
        }

        @Test
        void operationsThatOnlyThisServiceAskedForAreNotPassedOn() {
            List<String> frames = List.of(operation("agent_initializing", "{}"), operation("tool_call",
                    "{\"toolName\":\"t\",\"toolCallId\":\"c\"}"), operation("agent_generate", "{}"),
                    operation("completion", "{}"));
            AnswerDecoder quiet = new AgentsDecoder(new PartBoundaries(), AgentsDecoder.Mode.CLASSIC, false);

            frames.forEach(frame -> quiet.decode(null, frame, events));

            assertThat(all(ToolCalled.class)).hasSize(1);
            assertThat(all(Data.class)).extracting(data -> data.data().text())
                    .allMatch(text -> text.contains("agent_initializing") || text.contains("completion")).hasSize(2);
        }

        @Test
        void aDurableRunThatNobodyExpectedCannotWait() {
            AnswerDecoder unforeseen = new AgentsDecoder(new PartBoundaries("wrun"), AgentsDecoder.Mode.UNFORESEEN, true);
            DecoderTest.this.decode(unforeseen, "{\"type\":\"tool-input-available\",\"toolCallId\":\"c\",\"toolName\":\"t\"}",
                    "{\"type\":\"tool-approval-request\",\"toolCallId\":\"c\",\"approvalId\":\"a\"}");
            unforeseen.ended(events);

            assertThat(end().failure().code()).isEqualTo(Failure.Code.APPROVAL_UNAVAILABLE);
        }

        @Test
        void theAnswerToADecisionIsCutWhereItsOutcomeIsMissing() {
            PartBoundaries brackets = new PartBoundaries("wrun");
            AgentsDecoder parked = RecordedAnswer.agents(brackets, "wrun");
            DecoderTest.this.decode(parked, "{\"type\":\"tool-input-available\",\"toolCallId\":\"c\",\"toolName\":\"t\"}",
                    "{\"type\":\"tool-approval-request\",\"toolCallId\":\"c\",\"approvalId\":\"a\"}");
            parked.ended(events);
            assertThat(events.getLast()).isInstanceOf(ApprovalRequested.class);

            new AgentsDecoder(brackets.continued(), AgentsDecoder.Mode.DURABLE, true).after(0).ended(events);

            assertThat(end().failure().code()).isEqualTo(Failure.Code.UPSTREAM_CUT);
        }

        @ParameterizedTest
        @ValueSource(strings = { "", "{", "[]", "17", "null", "{}", "{\"type\":null}", "{\"type\":\"start\"} x",
                "{\"type\":\"start\"}{\"type\":\"start\"}", "{\"type\":\"data-x\",\"data\":NaN}" })
        void whatIsNotTheProtocolEndsTheTurn(String frame) {
            decode("{\"type\":\"start\",\"messageId\":\"m\"}", frame);

            assertThat(end().failure().code()).isEqualTo(Failure.Code.UPSTREAM_PROTOCOL);
        }

        @Test
        void nothingIsDecodedAfterTheEnd() {
            decode("[DONE]", "{\"type\":\"text-delta\",\"id\":\"x\",\"delta\":\"late\"}", "[DONE]");
            decoder.ended(events);
            decoder.broken(events);

            assertThat(events).hasSize(1);
        }
    }

    @Nested
    class OfCloud {

        private final CloudDecoder decoder = new CloudDecoder();

        private void decode(String... frames) {
            DecoderTest.this.decode(decoder, frames);
        }

        private String called(String arguments) {
            return """
                    {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c","type":"function",\
                    "function":{"name":"t","arguments":"%s"}}]},"finish_reason":"tool_calls"}]}"""
                    .formatted(arguments.replace("\\", "\\\\").replace("\"", "\\\""));
        }

        @Test
        void argumentsStayAsTheyCame() {
            decode(called("{\"a\": 1.50}"), "[DONE]");

            assertThat(all(ToolCalled.class))
                    .containsExactly(CallEvents.calledForCaller("c", "t", new RawJson("{\"a\": 1.50}"), 0));
        }

        @Test
        void noArgumentsAreAnEmptyObject() {
            decode(called(" "), "[DONE]");

            assertThat(all(ToolCalled.class)).extracting(ToolCalled::input).containsExactly(RawJson.EMPTY_OBJECT);
        }

        @ParameterizedTest
        @ValueSource(strings = { "{\"a\":", "{\"a\":1} and more", "{\"a\":1}{\"b\":2}", "{\"a\":1}}", "not json" })
        void argumentsThatAreNotJsonAreAStringThatSaysThem(String arguments) {
            decode(called(arguments), "[DONE]");

            assertThat(all(ToolCalled.class)).singleElement()
                    .satisfies(call -> assertThat(call.input().text()).startsWith("\"").endsWith("\"")
                            .isEqualTo("\"" + arguments.replace("\"", "\\\"") + "\""));
        }

        @Test
        void aMemberOfADeltaThatIsNotKnownTravelsAsData() {
            decode("{\"choices\":[{\"delta\":{\"audio_id\":\"hm\",\"refusal\":null}}]}");

            assertThat(all(Data.class)).containsExactly(new Data("data-inkeep-audio-id", null, new RawJson("\"hm\"")));
        }

        @ParameterizedTest
        @ValueSource(strings = { "\"reasoning_content\":\"\",\"reasoning\":\"Hm.\"",
                "\"reasoning_content\":\"Hm.\",\"reasoning\":\"\"",
                "\"reasoning_content\":\"Hm.\",\"reasoning\":\"Hm.\"", "\"reasoning_content\":null,\"reasoning\":\"Hm.\"" })
        void reasoningIsToldOnceWhicheverMemberHasIt(String members) {
            decode("{\"choices\":[{\"delta\":{" + members + "}}]}", "{\"choices\":[{\"delta\":{\"content\":\"4\"}}]}",
                    "[DONE]");

            assertThat(all(ReasoningDelta.class)).extracting(ReasoningDelta::text).containsExactly("Hm.");
            assertThat(all(Data.class)).isEmpty();
        }

        @Test
        void anotherReasoningUnderTheSecondNameIsCarriedOn() {
            decode("{\"choices\":[{\"delta\":{\"reasoning_content\":\"Hm.\",\"reasoning\":\"Ah.\"}}]}", "[DONE]");

            assertThat(all(ReasoningDelta.class)).extracting(ReasoningDelta::text).containsExactly("Hm.");
            assertThat(all(Data.class)).containsExactly(
                    new Data("data-inkeep-reasoning", null, new RawJson("\"Ah.\"")));
        }

        @Test
        void anAnswerThatWasTooLongForTheModelSaysSo() {
            decode("{\"error\":{\"message\":\"too long\",\"code\":\"context_length_exceeded\"}}");

            assertThat(end().failure().code()).isEqualTo(Failure.Code.CONTEXT_LENGTH_EXCEEDED);
        }

        @Test
        void anUnknownReasonIsAnotherOne() {
            decode("{\"choices\":[{\"delta\":{},\"finish_reason\":\"brand_new\"}]}", "[DONE]");

            assertThat(end()).isEqualTo(Ended.completed(FinishReason.OTHER, null));
        }

        @ParameterizedTest
        @ValueSource(strings = { "{", "[]", "\"\"", "17" })
        void whatIsNotTheProtocolEndsTheTurn(String frame) {
            decode(frame);

            assertThat(end().failure().code()).isEqualTo(Failure.Code.UPSTREAM_PROTOCOL);
        }

        @Test
        void withoutDoneAnAnswerIsCutEvenIfItGaveItsReason() {
            decode("{\"choices\":[{\"delta\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}");
            decoder.ended(events);

            assertThat(end().outcome()).isEqualTo(Outcome.FAILED);
            assertThat(end().failure().code()).isEqualTo(Failure.Code.UPSTREAM_CUT);
        }
    }
}
