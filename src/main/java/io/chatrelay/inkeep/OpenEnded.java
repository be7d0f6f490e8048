package io.chatrelay.inkeep;

import java.util.List;

import io.chatrelay.chat.ChatEvent;

/** Of a body whose end says nothing about the run's, unless Inkeep told an error before: it can be read again. */
record OpenEnded(AgentsDecoder decoder) implements AnswerDecoder {

    @Override
    public void decode(String data, List<ChatEvent> out) {
        decoder.decode(data, out);
    }

    @Override
    public void ended(List<ChatEvent> out) {
        // A clean end says no more than a cut: a proxy, or a server that stops, ends bodies properly.
        broken(out);
    }

    @Override
    public void broken(List<ChatEvent> out) {
        if (decoder.toldError()) {
            decoder.broken(out);
        }
    }
}
