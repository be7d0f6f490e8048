package io.chatrelay.inkeep;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;

import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Data;
import io.chatrelay.event.ChatEvent.Started;
import io.chatrelay.event.ChatEvent.TextDelta;
import io.chatrelay.event.RawJson;
import io.chatrelay.inkeep.RereadComparison.Result;

/** Whether the events of a read are those that are known of the run. */
class RereadComparisonTest {

    private static final ChatEvent START = new Started("run");
    private static final ChatEvent A = new TextDelta("text-1", "a");
    private static final ChatEvent B = new TextDelta("text-1", "b");
    private static final ChatEvent OPERATION = new Data("data-operation", null,
            new RawJson("{\"type\":\"agent_generate\"}"));

    private static List<Result> compared(List<ChatEvent> known, ChatEvent... read) {
        EventHashChain chain = new EventHashChain();
        known.forEach(chain::add);
        RereadComparison comparison = new RereadComparison(chain);
        assertThat(comparison.isEmpty()).isTrue();
        List<Result> results = new ArrayList<>();
        for (ChatEvent event : read) {
            results.add(comparison.add(event));
        }
        assertThat(comparison.length()).isEqualTo(read.length);
        return results;
    }

    @Test
    void theSameEventsCatchUpWithTheLastOne() {
        assertThat(compared(List.of(START, A, B), START, A, B)).containsExactly(Result.SHORTER, Result.SHORTER,
                Result.CAUGHT_UP);
    }

    @Test
    void aDifferenceIsSeenOnceAsManyHaveArrived() {
        assertThat(compared(List.of(START, A, B), START, B, A)).containsExactly(Result.SHORTER, Result.SHORTER, Result.DIFFERS);
        assertThat(compared(List.of(START), new Started("other"))).containsExactly(Result.DIFFERS);
    }

    @Test
    void operationsThatWereNotDeliveredDoNotCount() {
        assertThat(compared(List.of(START, A, B), START, OPERATION, A, OPERATION, B)).containsExactly(Result.SHORTER,
                Result.SHORTER, Result.SHORTER, Result.SHORTER, Result.CAUGHT_UP_WITHOUT_OPERATIONS);
        assertThat(compared(List.of(START, A, B), START, OPERATION, B, A)).last().isEqualTo(Result.DIFFERS);
    }

    @Test
    void operationsThatWereDeliveredDo() {
        assertThat(compared(List.of(START, OPERATION, A), START, OPERATION, A)).containsExactly(Result.SHORTER, Result.SHORTER,
                Result.CAUGHT_UP);
        assertThat(compared(List.of(START, OPERATION, A), START, A, OPERATION, B)).last().isEqualTo(Result.DIFFERS);
    }
}
