package io.chatrelay.api.counting;

import java.util.List;
import java.util.Map;

import jakarta.enterprise.context.ApplicationScoped;

import io.chatrelay.api.ErrorFormats;
import io.chatrelay.api.protocol.ErrorFormat;
import io.chatrelay.api.protocol.FrameWriter;
import io.chatrelay.api.protocol.Protocol;
import io.chatrelay.event.ChatEvent;
import io.chatrelay.event.ChatEvent.Ended;
import io.chatrelay.event.ChatEvent.TextDelta;
import io.chatrelay.event.JsonWriter;
import io.chatrelay.event.Turn;

/**
 * A protocol of the tests alone: a piece of text is three frames, of which two depend on all the text before it, and the end is two. Nothing but
 * this file makes it one of the service's protocols.
 */
@ApplicationScoped
public class CountingProtocol implements Protocol {

    public static final String NAME = "counting";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public FrameWriter frames(Turn turn, boolean includeUsage) {
        return new Frames(turn);
    }

    @Override
    public boolean pauses() {
        return false;
    }

    @Override
    public List<String> paths() {
        return List.of();
    }

    @Override
    public ErrorFormat errors() {
        return ErrorFormats.PROBLEM;
    }

    private static final class Frames implements FrameWriter {

        private final Turn turn;
        private long characters;

        Frames(Turn turn) {
            this.turn = turn;
        }

        @Override
        public Map<String, String> headers() {
            return Map.of();
        }

        @Override
        public boolean opensWithComment() {
            return false;
        }

        @Override
        public boolean breaksAfter(Ended end) {
            return false;
        }

        @Override
        public boolean dependsOnEarlierEvents() {
            return true;
        }

        @Override
        public void skip(ChatEvent event) {
            if (event instanceof TextDelta(_, var text)) {
                characters += text.length();
            }
        }

        @Override
        public void write(long number, ChatEvent event, JsonWriter out) {
            if (event instanceof TextDelta(_, var text)) {
                FrameWriter.close(FrameWriter.open(turn, number, 1, out).number(characters));
                FrameWriter.close(FrameWriter.open(turn, number, 2, out).string(text));
                skip(event);
                FrameWriter.close(FrameWriter.open(turn, number, 3, out).number(characters));
            } else if (event instanceof Ended) {
                FrameWriter.close(FrameWriter.open(turn, number, 1, out).ascii("\"the end\""));
                FrameWriter.close(FrameWriter.open(turn, number, 2, out).ascii("\"closed\""));
            }
        }
    }
}
