package io.chatrelay.journal;

import java.nio.charset.StandardCharsets;

/** Events that are texts; {@code end} is a turn's last. */
final class Lines implements EventCodec<String> {

    static final String END = "end";

    @Override
    public byte[] encode(String event) {
        return event.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public String decode(byte[] bytes, int offset, int length) {
        return new String(bytes, offset, length, StandardCharsets.UTF_8);
    }

    @Override
    public boolean isLast(String event) {
        return event.equals(END);
    }
}
