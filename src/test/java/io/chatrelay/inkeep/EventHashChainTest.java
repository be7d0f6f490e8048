package io.chatrelay.inkeep;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Call;
import io.chatrelay.event.ChatEvent.Started;
import io.chatrelay.event.ChatEvent.TextDelta;
import io.chatrelay.event.ChatEvent.ToolInputFailed;
import io.chatrelay.event.ChatEventCodec;
import io.chatrelay.event.RawJson;
import io.chatrelay.support.CallEvents;

/** Two tellings of one run are the same, whoever stored the first; of two runs they never are. */
class EventHashChainTest {

    private static final ChatEventCodec CODEC = new ChatEventCodec();

    private static EventHashChain of(List<ChatEvent> events) {
        EventHashChain trail = new EventHashChain();
        events.forEach(trail::add);
        return trail;
    }

    /** As a version stored it that numbered no inputs, and did not write down whose a call is. */
    private static ChatEvent storedBefore(ChatEvent event) {
        byte[] line = new String(CODEC.encode(event), UTF_8).replaceFirst(",\"own\":[01]", "")
                .replaceFirst("(\\{\"t\":\"input-start\".*),\"i\":[0-9]+", "$1").getBytes(UTF_8);
        return CODEC.decode(line, 0, line.length);
    }

    @ParameterizedTest
    @ValueSource(strings = { "agents/80a-chat-two-approvals", "agents/30-chat-approve-function-tool-1-stream",
            "agents/21a-chat-function-tool-throws" })
    void aRunThatAnEarlierVersionStoredIsTheSameReadAgain(String recording) {
        List<ChatEvent> read = RecordedAnswer.said(recording);
        List<ChatEvent> stored = read.stream().map(EventHashChainTest::storedBefore).toList();

        assertThat(stored).as("it did not store all of them as they are").isNotEqualTo(read);
        assertThat(of(read).isSame(of(stored))).isTrue();
    }

    /** Whether this service counted them otherwise says nothing of the run. */
    @Test
    void aNumberIsNotWhatARunSaid() {
        RawJson input = new RawJson("{\"q\":1}");

        for (int number : new int[]{ -1, 0, 7 }) {
            Call call = new Call(number, "c", "c");
            assertThat(of(List.of(new ToolInputFailed(call, "t", input, "no")))
                    .isSame(of(List.of(new ToolInputFailed(new Call(3, "c", "c"), "t", input, "no"))))).isTrue();
            assertThat(of(List.of(CallEvents.called("c", "t", input, number)))
                    .isSame(of(List.of(CallEvents.calledForCaller("c", "t", input, 3))))).isTrue();
        }
    }

    static Stream<ChatEvent> others() {
        RawJson input = new RawJson("{\"q\":2}");
        return Stream.of(CallEvents.called("d", "t", RawJson.EMPTY_OBJECT, 0),
                CallEvents.called("c", "u", RawJson.EMPTY_OBJECT, 0), CallEvents.called("c", "t", input, 0),
                CallEvents.started("c", "t"), new TextDelta("text-1", "Hi"),
                new ToolInputFailed(new Call(0, "c", "c"), "t", RawJson.EMPTY_OBJECT, "no"));
    }

    @ParameterizedTest
    @MethodSource("others")
    void whatWasSaidIs(ChatEvent other) {
        EventHashChain trail = of(List.of(new Started("run"), CallEvents.called("c", "t", RawJson.EMPTY_OBJECT, 0)));

        assertThat(trail.isSame(of(List.of(new Started("run"), other)))).isFalse();
        assertThat(trail.isSame(of(List.of(new Started("run"))))).isFalse();
        assertThat(of(List.of(other)).isSame(of(List.of(other)))).isTrue();
    }

    @Test
    void aCopyGoesItsOwnWay() {
        EventHashChain trail = of(List.of(new Started("run"), new TextDelta("text-1", "Hi")));
        EventHashChain copy = trail.copy();
        assertThat(copy.isSame(trail)).isTrue();
        assertThat(copy.run()).isEqualTo("run");

        copy.add(new TextDelta("text-1", " there"));

        assertThat(trail.length()).isEqualTo(2);
        assertThat(copy.length()).isEqualTo(3);
        assertThat(copy.isSame(trail)).isFalse();
    }
}
