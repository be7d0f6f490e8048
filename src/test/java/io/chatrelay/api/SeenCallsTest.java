package io.chatrelay.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;

import io.chatrelay.api.protocol.UnclosedParts;
import io.chatrelay.approval.DecideCommand.Answer;
import io.chatrelay.event.ApprovalState;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.ApprovalDecided;
import io.chatrelay.event.ChatEvent.Data;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.ChatEvent.Started;
import io.chatrelay.event.ChatEvent.StepFinished;
import io.chatrelay.event.ChatEvent.StepStarted;
import io.chatrelay.event.ChatEvent.TextDelta;
import io.chatrelay.event.ChatEvent.TextEnded;
import io.chatrelay.event.ChatEvent.TextStarted;
import io.chatrelay.event.ChatEvent.ToolDenied;
import io.chatrelay.event.ChatEvent.ToolSucceeded;
import io.chatrelay.event.FinishReason;
import io.chatrelay.event.RawJson;
import io.chatrelay.support.CallEvents;
import io.chatrelay.support.Json;

/** Where a client stands that answers an approval is found from what its message knows of the calls. */
class SeenCallsTest {

    private static final RawJson ONE = new RawJson("1");
    private static final ChatEvent NOISE = new Data("data-x", null, ONE);
    private static final Ended END = Ended.completed(FinishReason.STOP, null);

    private static ChatEvent called(String id) {
        return CallEvents.called(id, "t", ONE, 0);
    }

    private static ChatEvent asks(String id) {
        return CallEvents.asked("aitxt-" + id, id);
    }

    private static ChatEvent decided(String id) {
        return new ApprovalDecided("aitxt-" + id, id, ApprovalState.APPROVED, null);
    }

    private static ChatEvent done(String id) {
        return new ToolSucceeded(id, ONE);
    }

    /** Two calls that ask one after the other, each in a step of its own. */
    private static final List<ChatEvent> IN_TURN = List.of(new Started("m"), new StepStarted(), called("a"), asks("a"), NOISE,
            decided("a"), done("a"), new StepFinished(), new StepStarted(), called("b"), asks("b"), decided("b"),
            new ToolDenied("b"), new StepFinished(), END);

    /** Two that ask together, and are decided one by one. */
    private static final List<ChatEvent> TOGETHER = List.of(new Started("m"), new StepStarted(), called("a"), asks("a"),
            called("b"), asks("b"), NOISE, decided("a"), done("a"), decided("b"), done("b"), new StepFinished(), END);

    /** @param parts each {@code id=state}, in a client's message; those in the state approval-responded are its answers */
    private static ReplayPosition standing(List<ChatEvent> events, String... parts) {
        List<JsonBody> seen = Stream.of(parts).map(part -> part.split("="))
                .map(part -> new JsonBody(Json.of("{'type':'tool-t','toolCallId':'%s','state':'%s'%s}".formatted(part[0],
                        part[1], part[1].startsWith("approval") ? ",'approval':{'id':'x','approved':true}" : "")), ""))
                .toList();
        List<Answer> answers = seen.stream().filter(part -> part.text("state").equals("approval-responded"))
                .map(part -> new Answer("", "", "", part.text("toolCallId"), true, null, null, null)).toList();
        SeenCalls.Search search = SeenCalls.of(seen, answers).new Search();
        events.forEach(search::take);
        return search.found();
    }

    private static long place(List<ChatEvent> events, String... parts) {
        ReplayPosition standing = standing(events, parts);
        assertThat(standing.goesOn()).isTrue();
        return standing.after();
    }

    @Test
    void itIsTheLastPauseOfWhichTheMessageKnowsAll() {
        assertThat(place(IN_TURN, "a=approval-responded")).isEqualTo(4);
        assertThat(place(IN_TURN, "a=output-available", "b=approval-responded")).isEqualTo(11);
        assertThat(place(TOGETHER, "a=approval-responded", "b=approval-responded")).isEqualTo(6);
        assertThat(place(TOGETHER, "a=output-available", "b=approval-responded")).isEqualTo(9);
    }

    @Test
    void whatHappenedSinceDoesNotMoveIt() {
        for (int known = 6; known <= TOGETHER.size(); known++) {
            assertThat(place(TOGETHER.subList(0, known), "a=approval-responded", "b=approval-responded")).isEqualTo(6);
        }
    }

    @Test
    void aClientThatSawOnlyTheFirstOfTwoStandsAtTheFirst() {
        assertThat(place(TOGETHER, "a=approval-responded")).isEqualTo(4);
    }

    @Test
    void oneThatAnswersOneOfTwoStandsWhereBothHadAsked() {
        assertThat(place(TOGETHER, "a=approval-responded", "b=approval-requested")).isEqualTo(6);
    }

    @Test
    void aMessageThatKeepsLessThanItWasToldStandsWhereAllThatItAnswersHadAsked() {
        assertThat(place(IN_TURN, "b=approval-responded")).isEqualTo(11);
        List<ChatEvent> three = Stream.of(List.of(called("0"), done("0")), TOGETHER).flatMap(List::stream).toList();
        assertThat(place(three, "a=approval-responded", "b=approval-responded")).isEqualTo(8);
    }

    @Test
    void whereTheTurnNeverPausedItIsTheAskItself() {
        assertThat(place(List.of(called("b"), called("a"), asks("a"), decided("a"), done("a"), done("b"), END),
                "a=approval-responded")).isEqualTo(3);
    }

    @Test
    void theCallsAndBracketsAreThoseOfThatPlace() {
        ReplayPosition standing = standing(List.of(new StepStarted(), called("a"), new TextStarted("t"), asks("a"),
                new TextDelta("t", "x"), new TextEnded("t"), decided("a"), done("a"), END), "a=approval-responded");

        assertThat(standing.after()).isEqualTo(4);
        assertThat(standing.brackets()).isEqualTo(new UnclosedParts(true, "t", null));
        assertThat(standing.calls().waiting()).containsExactly("a");
        assertThat(standing.calls().mayPause()).isTrue();
    }
}
