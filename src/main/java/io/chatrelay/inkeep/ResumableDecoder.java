package io.chatrelay.inkeep;

import java.util.List;

import io.chatrelay.event.ChatEvent;

/**
 * Decodes a body whose end does not prove that the run has ended: the run can be read again. There is nothing more only if the run has reported
 * a failure.
 */
record ResumableDecoder(AgentsDecoder decoder) implements AnswerDecoder {

    @Override
    public void decode(String event, String data, List<ChatEvent> out) {
        decoder.decode(event, data, out);
    }

    @Override
    public void ended(List<ChatEvent> out) {
        // A clean end proves nothing either: a proxy, or a server that stops, also ends bodies properly.
        broken(out);
    }

    @Override
    public void broken(List<ChatEvent> out) {
        if (decoder.hasFailed()) {
            decoder.broken(out);
        }
    }
}
