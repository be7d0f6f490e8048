package io.chatrelay.inkeep;

import java.util.List;

import io.chatrelay.event.ChatEvent;

/** Of a body whose end says nothing about the run's: it can be read again. Only where the run has told that it failed there is no more. */
record ResumableDecoder(AgentsDecoder decoder) implements AnswerDecoder {

    @Override
    public void decode(String event, String data, List<ChatEvent> out) {
        decoder.decode(event, data, out);
    }

    @Override
    public void ended(List<ChatEvent> out) {
        // Nor does a clean one: a proxy, or a server that stops, ends bodies properly.
        broken(out);
    }

    @Override
    public void broken(List<ChatEvent> out) {
        if (decoder.hasFailed()) {
            decoder.broken(out);
        }
    }
}
