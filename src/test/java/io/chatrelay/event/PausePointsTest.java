package io.chatrelay.event;

import static io.chatrelay.support.Events.COMPLETED;
import static io.chatrelay.support.Events.FAILED;
import static io.chatrelay.support.Events.json;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.chatrelay.event.ChatEvent.ApprovalDecided;
import io.chatrelay.event.ChatEvent.Data;
import io.chatrelay.event.ChatEvent.StepFinished;
import io.chatrelay.event.ChatEvent.StepStarted;
import io.chatrelay.event.ChatEvent.ToolDenied;
import io.chatrelay.event.ChatEvent.ToolFailed;
import io.chatrelay.event.ChatEvent.ToolSucceeded;
import io.chatrelay.inkeep.RecordedAnswer;
import io.chatrelay.support.CallEvents;

class PausePointsTest {

    private static final Data DATA = new Data("data-x", null, json("1"));

    private static ChatEvent called(String id) {
        return CallEvents.called(id, "t", json("{}"), 0);
    }

    private static ChatEvent asks(String id) {
        return CallEvents.asked("aitxt-" + id, id);
    }

    private static ChatEvent decided(String id) {
        return new ApprovalDecided("aitxt-" + id, id, ApprovalState.APPROVED, null);
    }

    private static ChatEvent done(String id) {
        return new ToolSucceeded(id, json("1"));
    }

    /** The pause points, each as what waits there. */
    private static List<String> points(List<ChatEvent> events) {
        PausePoints fold = new PausePoints();
        List<String> points = new ArrayList<>();
        for (int i = 0; i < events.size(); i++) {
            if (fold.apply(events.get(i))) {
                assertThat(fold.mayPause()).isTrue();
                points.add("%s after %s %d".formatted(String.join("+", fold.waiting()),
                        events.get(i).getClass().getSimpleName(), i + 1));
            }
        }
        return points;
    }

    private static List<String> points(ChatEvent... events) {
        return points(List.of(events));
    }

    @ParameterizedTest
    @ValueSource(strings = { "30-chat-approve-function-tool-1-stream", "31-chat-deny-function-tool-1-stream" })
    void oneApprovalIsOnePausePoint(String recording) {
        assertThat(points(RecordedAnswer.journalled("agents/" + recording))).singleElement().asString()
                .matches("call_fake_4[35]_0 after ApprovalRequested 8");
    }

    @Test
    void twoThatAskTogetherMayBeAnsweredTogetherOrOneByOne() {
        assertThat(points(RecordedAnswer.journalled("agents/80a-chat-two-approvals"))).containsExactly(
                "call_fake_1_0 after ApprovalRequested 7", "call_fake_1_0+call_fake_1_1 after ApprovalRequested 12",
                "call_fake_1_0 after ToolDenied 13");
    }

    @ParameterizedTest
    @ValueSource(strings = { "20a-chat-tool-no-approval", "21a-chat-function-tool-throws", "01-chat-plain-stream" })
    void whereNobodyAsksThereIsNone(String recording) {
        assertThat(points(RecordedAnswer.journalled("agents/" + recording))).isEmpty();
    }

    @Test
    void threeInTurnAreThreePausePoints() {
        assertThat(points(new StepStarted(), called("a"), asks("a"), decided("a"), done("a"), new StepFinished(),
                new StepStarted(), called("b"), asks("b"), decided("b"), new ToolDenied("b"), new StepFinished(),
                new StepStarted(), called("c"), asks("c"), decided("c"), new ToolFailed("c", "no"), COMPLETED))
                .containsExactly("a after ApprovalRequested 3", "b after ApprovalRequested 9",
                        "c after ApprovalRequested 15");
    }

    @Test
    void aCallWithoutApprovalIsWaitedFor() {
        assertThat(points(called("a"), called("b"), asks("a"), DATA, done("b"))).containsExactly("a after ToolSucceeded 5");
        assertThat(points(called("a"), asks("a"), CallEvents.started("b", "t"), called("b"), done("b"))).containsExactly(
                "a after ApprovalRequested 2", "a after ToolSucceeded 5");
        assertThat(points(called("a"), CallEvents.started("b", "t"), asks("a"))).isEmpty();
    }

    @Test
    void oneThatIsDecidedHasToHaveItsOutcomeFirst() {
        assertThat(points(called("a"), called("b"), asks("a"), asks("b"), decided("a"), done("a"))).containsExactly(
                "a+b after ApprovalRequested 4", "b after ToolSucceeded 6");
    }

    @Test
    void whatChangesNoCallIsNoPausePointOfItsOwn() {
        PausePoints fold = new PausePoints();

        assertThat(fold.mayPause()).isFalse();
        assertThat(fold.apply(called("a"))).isFalse();
        assertThat(fold.apply(asks("a"))).isTrue();
        assertThat(fold.apply(DATA)).isFalse();
        assertThat(fold.apply(new StepFinished())).isFalse();
        assertThat(fold.apply(asks("a"))).isFalse();
        assertThat(fold.mayPause()).isTrue();
        assertThat(fold.apply(FAILED)).isFalse();
        assertThat(fold.mayPause()).isFalse();
    }

    @Test
    void whatTheTurnNeverCalledIsNothingToWaitFor() {
        assertThat(points(asks("a"), called("b"), asks("b"), done("c"))).containsExactly("b after ApprovalRequested 3");
    }

    @Test
    void aCopyGoesItsOwnWay() {
        PausePoints fold = new PausePoints();
        fold.apply(called("a"));
        PausePoints copy = new PausePoints(fold);

        assertThat(copy.apply(asks("a"))).isTrue();
        assertThat(fold.mayPause()).isFalse();
    }
}
