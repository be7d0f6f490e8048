package io.chatrelay.event;

import static io.chatrelay.support.Events.CANCELLED;
import static io.chatrelay.support.Events.COMPLETED;
import static io.chatrelay.support.Events.FAILED;
import static io.chatrelay.support.Events.INTERRUPTED;
import static io.chatrelay.support.Events.json;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

import io.chatrelay.event.ChatEvent.Data;
import io.chatrelay.event.ChatEvent.ReasoningDelta;
import io.chatrelay.event.ChatEvent.ReasoningEnded;
import io.chatrelay.event.ChatEvent.ReasoningStarted;
import io.chatrelay.event.ChatEvent.Started;
import io.chatrelay.event.ChatEvent.StepFinished;
import io.chatrelay.event.ChatEvent.StepStarted;
import io.chatrelay.event.ChatEvent.TextDelta;
import io.chatrelay.event.ChatEvent.TextEnded;
import io.chatrelay.event.ChatEvent.TextStarted;
import io.chatrelay.event.ChatEvent.ToolCalled;
import io.chatrelay.event.ChatEvent.ToolDenied;
import io.chatrelay.event.ChatEvent.ToolFailed;
import io.chatrelay.event.ChatEvent.ToolInputDelta;
import io.chatrelay.event.ChatEvent.ToolInputFailed;
import io.chatrelay.event.ChatEvent.ToolSucceeded;
import io.chatrelay.support.CallEvents;
import io.chatrelay.support.Events;

class TranscriptTest {

    private static Transcript of(ChatEvent... events) {
        Transcript transcript = new Transcript();
        Arrays.asList(events).forEach(transcript::apply);
        return transcript;
    }

    private static Transcript ofEveryKind() {
        return of(Events.OF_EVERY_KIND.toArray(ChatEvent[]::new));
    }

    @Test
    void aMessageHoldsWhatWasSaidCalledAndShownInItsOrder() {
        assertThat(ofEveryKind().parts()).isEqualTo(
                """
                        [{"type":"data-operation","data":{"a":1}},\
                        {"type":"step-start"},\
                        {"type":"text","text":"Let me see.","state":"done"},\
                        {"type":"tool-get_time","toolCallId":"c1","state":"output-available","input":{"tz":"UTC"},"output":{"now": 1.50}},\
                        {"type":"tool-delete_file","toolCallId":"c2","state":"output-denied","input":{},"approval":{"id":"aitxt-c2","approved":false,"reason":"No."}},\
                        {"type":"tool-boom","toolCallId":"c3","state":"output-error","input":{},"errorText":"exploded"},\
                        {"type":"data-tool-approval","id":"aitxt-c2","data":{"toolCallId":"c2","state":"denied","reason":"No."}},\
                        {"type":"step-start"},\
                        {"type":"text","text":"Noon.","state":"done"},\
                        {"type":"data-chart","id":"chart-1","data":[1, 2]},\
                        {"type":"reasoning","text":"They ask.","state":"done"},\
                        {"type":"tool-get_time","toolCallId":"c1~2","state":"output-error","rawInput":"{","errorText":"Invalid input"}]""");
    }

    @Test
    void itsTextIsAllRunsJoinedAndItsCallsCount() {
        Transcript transcript = ofEveryKind();

        assertThat(transcript.text()).isEqualTo("Let me see.Noon.");
        assertThat(transcript.calls()).extracting(call -> call.call().number()).containsExactly(0, 1, 2);
        assertThat(transcript.calls()).extracting(ToolCalled::toolName).containsExactly("get_time", "delete_file", "boom");
        assertThat(transcript.sideParts()).filteredOn(Data.class::isInstance).extracting(part -> ((Data) part).type())
                .containsExactly("data-operation", "data-tool-approval",
                        "data-chart");
    }

    @Test
    void itKnowsHowFarTheTurnIs() {
        assertThat(of().started()).isFalse();
        assertThat(of().hasContent()).isFalse();
        assertThat(of(new Started("m-1")).started()).isTrue();
        assertThat(of(new Started("m-1")).upstreamMessageId()).isEqualTo("m-1");
        assertThat(of(new Started("m-1")).hasContent()).isFalse();
        assertThat(of(new Started(null), new StepStarted()).hasContent()).isTrue();
        assertThat(of(new Started(null)).ended()).isNull();
        assertThat(of(FAILED).ended()).isEqualTo(FAILED);
    }

    @Test
    void aMessageWithoutPartsIsAnEmptyArray() {
        assertThat(of(new Started("m")).parts()).isEqualTo("[]");
    }

    @Test
    void anOutcomeOfACallThatNeverWasIsPassedOver() {
        assertThat(of(new ToolDenied("x"), CallEvents.asked("a", "x"), new ToolFailed("x", "no")).parts()).isEqualTo("[]");
    }

    @Test
    void reasoningIsKeptAndIsNoPartOfTheText() {
        Transcript transcript = of(new ReasoningStarted("r"), new ReasoningDelta("r", "They "), new ReasoningDelta("r", "ask."),
                new ReasoningEnded("r"), new TextStarted("t"), new TextDelta("t", "4"), new TextEnded("t"));

        assertThat(transcript.text()).isEqualTo("4");
        assertThat(transcript.reasoning()).isEqualTo("They ask.");
        assertThat(transcript.parts()).startsWith("[{\"type\":\"reasoning\",\"text\":\"They ask.\",\"state\":\"done\"},");
    }

    @Test
    void whatIsTransientIsNotKept() {
        assertThat(of(new Data("data-progress", "p", json("40"), true)).parts()).isEqualTo("[]");
    }

    @Test
    void theWordsOfARefusalAreOnePart() {
        Transcript transcript = of(new Data(Data.REFUSAL, null, json("\"I \"")),
                new Data(Data.REFUSAL, null, json("\"won't.\"")));

        assertThat(transcript.refusal()).isEqualTo("I won't.");
        assertThat(transcript.parts()).isEqualTo("[{\"type\":\"data-refusal\",\"data\":\"I won't.\"}]");
    }

    @Test
    void aCallThatWaitsIsKeptAsWaiting() {
        assertThat(of(CallEvents.called("c", "t", json("{}"), 0), CallEvents.asked("a", "c")).parts()).isEqualTo(
                "[{\"type\":\"tool-t\",\"toolCallId\":\"c\",\"state\":\"approval-requested\",\"input\":{},\"approval\":{\"id\":\"a\"}}]");
    }

    @Test
    void whatJsonbRefusesIsReplacedEverywhere() {
        String bad = "a\u0000b\ud83e";
        String escaped = "{\"k\\u0000\":\"\\u0000\\ud83e\",\"n\":1e999}";

        String parts = of(new StepStarted(), new TextStarted("t"), new TextDelta("t", bad), new TextEnded("t"),
                CallEvents.called(bad, bad, json(escaped), 0), CallEvents.asked(bad, bad),
                new ToolSucceeded(bad, json(escaped)),
                CallEvents.called("f", "t", json("{}"), 1), new ToolFailed("f", bad),
                new Data("data-" + bad, bad, json(escaped)))
                .parts();

        assertThat(parts).doesNotContain("\\u0000", "\\ud83e", "\u0000", "1e999,", "1e999}")
                .contains("a\ufffdb\ufffd", "k\ufffd", "\"1e999\"");
    }

    @Test
    void anEmojiThatWasSplitBetweenTwoDeltasIsKeptWhole() {
        assertThat(of(new TextStarted("t"), new TextDelta("t", "\ud83e"), new TextDelta("t", "\udd8a")).parts()).contains("🦊");
    }

    @Nested
    class ClosesWhatIsOpen {

        private static final String NO_OUTCOME = "The turn ended without an outcome of this call.";

        private final ChatEvent[] inText = { new Started("m"), new StepStarted(), new TextStarted("text-1"),
                new TextDelta("text-1", "Hal") };
        private final ChatEvent[] inCalls = { new Started("m"), new StepStarted(), CallEvents.called("a", "t", json("{}"), 0),
                CallEvents.called("b", "t", json("{}"), 1), CallEvents.called("c", "t", json("{}"), 2),
                CallEvents.asked("x", "c"),
                new ToolSucceeded("a", json("1")) };

        @Test
        void beforeTheFirstEventThereIsNothingToClose() {
            assertThat(of().closing(FAILED)).containsExactly(FAILED);
        }

        @Test
        void textAndStepAreClosedHoweverTheTurnEnds() {
            for (ChatEvent.Ended end : List.of(COMPLETED, FAILED, CANCELLED, INTERRUPTED)) {
                assertThat(of(inText).closing(end)).containsExactly(new TextEnded("text-1"), new StepFinished(), end);
            }
        }

        @Test
        void whatIsClosedAlreadyIsNotClosedAgain() {
            assertThat(ofEveryKind().closing(COMPLETED)).containsExactly(COMPLETED);
            assertThat(ofEveryKind().closing(CANCELLED)).containsExactly(CANCELLED);
        }

        @Test
        void aCancelSettlesTheCallsThatAreOpen() {
            assertThat(of(inCalls).closing(CANCELLED)).containsExactly(new ToolFailed("b", "cancelled"),
                    new ToolFailed("c", "cancelled"), new StepFinished(), CANCELLED);
        }

        @Test
        void aCancelSettlesACallWhoseInputIsNotWhole() {
            assertThat(of(new Started("m"), new StepStarted(), CallEvents.started("a", "t"), new ToolInputDelta("a", "{"))
                    .closing(CANCELLED)).containsExactly(
                            new ToolInputFailed(new ChatEvent.Call(0, "a", "a"), "t", json("\"{\""), "cancelled"),
                            new StepFinished(), CANCELLED);
            assertThat(of(CallEvents.started("a", "t"), CallEvents.called("a", "t", json("{}"), 0)).closing(CANCELLED))
                    .containsExactly(new ToolFailed("a", "cancelled"), CANCELLED);
            assertThat(of(CallEvents.started("a", "t"), CallEvents.called("a", "t", json("{}"), 0), new ToolDenied("a"))
                    .closing(CANCELLED)).containsExactly(CANCELLED);
        }

        @Test
        void everyOtherEndSettlesThemToo() {
            for (ChatEvent.Ended end : List.of(FAILED, INTERRUPTED, COMPLETED)) {
                assertThat(of(inCalls).closing(end)).containsExactly(new ToolFailed("b", NO_OUTCOME),
                        new ToolFailed("c", NO_OUTCOME), new StepFinished(), end);
            }
        }

        @Test
        void onlyTheCallerIsLeftItsOwnCallsAndOnlyInACompletedTurn() {
            ChatEvent own = CallEvents.calledForCaller("a", "t", json("{}"), 0);

            assertThat(of(own).closing(COMPLETED)).containsExactly(COMPLETED);
            assertThat(of(own).closing(FAILED)).containsExactly(new ToolFailed("a", NO_OUTCOME), FAILED);
        }

        @Test
        void anInputThatNeverBecameWholeIsSettledAndKept() {
            for (ChatEvent.Ended end : List.of(COMPLETED, FAILED, INTERRUPTED)) {
                Transcript transcript = of(CallEvents.started("c", "t"), new ToolInputDelta("c", "{\"q\":"));

                List<ChatEvent> closing = transcript.closing(end);
                closing.forEach(transcript::apply);

                assertThat(closing.getFirst()).isInstanceOf(ToolInputFailed.class);
                assertThat(transcript.parts()).isEqualTo("""
                        [{"type":"tool-t","toolCallId":"c","state":"output-error","rawInput":"{\\"q\\":","errorText":\
                        "The turn ended before the input of this call was whole."}]""");
            }
        }

        @Test
        void whatIsKeptOfACancelledTurnIsSettled() {
            Transcript transcript = of(inCalls);
            transcript.closing(CANCELLED).forEach(transcript::apply);

            assertThat(transcript.parts()).contains("\"errorText\":\"cancelled\"").doesNotContain(
                    "\"state\":\"input-available\"",
                    "\"state\":\"approval-requested\"");
        }
    }
}
