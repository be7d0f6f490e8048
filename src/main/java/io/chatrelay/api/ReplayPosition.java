package io.chatrelay.api;

import io.chatrelay.api.protocol.OpenParts;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.PausePoints;
import io.chatrelay.event.Turn;
import io.chatrelay.turn.StoredTurns;

/**
 * Where a reader stands in a turn.
 *
 * @param after    the number of the last event that it was told
 * @param calls    the turn's calls as they stood there
 * @param brackets what was open there
 * @param goesOn   whether its stream was paused there, which closed the brackets: what follows is another stream of the same message
 */
public record ReplayPosition(long after, PausePoints calls, OpenParts brackets, boolean goesOn) {

    public static ReplayPosition atTheBeginning() {
        return new ReplayPosition(0, new PausePoints(), OpenParts.NONE, false);
    }

    /** After the event of that number. Reads the events up to there. */
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
        private OpenParts brackets = OpenParts.NONE;
        private long number;

        Walk(long last) {
            this.last = last;
        }

        void take(ChatEvent event) {
            if (++number <= last) {
                calls.apply(event);
                brackets = brackets.after(event);
            }
        }
    }
}
