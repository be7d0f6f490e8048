package io.chatrelay.api;

import java.util.ArrayList;
import java.util.List;

import io.chatrelay.api.protocol.FrameWriter;
import io.chatrelay.api.protocol.UnclosedParts;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.StepFinished;
import io.chatrelay.event.JsonWriter;
import io.chatrelay.journal.JournalEntry;

/**
 * Decides which of a turn's events one stream publishes, and when. A stream that pauses at approvals publishes events up to a pause point,
 * and holds back later events while the turn stays there: if the stream ends at the pause, the next stream publishes them. A stream that
 * continues after a pause begins with the message's start again, and omits the end of the step that the pause has closed.
 */
final class PauseFilter {

    /** The limit of bytes held back; above it no more events are requested. Held events are stored, so a pause may discard them. */
    private static final int MOST_HELD = 32 * 1024;

    private final FrameWriter frames;
    private final ReplayPosition from;
    private final ApprovalPauseDetector waits;
    private final List<JournalEntry<ChatEvent>> held = new ArrayList<>();
    private long heldBytes;
    private UnclosedParts brackets;

    /**
     * @param frames  null if the stream neither pauses nor continues after a pause
     * @param waits null if the stream stays open
     */
    private PauseFilter(FrameWriter frames, ReplayPosition from, ApprovalPauseDetector waits) {
        this.frames = frames;
        this.from = from;
        this.waits = waits;
        this.brackets = from.goesOn() ? new UnclosedParts(false, from.brackets().text(), from.brackets().reasoning())
                : from.brackets();
    }

    /** Publishes every event when it arrives. */
    static PauseFilter all() {
        return new PauseFilter(null, ReplayPosition.atTheBeginning(), null);
    }

    /** From a pause to the end of the turn. */
    static PauseFilter goingOn(FrameWriter frames, ReplayPosition from) {
        return new PauseFilter(frames, from, null);
    }

    /** From any position to the next pause. */
    static PauseFilter pausing(FrameWriter frames, ReplayPosition from, ApprovalPauseDetector waits) {
        return new PauseFilter(frames, from, waits);
    }

    void begin(ApprovalPauseDetector.Listener stream) {
        if (waits != null) {
            // A client that has decided at a pause does not pause there again.
            waits.begin(stream, !from.goesOn());
        }
    }

    /** The frames before the first event. */
    void open(JsonWriter out) {
        if (from.goesOn()) {
            frames.resume(from.brackets(), out);
        }
    }

    /** The received entries that are published now. */
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

    /** The held entries, after the turn has left the pause point. */
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
        } else {
            frames.skip(entry.event());
        }
        brackets = brackets.after(entry.event());
    }

    /** Whether so much is held back that no more events may be requested. */
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
