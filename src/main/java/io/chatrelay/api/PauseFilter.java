package io.chatrelay.api;

import java.util.ArrayList;
import java.util.List;

import io.chatrelay.api.protocol.FrameWriter;
import io.chatrelay.api.protocol.OpenParts;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.StepFinished;
import io.chatrelay.event.JsonWriter;
import io.chatrelay.journal.JournalEntry;

/**
 * Which of a turn's events one stream tells, and when. A stream that pauses at approvals tells events up to a pause point and holds
 * back what follows while the turn stands there: if the stream ends at the pause, that comes with the next one. A stream that
 * goes on after a pause begins with the message's start again, and leaves out the end of the step that the pause has closed.
 */
final class PauseFilter {

    /** Bytes held back at the most; then no more is asked for. What is held is stored, so a pause may forget it. */
    private static final int MOST_HELD = 32 * 1024;

    private final FrameWriter frames;
    private final ReplayPosition from;
    private final ApprovalPauseDetector waits;
    private final List<JournalEntry<ChatEvent>> held = new ArrayList<>();
    private long heldBytes;
    private OpenParts brackets;

    /**
     * @param frames  null where the stream neither pauses nor goes on
     * @param waits null where the stream stays open
     */
    private PauseFilter(FrameWriter frames, ReplayPosition from, ApprovalPauseDetector waits) {
        this.frames = frames;
        this.from = from;
        this.waits = waits;
        this.brackets = from.goesOn() ? new OpenParts(false, from.brackets().text(), from.brackets().reasoning())
                : from.brackets();
    }

    /** Everything, as it comes. */
    static PauseFilter all() {
        return new PauseFilter(null, ReplayPosition.atTheBeginning(), null);
    }

    /** From a pause on, to the end of the turn. */
    static PauseFilter goingOn(FrameWriter frames, ReplayPosition from) {
        return new PauseFilter(frames, from, null);
    }

    /** From somewhere to the next pause. */
    static PauseFilter pausing(FrameWriter frames, ReplayPosition from, ApprovalPauseDetector waits) {
        return new PauseFilter(frames, from, waits);
    }

    void begin(ApprovalPauseDetector.Listener stream) {
        if (waits != null) {
            // A client that has answered a pause is not paused there again.
            waits.begin(stream, !from.goesOn());
        }
    }

    /** What comes before the first event. */
    void open(JsonWriter out) {
        if (from.goesOn()) {
            frames.resume(from.brackets(), out);
        }
    }

    /** Of the entries that came, those that are told now. */
    List<JournalEntry<ChatEvent>> take(List<JournalEntry<ChatEvent>> entries) {
        if (frames == null) {
            return entries;
        }
        List<JournalEntry<ChatEvent>> told = new ArrayList<>(held.size() + entries.size());
        for (JournalEntry<ChatEvent> entry : entries) {
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
    List<JournalEntry<ChatEvent>> release() {
        List<JournalEntry<ChatEvent>> told = new ArrayList<>(held.size());
        releaseInto(told);
        return told;
    }

    private void releaseInto(List<JournalEntry<ChatEvent>> told) {
        held.forEach(entry -> tell(entry, told));
        held.clear();
        heldBytes = 0;
    }

    private void tell(JournalEntry<ChatEvent> entry, List<JournalEntry<ChatEvent>> told) {
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
    void pause(JsonWriter out) {
        frames.pause(brackets, out);
    }

    void stop() {
        held.clear();
        if (waits != null) {
            waits.stop();
        }
    }
}
