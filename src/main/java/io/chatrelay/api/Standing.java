package io.chatrelay.api;

import io.chatrelay.chat.ChatEvent;
import io.chatrelay.chat.Conversations;
import io.chatrelay.chat.PausePoints;
import io.chatrelay.chat.Turn;

/**
 * Where a reader stands in a turn.
 *
 * @param after    the number of the last event that it was told
 * @param calls    the turn's calls as they stood there
 * @param brackets what was open there
 * @param goesOn   whether its stream was paused there, which closed the brackets: what follows is another stream of the same message
 */
record Standing(long after, PausePoints calls, OpenBrackets brackets, boolean goesOn) {

    static Standing atTheBeginning() {
        return new Standing(0, new PausePoints(), OpenBrackets.NONE, false);
    }

    /** After the event of that number. Reads the events up to there. */
    static Standing after(long number, Turn turn, Conversations conversations) {
        if (number == 0) {
            return atTheBeginning();
        }
        Walk walk = new Walk(number);
        conversations.replay(turn, walk::take);
        return new Standing(number, walk.calls, walk.brackets, false);
    }

    private static final class Walk {
        private final PausePoints calls = new PausePoints();
        private final long last;
        private OpenBrackets brackets = OpenBrackets.NONE;
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
