package io.chatrelay.inkeep;

import java.util.stream.Collectors;

import io.chatrelay.dev.Recording;
import io.chatrelay.event.Turn;

/** One recorded run of Agents, as the tests of a run that is read again have it told: whole, in part, and beside another one. */
final class RecordedRun {

    static final String CHAT = "POST /run/api/chat";
    static final Recording APPROVED = Recording.load("agents/30-chat-approve-function-tool-1-stream");
    static final String WHOLE = APPROVED.body();
    /** How many frames come up to the request for approval. */
    static final int ASKS = 7;
    static final String OTHER = Recording.load("agents/01-chat-plain-stream").body();
    static final String DONE = "data: [DONE]\n\n";

    private RecordedRun() {}

    /** Where the run of a turn is read again. */
    static String replayOf(Turn turn) {
        return "GET /run/v1/conversations/" + turn.conversation() + "/stream";
    }

    /** The first frames of the run. */
    static String begin(int frames) {
        return frames(0, frames);
    }

    static String frames(int from, int to) {
        return APPROVED.frames().subList(from, to).stream().map(Recording.Frame::text).collect(Collectors.joining());
    }

    /** What follows the first frames. */
    static String rest(int frames) {
        return frames(frames, APPROVED.frames().size());
    }
}
