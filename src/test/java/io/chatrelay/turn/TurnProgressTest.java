package io.chatrelay.turn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import io.chatrelay.turn.TurnProgress.Over;
import io.chatrelay.turn.TurnProgress.Parked;
import io.chatrelay.turn.TurnProgress.Paused;
import io.chatrelay.turn.TurnProgress.Reading;
import io.chatrelay.turn.TurnProgress.StoringApproval;

/** The table of a running turn's states and transitions: whatever is not in it is refused with the names of both. */
class TurnProgressTest {

    private static final Reading READING = new Reading();
    private static final Paused PAUSED = new Paused();
    private static final StoringApproval STORING = new StoringApproval(false);
    private static final StoringApproval STORING_ENDED = new StoringApproval(true);
    private static final Parked PARKED = new Parked();
    private static final Over ENDED = new Over(false);
    private static final Over LEFT = new Over(true);

    private static final List<TurnProgress> STATES = List.of(READING, PAUSED, STORING, STORING_ENDED, PARKED, ENDED, LEFT);

    private static final Map<String, UnaryOperator<TurnProgress>> TRANSITIONS = new LinkedHashMap<>();
    static {
        TRANSITIONS.put("stored", from -> from.stored(true));
        TRANSITIONS.put("stored without room", from -> from.stored(false));
        TRANSITIONS.put("approvalAsked", TurnProgress::approvalAsked);
        TRANSITIONS.put("answerEnded", TurnProgress::answerEnded);
        TRANSITIONS.put("room", TurnProgress::room);
        TRANSITIONS.put("park", TurnProgress::park);
        TRANSITIONS.put("continued", TurnProgress::continued);
        TRANSITIONS.put("ended", TurnProgress::ended);
        TRANSITIONS.put("handedOver", TurnProgress::handedOver);
    }

    private record Legal(TurnProgress from, String transition, TurnProgress to) {}

    private static final List<Legal> LEGAL = List.of(
            new Legal(READING, "stored", READING), new Legal(READING, "stored without room", PAUSED),
            new Legal(READING, "approvalAsked", STORING), new Legal(READING, "park", PARKED),
            new Legal(READING, "ended", ENDED),
            new Legal(READING, "handedOver", LEFT),
            new Legal(PAUSED, "room", READING), new Legal(PAUSED, "park", PARKED), new Legal(PAUSED, "ended", ENDED),
            new Legal(PAUSED, "handedOver", LEFT),
            new Legal(STORING, "stored", READING), new Legal(STORING, "stored without room", PAUSED),
            new Legal(STORING, "answerEnded", STORING_ENDED), new Legal(STORING, "ended", ENDED),
            new Legal(STORING, "handedOver", LEFT),
            new Legal(STORING_ENDED, "stored", READING), new Legal(STORING_ENDED, "stored without room", PAUSED),
            new Legal(STORING_ENDED, "answerEnded", STORING_ENDED), new Legal(STORING_ENDED, "ended", ENDED),
            new Legal(STORING_ENDED, "handedOver", LEFT),
            new Legal(PARKED, "continued", READING), new Legal(PARKED, "ended", ENDED), new Legal(PARKED, "handedOver", LEFT),
            new Legal(ENDED, "ended", ENDED));

    static Stream<Arguments> table() {
        return STATES.stream().flatMap(from -> TRANSITIONS.keySet().stream().map(transition -> Arguments.of(from, transition)));
    }

    @ParameterizedTest
    @MethodSource("table")
    void aTransitionLeadsToItsStateOrIsRefused(TurnProgress from, String transition) {
        UnaryOperator<TurnProgress> step = TRANSITIONS.get(transition);
        LEGAL.stream().filter(legal -> legal.from().equals(from) && legal.transition().equals(transition)).findFirst()
                .ifPresentOrElse(legal -> assertThat(step.apply(from)).isEqualTo(legal.to()),
                        () -> assertThatThrownBy(() -> step.apply(from)).isInstanceOf(IllegalStateException.class)
                                .hasMessage("%s cannot follow %s".formatted(transition.split(" ")[0], from)));
    }
}
