package io.chatrelay.api;

import io.chatrelay.api.protocol.UnclosedParts;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.PausePoints;
import io.chatrelay.event.Turn;
import io.chatrelay.turn.StoredTurns;

/**
 * A reader's position in a turn.
 *
 * @param after    the number of the last event that it received
 * @param calls    the turn's calls at that position
 * @param brackets the parts that were open there
 * @param goesOn   whether its stream was paused there, which closed the open parts: the events after it are another stream of the same message
 */
public record ReplayPosition(long after, PausePoints calls, UnclosedParts brackets, boolean goesOn) {

    public static ReplayPosition atTheBeginning() {
        return new ReplayPosition(0, new PausePoints(), UnclosedParts.NONE, false);
    }

    /** The position after the event of that number. Replays the events up to there. */
    static ReplayPosition after(long number, Turn turn, StoredTurns storedTurns) {
        if (number == 0) {
            return atTheBeginning();
        }
        Walk walk = new Walk(number);
        storedTurns.replay(turn, walk::take);
        return new ReplayPosition(number, walk.calls, walk.brackets, false);
    }

    private static final class Walk {
        private final PausePoints calls = new PausePoints();
        private final long last;
        private UnclosedParts brackets = UnclosedParts.NONE;

        Walk(long last) {
            this.last = last;
        }

        void take(long number, ChatEvent event) {
            if (number <= last) {
                calls.apply(event);
                brackets = brackets.after(event);
            }
        }
    }
}
