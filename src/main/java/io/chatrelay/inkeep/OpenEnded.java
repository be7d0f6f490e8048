package io.chatrelay.inkeep;

import java.util.List;

import io.chatrelay.chat.ChatEvent;

/** Of a body whose end says nothing about the run's: it can be read again. */
record OpenEnded(AnswerDecoder decoder) implements AnswerDecoder {

    @Override
    public void decode(String data, List<ChatEvent> out) {
        decoder.decode(data, out);
    }

    @Override
    public void ended(List<ChatEvent> out) {
        // Nor does a clean one: a proxy, or a server that stops, ends bodies properly.
    }

    @Override
    public void broken(List<ChatEvent> out) {
        // It is read again.
    }
}
