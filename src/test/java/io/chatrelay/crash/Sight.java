package io.chatrelay.crash;

import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

import io.chatrelay.support.sse.SseEvent;

/** What one reader saw of a turn, over all its connections. Written by one thread; read when {@link #isOver}. */
final class Sight {

    final String reader;
    final String conversation;
    final UUID turn;
    final Dialect dialect;
    /** After which number it began to read. */
    final long after;
    final List<SseEvent> frames = new ArrayList<>();
    Ending ending = Ending.NONE;
    boolean done;
    /** Told that there is nothing more, before an end: there is no use in coming back. */
    boolean lost;
    private long last;
    private String lastId = "";
    private String messageId;

    Sight(String reader, String conversation, UUID turn, Dialect dialect, long after) {
        this.reader = reader;
        this.conversation = conversation;
        this.turn = turn;
        this.dialect = dialect;
        this.after = after;
        this.last = after;
    }

    /** Takes a frame. Says what is wrong with it at once; null if nothing is. */
    String see(SseEvent frame) {
        if (frame.id().isEmpty()) {
            done |= frame.data().equals(Dialect.DONE);
            return done && ending != Ending.COMPLETED ? "[DONE] after " + ending : null;
        }
        String wrong = null;
        if (ending != Ending.NONE) {
            wrong = "event %s after the end".formatted(frame.id());
        } else if (dialect == Dialect.AI_SDK ? frame.number() != last + 1 : frame.number() <= last) {
            // OpenAI has no frame for some events, so its numbers may skip.
            wrong = "event %s after event %d".formatted(frame.id(), last);
        }
        if (!lastId.isEmpty() && !turnOf(lastId).equals(turnOf(frame.id()))) {
            wrong = "event %s of another turn after event %s".formatted(frame.id(), lastId);
        }
        last = frame.number();
        lastId = frame.id();
        if (frame.data().startsWith("{\"type\":\"start\"")) {
            messageId = frame.json().path("messageId").asText();
        }
        frames.add(frame);
        ending = dialect.ending(frame);
        return wrong;
    }

    private static String turnOf(String id) {
        return id.substring(0, id.indexOf('.'));
    }

    /** The number that it saw last. */
    long last() {
        return last;
    }

    /** The id that it saw last; empty before the first. */
    String lastId() {
        return lastId;
    }

    /** Of the answer; null until it was told, and on a wire that does not tell it. */
    String messageId() {
        return messageId;
    }

    boolean isOver() {
        return lost || ending != Ending.NONE;
    }

    @Override
    public String toString() {
        return "%s of turn %s in %s, %s after %d, saw up to %d, told %s".formatted(reader, turn, conversation, dialect, after,
                last,
                ending);
    }
}
