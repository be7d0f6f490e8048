package io.chatrelay.api;

import java.util.ArrayList;
import java.util.List;

import io.chatrelay.api.wire.AiSdkWire;
import io.chatrelay.chat.ChatEvent;
import io.chatrelay.chat.ChatEvent.StepFinished;
import io.chatrelay.chat.JsonText;
import io.chatrelay.journal.Entry;

/**
 * Which of a turn's events one stream tells, and when. A stream that pauses at approvals tells events up to a pause point and holds
 * back what follows while the turn stands there: if the stream ends at the pause, that comes with the next one. A stream that
 * goes on after a pause begins with the message's start again, and leaves out the end of the step that the pause has closed.
 */
final class Telling {

    /** Bytes held back at the most; then no more is asked for. What is held is stored, so a pause may forget it. */
    private static final int MOST_HELD = 32 * 1024;

    private final AiSdkWire wire;
    private final Standing from;
    private final Waits waits;
    private final List<Entry<ChatEvent>> held = new ArrayList<>();
    private long heldBytes;
    private OpenBrackets brackets;

    /**
     * @param wire  null where the stream neither pauses nor goes on
     * @param waits null where the stream stays open
     */
    private Telling(AiSdkWire wire, Standing from, Waits waits) {
        this.wire = wire;
        this.from = from;
        this.waits = waits;
        this.brackets = from.goesOn() ? new OpenBrackets(false, from.brackets().text(), from.brackets().reasoning())
                : from.brackets();
    }

    /** Everything, as it comes. */
    static Telling all() {
        return new Telling(null, Standing.atTheBeginning(), null);
    }

    /** From a pause on, to the end of the turn. */
    static Telling goingOn(AiSdkWire wire, Standing from) {
        return new Telling(wire, from, null);
    }

    /** From somewhere to the next pause. */
    static Telling pausing(AiSdkWire wire, Standing from, Waits waits) {
        return new Telling(wire, from, waits);
    }

    void begin(Waits.Listener stream) {
        if (waits != null) {
            // A client that has answered a pause is not paused there again.
            waits.begin(stream, !from.goesOn());
        }
    }

    /** What comes before the first event. */
    void open(JsonText out) {
        if (from.goesOn()) {
            wire.goesOn(from.brackets().text(), from.brackets().reasoning(), out);
        }
    }

    /** Of the entries that came, those that are told now. */
    List<Entry<ChatEvent>> take(List<Entry<ChatEvent>> entries) {
        if (wire == null) {
            return entries;
        }
        List<Entry<ChatEvent>> told = new ArrayList<>(held.size() + entries.size());
        for (Entry<ChatEvent> entry : entries) {
            boolean point = waits != null && waits.take(entry.event());
            if (waits != null && waits.standing() && !point) {
                held.add(entry);
                heldBytes += entry.size();
            } else {
                releaseInto(told);
                tell(entry, told);
            }
        }
        return told;
    }

    /** What was held back, now that the turn does not stand any more. */
    List<Entry<ChatEvent>> release() {
        List<Entry<ChatEvent>> told = new ArrayList<>(held.size());
        releaseInto(told);
        return told;
    }

    private void releaseInto(List<Entry<ChatEvent>> told) {
        held.forEach(entry -> tell(entry, told));
        held.clear();
        heldBytes = 0;
    }

    private void tell(Entry<ChatEvent> entry, List<Entry<ChatEvent>> told) {
        if (!from.goesOn() || brackets.step() || !(entry.event() instanceof StepFinished)) {
            told.add(entry);
        }
        brackets = brackets.after(entry.event());
    }

    /** Whether so much is held back that no more is to be read. */
    boolean full() {
        return heldBytes > MOST_HELD;
    }

    /** Ends the stream at the last pause point. */
    void pause(JsonText out) {
        wire.pause(brackets.step(), brackets.text(), brackets.reasoning(), out);
    }

    void stop() {
        held.clear();
        if (waits != null) {
            waits.stop();
        }
    }
}
