package io.chatrelay.inkeep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Flow;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.FinishReason;
import io.chatrelay.inkeep.RunFollowerState.Comparing;
import io.chatrelay.inkeep.RunFollowerState.Ending;
import io.chatrelay.inkeep.RunFollowerState.Following;
import io.chatrelay.inkeep.RunFollowerState.NotBegun;
import io.chatrelay.inkeep.RunFollowerState.Opening;
import io.chatrelay.inkeep.RunFollowerState.Over;
import io.chatrelay.inkeep.RunFollowerState.Paused;
import io.chatrelay.inkeep.RunFollowerState.Read;

/** The table of a run follower's states and transitions: whatever is not in it is refused with the names of both. */
class RunFollowerStateTest {

    private static final long NOW = 7;
    private static final PendingRequest REQUEST = new PendingRequest(null, null, null);
    private static final Flow.Subscription EVENTS = ScriptedConnection.proxy(Flow.Subscription.class, Map.of());
    private static final AgentsDecoder DECODER = RecordedAnswer.agents(null);
    private static final RereadComparison COMPARISON = new RereadComparison(new EventHashChain());
    private static final ChatEvent LAST = Ended.completed(FinishReason.STOP, null);
    private static final Read READ = new Read(EVENTS, DECODER, COMPARISON, NOW);

    private static final NotBegun NOT_BEGUN = new NotBegun();
    private static final Opening OPENING = new Opening(REQUEST, NOW);
    private static final Comparing COMPARING = new Comparing(READ, false);
    private static final Comparing COMPARING_ASKED = new Comparing(READ, true);
    private static final Following FOLLOWING = new Following(READ, false, false);
    private static final Following FOLLOWING_ASKED = new Following(READ, true, false);
    private static final Following GAVE_MORE = new Following(READ, false, true);
    private static final Paused PAUSED = new Paused();
    private static final Ending ENDING = new Ending(LAST, EVENTS);
    private static final Ending LOST = new Ending(LAST, null);
    private static final Over OVER = new Over();

    private static final List<RunFollowerState> STATES = List.of(NOT_BEGUN, OPENING, COMPARING, COMPARING_ASKED, FOLLOWING,
            FOLLOWING_ASKED, GAVE_MORE, PAUSED, ENDING, LOST, OVER);

    private static final Map<String, UnaryOperator<RunFollowerState>> TRANSITIONS = new LinkedHashMap<>();
    static {
        TRANSITIONS.put("opens", from -> from.opens(REQUEST, NOW));
        TRANSITIONS.put("streams", from -> from.streams(EVENTS, DECODER, COMPARISON));
        TRANSITIONS.put("asks", RunFollowerState::asks);
        TRANSITIONS.put("arrived", RunFollowerState::arrived);
        TRANSITIONS.put("caughtUp", RunFollowerState::caughtUp);
        TRANSITIONS.put("givesMore", RunFollowerState::givesMore);
        TRANSITIONS.put("pauses", RunFollowerState::pauses);
        TRANSITIONS.put("ends", from -> from.ends(LAST));
        TRANSITIONS.put("over", RunFollowerState::over);
    }

    private record Legal(RunFollowerState from, String transition, RunFollowerState to) {}

    private static final List<Legal> LEGAL = List.of(
            new Legal(NOT_BEGUN, "opens", OPENING), new Legal(NOT_BEGUN, "over", OVER),
            new Legal(OPENING, "streams", COMPARING), new Legal(OPENING, "pauses", PAUSED), new Legal(OPENING, "ends", LOST),
            new Legal(OPENING, "over", OVER),
            new Legal(COMPARING, "asks", COMPARING_ASKED), new Legal(COMPARING, "arrived", COMPARING),
            new Legal(COMPARING, "caughtUp", FOLLOWING), new Legal(COMPARING, "pauses", PAUSED),
            new Legal(COMPARING, "ends", ENDING), new Legal(COMPARING, "over", OVER),
            new Legal(COMPARING_ASKED, "arrived", COMPARING), new Legal(COMPARING_ASKED, "caughtUp", FOLLOWING_ASKED),
            new Legal(COMPARING_ASKED, "pauses", PAUSED), new Legal(COMPARING_ASKED, "ends", ENDING),
            new Legal(COMPARING_ASKED, "over", OVER),
            new Legal(FOLLOWING, "asks", FOLLOWING_ASKED), new Legal(FOLLOWING, "arrived", FOLLOWING),
            new Legal(FOLLOWING, "givesMore", GAVE_MORE), new Legal(FOLLOWING, "pauses", PAUSED),
            new Legal(FOLLOWING, "ends", ENDING), new Legal(FOLLOWING, "over", OVER),
            new Legal(FOLLOWING_ASKED, "arrived", FOLLOWING),
            new Legal(FOLLOWING_ASKED, "givesMore", new Following(READ, true, true)),
            new Legal(FOLLOWING_ASKED, "pauses", PAUSED), new Legal(FOLLOWING_ASKED, "ends", ENDING),
            new Legal(FOLLOWING_ASKED, "over", OVER),
            new Legal(GAVE_MORE, "asks", new Following(READ, true, true)), new Legal(GAVE_MORE, "arrived", GAVE_MORE),
            new Legal(GAVE_MORE, "givesMore", GAVE_MORE), new Legal(GAVE_MORE, "pauses", PAUSED),
            new Legal(GAVE_MORE, "ends", ENDING), new Legal(GAVE_MORE, "over", OVER),
            new Legal(PAUSED, "opens", OPENING), new Legal(PAUSED, "over", OVER),
            new Legal(ENDING, "over", OVER), new Legal(LOST, "over", OVER), new Legal(OVER, "over", OVER));

    static Stream<Arguments> table() {
        return STATES.stream().flatMap(from -> TRANSITIONS.keySet().stream().map(transition -> Arguments.of(from, transition)));
    }

    @ParameterizedTest
    @MethodSource("table")
    void aTransitionLeadsToItsStateOrIsRefused(RunFollowerState from, String transition) {
        UnaryOperator<RunFollowerState> step = TRANSITIONS.get(transition);
        LEGAL.stream().filter(legal -> legal.from().equals(from) && legal.transition().equals(transition)).findFirst()
                .ifPresentOrElse(legal -> assertThat(step.apply(from)).isEqualTo(legal.to()),
                        () -> assertThatThrownBy(() -> step.apply(from)).isInstanceOf(IllegalStateException.class)
                                .hasMessage("%s cannot follow %s".formatted(transition, from.getClass().getSimpleName())));
    }

    @Test
    void onlyAReadHasATime() {
        assertThat(List.of(OPENING, COMPARING, FOLLOWING)).extracting(RunFollowerState::openedNanos).containsOnly(NOW);
        assertThatThrownBy(PAUSED::openedNanos).hasMessage("openedNanos cannot follow Paused");
    }
}
